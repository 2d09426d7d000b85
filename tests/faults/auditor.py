"""What must hold after any faults, each as a check that yields what it found wrong.

A check knows nothing but the evidence: it can be given a doctored record, and has to notice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Final

from tests.faults.evidence import Effect, Entry, Evidence, Fault, Recorded, Request, Told

FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})
_EDGES: Final = {("running", final) for final in FINAL} | {
    ("running", "queued"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "lost"),
    ("queued", "failed"),
}
_RECOVERY_S: Final = 20.0
"""So long after a fault, requests to what it hit may still fail: restarts are backed off, leases expire."""


class Facts:
    """The evidence, by run."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def entries(self) -> dict[str, list[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.evidence.ledger:
            found[entry.run_id].append(entry)
        return found

    @cached_property
    def final(self) -> dict[str, Entry]:
        ended = (entries[-1] for entries in self.entries.values())
        return {entry.run_id: entry for entry in ended if entry.state in FINAL}

    @cached_property
    def effects(self) -> dict[str, list[Effect]]:
        found: defaultdict[str, list[Effect]] = defaultdict(list)
        for effect in self.evidence.effects:
            found[effect.run_id].append(effect)
        return found

    @cached_property
    def recorded(self) -> dict[str, list[Recorded]]:
        found: defaultdict[str, list[Recorded]] = defaultdict(list)
        for run in self.evidence.history:
            found[run.run_id].append(run)
        return found

    @cached_property
    def accepted(self) -> dict[str, Request]:
        return {one.run_id: one for one in self.evidence.requests if one.run_id and one.accepted_at}


Check = Callable[[Facts], Iterator[str]]


def every_request_is_accepted_in_the_end(facts: Facts) -> Iterator[str]:
    """Faults make callers wait and ask again; they make no request wrong."""
    for request in facts.evidence.requests:
        if request.refused is not None:
            yield f"request {request.number} was refused: {request.refused}"
        elif request.accepted_at is None:
            yield f"request {request.number} was never accepted"


def every_accepted_run_has_one_final_state(facts: Facts) -> Iterator[str]:
    for run_id in facts.accepted:
        ends = [entry.state for entry in facts.entries.get(run_id, ()) if entry.state in FINAL]
        if len(ends) != 1:
            yield f"run {run_id} has the final states {ends}"


def the_ledger_goes_only_forward(facts: Facts) -> Iterator[str]:
    """Claims, attempts and ends follow one another as the states allow."""
    for run_id, entries in facts.entries.items():
        states = [entry.state for entry in entries]
        if not (states[0] == "running" or states[0] in FINAL):
            yield f"run {run_id} begins with {states[0]}"
        if any(edge not in _EDGES for edge in pairwise(states)):
            yield f"run {run_id} went {' → '.join(states)}"
        claims = [entry.attempt for entry in entries if entry.state == "running"]
        if claims != sorted(set(claims)):
            yield f"run {run_id} was claimed for the attempts {claims}"


def nobody_runs_what_was_not_asked_for(facts: Facts) -> Iterator[str]:
    """A repeated request is the same run: there are no runs but those whose callers know them."""
    for run_id in facts.entries.keys() | facts.recorded.keys() | facts.effects.keys():
        if run_id not in facts.accepted:
            yield f"run {run_id} is nobody's"
    runs = Counter(one.run_id for one in facts.evidence.requests if one.run_id)
    for run_id, count in runs.items():
        if count > 1:
            yield f"run {run_id} stands for {count} requests"
    for request in facts.evidence.requests:
        told = {answer.run_id for answer in request.answers}
        if len(told) > 1:
            yield f"request {request.number} became several runs: {sorted(told)}"


def none_began_twice_in_one_attempt(facts: Facts) -> Iterator[str]:
    begun = Counter((e.run_id, e.attempt) for e in facts.evidence.effects if e.what == "begin")
    for (run_id, attempt), count in begun.items():
        if count > 1:
            yield f"run {run_id} began {count} times in attempt {attempt}"


def none_began_unclaimed(facts: Facts) -> Iterator[str]:
    for run_id, effects in facts.effects.items():
        claims = {e.attempt for e in facts.entries.get(run_id, ()) if e.state == "running"}
        unclaimed = {e.attempt for e in effects if e.what == "begin"} - claims
        if unclaimed:
            yield f"run {run_id} began in the attempts {sorted(unclaimed)}, which nobody had claimed"


def nothing_ran_after_its_end(facts: Facts) -> Iterator[str]:
    """Whoever lost its lease has fenced its hosts before another says that the run is lost."""
    if any(fault.kind == "clock" for fault in facts.evidence.faults):
        return  # the ledger's times are not the plugin's then
    for run_id, entries in facts.entries.items():
        for claim, end in pairwise(entries):
            for effect in facts.effects.get(run_id, ()) if claim.state == "running" else ():
                late = effect.at - _seconds(end.at)
                # Times in the ledger are whole milliseconds.
                if effect.attempt == claim.attempt and late > 0.002:
                    yield f"run {run_id} was {end.state}, and {late:.3f} s later its code wrote {effect.what!r}"


def none_succeeded_without_having_run(facts: Facts) -> Iterator[str]:
    """The result is that of the call that the plugin's own log shows, begun and ended."""
    for run_id, final in facts.final.items():
        if final.state != "succeeded":
            continue
        whats = [e.what for e in facts.effects.get(run_id, ()) if e.token == final.token]
        if whats.count("begin") != 1 or whats.count("end") != 1:
            yield f"run {run_id} succeeded in attempt {final.attempt}; its code left {whats}"


def history_and_ledger_agree(facts: Facts) -> Iterator[str]:
    for run_id, final in facts.final.items():
        recorded = facts.recorded.get(run_id, [])
        if len(recorded) != 1:
            yield f"run {run_id} ended {final.state} and is in the history {len(recorded)} times"
            continue
        told = recorded[0]
        names = ("state", "attempt", "executor", "ended_at", "outcome", "cause", *(["token"] * told.whole))
        for name in names:
            if getattr(told, name) != getattr(final, name):
                yield (
                    f"run {run_id}: its {name} is {getattr(final, name)!r} in the ledger "
                    f"and {getattr(told, name)!r} in the history"
                )
    for run_id in facts.recorded.keys() - facts.final.keys():
        yield f"run {run_id} is {facts.recorded[run_id][0].state} in the history, and has no end in the ledger"


def callers_were_told_the_truth(facts: Facts) -> Iterator[str]:
    for run_id, request in facts.accepted.items():
        final = facts.final.get(run_id)
        for answer in request.answers:
            if answer.state == "accepted":
                continue
            told = (answer.state, answer.cause, answer.token)
            if final is None or told != _as_told(answer.state, final):
                stored = final and (final.state, final.cause, final.token)
                yield f"run {run_id}: its caller was told {told}, stored is {stored}"


def every_loss_is_explained_by_a_fault(facts: Facts) -> Iterator[str]:
    """No attempt ends otherwise than its code would, but where something was done to it just then."""
    for run_id, request in facts.accepted.items():
        entries = facts.entries.get(run_id, [])
        ends = [(claim, end) for claim, end in pairwise(entries) if claim.state == "running"]
        if entries and entries[0].state in FINAL:
            ends.append((entries[0], entries[0]))
        for claim, end in ends:
            if _is_as_coded(request.action, claim.attempt, end):
                continue
            if not any(_explains(fault, claim, end) for fault in facts.evidence.faults):
                yield (
                    f"run {run_id} ({request.action} of {request.plugin}, attempt {claim.attempt}) was {end.state}: "
                    f"{end.cause} ({end.error_type}: {end.error}), on {claim.executor} from {claim.at} to {end.at}, "
                    "and no fault explains it"
                )


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


CHECKS: Final[tuple[Check, ...]] = (
    every_request_is_accepted_in_the_end,
    every_accepted_run_has_one_final_state,
    the_ledger_goes_only_forward,
    nobody_runs_what_was_not_asked_for,
    none_began_twice_in_one_attempt,
    none_began_unclaimed,
    nothing_ran_after_its_end,
    none_succeeded_without_having_run,
    history_and_ledger_agree,
    callers_were_told_the_truth,
    every_loss_is_explained_by_a_fault,
    answered_writes_are_there_once,
    replaced_documents_have_the_last_version,
    what_plugins_wrote_is_there_once,
    every_write_was_told_of_once,
    watchers_missed_nothing,
)


@dataclass(frozen=True)
class Audit:
    """What each check found."""

    evidence: Evidence
    findings: dict[str, list[str]]

    @property
    def clean(self) -> bool:
        return not any(self.findings.values())


def audit(evidence: Evidence) -> Audit:
    """Judge the evidence by every check."""
    facts = Facts(evidence)
    return Audit(evidence, {check.__name__: list(check(facts)) for check in CHECKS})


def _is_as_coded(action: str, attempt: int, end: Entry) -> bool:
    """Whether an attempt ended as the plugin's code has it."""
    match action:
        case "fail":
            return end.cause == "raised" and end.error_type == "ValueError"
        case "again" if attempt == 1:
            return end.state == "queued" and end.cause == "retry"
        case _:
            return end.state == "succeeded"


def _explains(fault: Fault, claim: Entry, end: Entry) -> bool:
    """Whether a fault may have made an attempt end as it did."""
    began, ended = _seconds(claim.started_at or claim.at), _seconds(end.at)
    until = fault.until or fault.at
    just_then = fault.at <= ended and until >= began
    lately = fault.at <= ended and until + _RECOVERY_S >= began
    own = fault.target == "executor" and fault.name == claim.executor
    match end.cause:
        case "executor_gone":
            # A lease that cannot be renewed is lost, too.
            return (own and just_then) or (fault.target in {"nats-server", "disk"} and lately)
        case "crashed":
            host = fault.target == "host" and fault.name == claim.plugin
            # Hosts of an executor that stands still end themselves.
            return just_then and (host or (own and fault.kind == "stop"))
        case "raised" if fault.target == "disk":
            return lately and end.error_type in {"OSError", "PlatformUnavailable", "PlatformTimeout"}
        case "raised":
            unanswered = end.error_type in {"PlatformUnavailable", "PlatformTimeout"}
            return unanswered and fault.target in {"data", "mongod", "nats-server"} and lately
        case _:
            return False


def _as_told(state: str, final: Entry) -> tuple[str, str | None, str | None]:
    """A final entry in the words of an answer; HTTP tells failures apart by their text only."""
    if state == "ended":
        return ("ended", None, None) if final.state != "succeeded" else ("succeeded", None, final.token)
    return final.state, final.cause, final.token


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
