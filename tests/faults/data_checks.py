"""What must hold of documents, and of what is told of changes."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.faults.evidence import Told
from tests.faults.facts import Facts


def answered_writes_are_there_once(facts: Facts) -> Iterator[str]:
    """What was answered is stored once under the id that was answered; what was not, once at most."""
    added: defaultdict[int, list[int]] = defaultdict(list)
    for document in facts.evidence.documents:
        if document.collection == "added":
            added[document.number].append(document.item_id)
    for write in facts.evidence.writes:
        ids = added.pop(write.number, [])
        if write.refused is not None:
            yield f"write {write.number} was refused: {write.refused}"
        if len(ids) > 1 or (write.answered_id is not None and ids != [write.answered_id]):
            yield f"write {write.number} was answered with the id {write.answered_id}, and is stored as {ids}"
    for number, ids in added.items():
        yield f"document {ids} has the number {number}, which nobody wrote"
    places = Counter((d.plugin, d.collection, d.item_id) for d in facts.evidence.documents)
    for (plugin, collection, item_id), count in places.items():
        if count > 1:
            yield f"{collection!r} of {plugin} has the id {item_id} {count} times"


def replaced_documents_have_the_last_version(facts: Facts) -> Iterator[str]:
    stored = {d.item_id: d.version for d in facts.evidence.documents if d.collection == "cells"}
    for cell in facts.evidence.cells:
        if cell.refused is not None:
            yield f"cell {cell.number} was refused: {cell.refused}"
        if cell.item_id is None:
            yield f"cell {cell.number} was never made"
        elif not cell.answered <= stored.get(cell.item_id, -1) <= cell.tried:
            yield (
                f"cell {cell.number} has version {stored.get(cell.item_id)}; answered was {cell.answered}, "
                f"tried {cell.tried}"
            )


def what_plugins_wrote_is_there_once(facts: Facts) -> Iterator[str]:
    """A plugin that was told of its write has it; one that was not may have it once."""
    stored = Counter(d.token for d in facts.evidence.documents if d.collection == "notes")
    told = {e.token: e.run_id for e in facts.evidence.effects if e.what == "wrote"}
    begun = {e.token for e in facts.evidence.effects if e.what == "begin"}
    for token, run_id in told.items():
        if stored[token] != 1:
            yield f"run {run_id} wrote a document and was told so; it is stored {stored[token]} times"
    for token, count in stored.items():
        if token not in told and (count > 1 or token not in begun):
            yield f"a document that no run was told of is stored {count} times ({token})"


def every_write_was_told_of_once(facts: Facts) -> Iterator[str]:
    """The stream of changes tells of each document once that it was added, and of each replacement."""
    if not facts.evidence.changes:
        return
    told: Counter[tuple[str, str, int | None]] = Counter(
        (change.topic, change.type, change.item_id) for change in facts.evidence.changes
    )
    for document in facts.evidence.documents:
        place = f"data.{document.plugin}.{document.collection}"
        added = told.pop((place, "item.added", document.item_id), 0)
        changed = told.pop((place, "item.changed", document.item_id), 0)
        if added != 1 or changed != document.version:
            yield (
                f"{place} {document.item_id} was added and replaced {document.version} times; "
                f"told was {added} and {changed} times"
            )
    for (place, kind, item_id), count in told.items():
        yield f"{kind} of {place} {item_id} was told {count} times, and there is no such document"


def watchers_missed_nothing(facts: Facts) -> Iterator[str]:
    """What a client saw over all its connections is the stream from its first position on, in its order."""
    runs = [Told("runs", entry.seq, f"run.{entry.state}") for entry in facts.evidence.ledger]
    for watcher in facts.evidence.watchers:
        for topic in watcher.reloads:
            yield f"{watcher.name} was told to read {topic} again"
        for reason in watcher.refused:
            yield f"{watcher.name} was refused: {reason}"
        for topic, since in watcher.since.items():
            stored = runs if topic == "runs" else [t for t in facts.evidence.changes if t.topic == topic]
            wanted = [told for told in stored if told.seq > since]
            got = [frame for frame in watcher.frames if frame.topic == topic]
            if got == wanted:
                continue
            missing = sorted({t.seq for t in wanted} - {t.seq for t in got})
            extra = Counter(t.seq for t in got) - Counter(t.seq for t in wanted)
            order = [t.seq for t in got]
            yield (
                f"{watcher.name} on {topic}: {len(missing)} frames missing {missing[:5]}, {extra.total()} too many "
                f"{sorted(extra)[:5]}, {'in' if order == sorted(order) else 'out of'} order"
            )
        if not watcher.since:
            yield f"{watcher.name} never got to follow anything"
