"""`PluginData` inside `transaction.atomic()`: seen by the same block, sent when it commits, dropped when it does not.

The writes wait among Django's own commit hooks; so a savepoint that is rolled back takes along those made in it.
"""

import copy
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from plugarr_host.commits import HeldWrite
from plugarr_host.host_database import django_ready
from plugarr_host.platform import platform
from plugarr_host.values import encode

Record = dict[str, Any]


def held() -> "Held | None":
    """Where writes wait, if this is inside an atomic block; None where they are done at once."""
    database = sys.modules.get("django.db")
    if database is None or not django_ready() or not database.connection.in_atomic_block:
        return None
    return Held(database.connection)


class Held:
    """The writes of one open transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def get(self, plugin: str, collection: str) -> list[Record]:
        """The collection as this block sees it."""
        records: dict[int, Record] = {}
        mine = self._writes(plugin, collection)
        if not any(write["verb"] == "clear" for write in mine):
            stored = platform.call("data.get_collection", plugin=plugin, collection=collection)
            records = {record["id"]: record for record in stored}
        return [records[key] for key in sorted(_applied(records, mine))]

    def find(self, plugin: str, collection: str, item_id: int | str) -> Record | None:
        """One document as this block sees it."""
        number = int(item_id)
        mine = self._writes(plugin, collection)
        records: dict[int, Record] = {}
        if not any(write["verb"] == "clear" for write in mine):
            stored = platform.call("data.get_item", plugin=plugin, collection=collection, id=item_id)
            records = {} if stored is None else {number: stored}
        return _applied(records, [w for w in mine if w["id"] in {None, number}]).get(number)

    def add(self, plugin: str, collection: str, data: Mapping[str, Any]) -> Record:
        """A new document."""
        body = _body(data)
        first = platform.call("data.take_ids", plugin=plugin, collection=collection, count=1, above=0)
        return self._hold_new(plugin, collection, first, body)

    def set(self, plugin: str, collection: str, items: Sequence[Mapping[str, Any]]) -> list[Record]:
        """All of a collection."""
        kept = _kept_ids(items)
        bodies = [_body(item) for item in items]
        above = max([0, *filter(None, kept)])
        first = platform.call(
            "data.take_ids", plugin=plugin, collection=collection, count=kept.count(None), above=above
        )
        self._hold(plugin, "clear", collection)
        records = []
        for number, body in zip(kept, bodies, strict=True):
            if number is None:
                number, first = first, first + 1  # noqa: PLW2901 - the next of the reserved ones
            records.append(self._hold_new(plugin, collection, number, body))
        return records

    def update(
        self, plugin: str, collection: str, item_id: int | str, data: Mapping[str, Any]
    ) -> Record | None:
        """Another document in the place of one, or None where there is none."""
        body = _body(data)
        before = self.find(plugin, collection, item_id)
        if before is None:
            return None
        self._hold(plugin, "replace", collection, before["id"], body)
        return {**before, "data": copy.deepcopy(body), "updated_at": _now()}

    def remove(self, plugin: str, collection: str, item_id: int | str) -> bool:
        """Whether there was such a document."""
        before = self.find(plugin, collection, item_id)
        if before is None:
            return False
        self._hold(plugin, "delete", collection, before["id"])
        return True

    def clear(self, plugin: str, collection: str) -> int:
        """How many documents there were."""
        count = len(self.get(plugin, collection))
        self._hold(plugin, "clear", collection)
        return count

    def _writes(self, plugin: str, collection: str) -> list[Record]:
        hooks = (hook for _, hook, *_ in self._connection.run_on_commit)
        writes = (hook.write for hook in hooks if isinstance(hook, HeldWrite))
        return [w for w in writes if (w["plugin"], w["collection"]) == (plugin, collection)]

    def _hold_new(self, plugin: str, collection: str, number: int, body: Record) -> Record:
        self._hold(plugin, "add", collection, number, body)
        now = _now()
        return {"id": number, "data": copy.deepcopy(body), "created_at": now, "updated_at": now}

    def _hold(
        self, plugin: str, verb: str, collection: str, number: int | None = None, data: Any = None
    ) -> None:
        write = {"plugin": plugin, "verb": verb, "collection": collection, "id": number, "data": data}
        self._connection.on_commit(HeldWrite(write, _send))


def _send(writes: Iterable[Record]) -> None:
    by_plugin: dict[str, list[Record]] = {}
    for write in writes:
        by_plugin.setdefault(write["plugin"], []).append(write)
    for plugin, those in by_plugin.items():
        fields = ("verb", "collection", "id", "data")
        platform.call(
            "data.write_together", plugin=plugin, writes=[{name: w[name] for name in fields} for w in those]
        )


def _applied(records: dict[int, Record], writes: Iterable[Record]) -> dict[int, Record]:
    for write in writes:
        number = write["id"]
        match write["verb"]:
            case "clear":
                records.clear()
            case "delete":
                records.pop(number, None)
            case _ if number is not None:
                now = _now()
                before = records.get(number, {"id": number, "created_at": now})
                # What is read may be changed at will; only what is written is stored.
                records[number] = {**before, "data": copy.deepcopy(write["data"]), "updated_at": now}
    return records


def _body(data: Mapping[str, Any]) -> Record:
    """The document as it is now, whatever becomes of it before the commit. Raises Unserialisable."""
    text = encode({name: value for name, value in data.items() if name != "_id"}, "data")
    body: Record = json.loads(text)
    return body


def _kept_ids(items: Iterable[Mapping[str, Any]]) -> list[int | None]:
    kept: list[int | None] = []
    for item in items:
        given = item.get("_id")
        if isinstance(given, str) and given.isascii() and given.isdigit():
            given = int(given)
        usable = isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**63
        kept.append(given if usable and given not in kept else None)
    return kept


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
