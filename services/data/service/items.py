"""Plugin data: what may be stored, how items are numbered, and what callers are answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from services.data.clients import Payloads
from services.data.models import MAX_ITEMS, Item, Place, Stamp, Write
from services.data.repository.items import Items
from shared import errors
from shared.contracts import data as m
from shared.contracts.base import Done, JsonObject, ObjectRef
from shared.documents import MAX_INT, check_document, read_json
from shared.messaging.streaming import packed

T = TypeVar("T")
_LARGE = 100
"""Items from which on they are prepared in a thread, so that no other command waits for it."""


class ItemService:
    """The eight operations on collections."""

    def __init__(self, items: Items, payloads: Payloads) -> None:
        self._items = items
        self._payloads = payloads
        # Lists and replacements hold memory and a thread each: others wait their turn, small commands do not.
        self._large = asyncio.Semaphore(8)

    async def list_items(self, command: m.ListItems) -> tuple[m.ListHead, AsyncIterator[bytes]]:
        """The items that match, as one snapshot."""
        async with self._large:
            total, found = await self._items.find(command)

        async def encoded() -> AsyncIterator[bytes]:
            async for stamp, document in found:
                yield _encoded(stamp, document)

        return m.ListHead(total=total), packed(encoded())

    async def get(self, command: m.GetItem) -> m.RecordAnswer:
        found = await self._items.get(_place(command), command.id)
        return m.RecordAnswer(record=None if found is None else _record(*found))

    async def add(self, command: m.AddItem) -> m.RecordAnswer:
        """Store a document under a new id; an `_id` of its own is ignored."""
        document = await self._document(command.data)
        place = _place(command)
        operation = place.operation("add", command.op_id, content=document)
        stamp = await self._items.add(place, Item.of(document), operation)
        return m.RecordAnswer(record=_record(stamp, document))

    async def replace_item(self, command: m.ReplaceItem) -> m.RecordAnswer:
        """Put a document in the place of another; no record where there is none."""
        item = Item.of(await self._document(command.data))
        place = _place(command)
        operation = place.operation("replace_item", command.op_id, command.id, content=item.data)
        found = await self._items.change(place, command.id, lambda _: item, operation, remember=False)
        return m.RecordAnswer(record=None if found is None else _record(found[0], item.data))

    async def patch(self, command: m.PatchItem) -> m.RecordAnswer:
        """Merge at the top level; no record where there is no item."""
        given = await self._document(command.data)

        def merged(old: JsonObject) -> Item:
            document = old | given
            # Each of the two may be small enough, and the merged one not.
            check_document(document, "data")
            return Item.of(document)

        place = _place(command)
        operation = place.operation("patch", command.op_id, command.id, content=given)
        found = await self._items.change(place, command.id, merged, operation, remember=True)
        return m.RecordAnswer(record=None if found is None else _record(found[0], found[1] or {}))

    async def delete(self, command: m.DeleteItem) -> m.Deleted:
        place = _place(command)
        operation = place.operation("delete", command.op_id, command.id)
        return m.Deleted(deleted=await self._items.delete(place, command.id, operation))

    async def clear(self, command: m.ClearCollection) -> m.Deleted:
        place = _place(command)
        async with self._large:
            count = await self._items.clear(place, place.operation("clear", command.op_id))
        return m.Deleted(deleted=count)

    async def replace(self, command: m.ReplaceCollection) -> tuple[m.ListHead, AsyncIterator[bytes]]:
        """Put new items in the place of all there are; they are answered in the order given."""
        place = _place(command)
        async with self._large:
            given = await self._array(command.items)
            items, ids = await _somewhere(len(given), lambda: _prepared(given))
            written = [ids, [item.data for item in items]]
            operation = await _somewhere(
                len(items), lambda: place.operation("replace", command.op_id, content=written)
            )
            stamps = await self._items.replace(place, items, ids, operation)

        async def encoded() -> AsyncIterator[bytes]:
            for stamp, item in zip(stamps, items, strict=True):
                yield _encoded(stamp, item.data)

        return m.ListHead(total=len(stamps)), packed(encoded())

    async def take_ids(self, command: m.TakeIds) -> m.TakenIds:
        return m.TakenIds(first=await self._items.take_ids(_place(command), command.count, command.above))

    async def write_together(self, command: m.WriteTogether) -> Done:
        """Do all of the writes, or none."""
        async with self._large:
            given = await self._resolved(command.writes, "writes")
            writes = await _somewhere(len(given), lambda: _writes(command.plugin, given))
            content = [[w.verb, w.place.collection, w.id, w.item and w.item.data] for w in writes]
            operation = Place(command.plugin, "").operation("together", command.op_id, content=content)
            await self._items.write_together(writes, operation)
        return Done()

    async def _document(self, given: JsonObject | ObjectRef) -> JsonObject:
        """The document of a command, checked, without an `_id`."""
        document = await self._resolved(given, "data")
        if not isinstance(document, dict):
            raise errors.Invalid("data: an object is needed", path="data")
        document = _without_id(document)
        check_document(document, "data")
        return document

    async def _array(self, given: tuple[JsonObject, ...] | ObjectRef) -> list[Any]:
        items = await self._resolved(given, "items")
        if not isinstance(items, list | tuple):
            raise errors.Invalid("items: an array is needed", path="items")
        if len(items) > MAX_ITEMS:
            raise errors.Invalid(
                f"items: {len(items):,} are more than the {MAX_ITEMS:,} that can be replaced at once",
                path="items",
            )
        return list(items)

    async def _resolved(self, given: Any, path: str) -> Any:
        reference = given if isinstance(given, ObjectRef) else ObjectRef.read(given)
        if reference is None:
            return given
        data = await self._payloads.get(reference)
        return await asyncio.to_thread(read_json, data, path)


def _place(command: m.CollectionCommand) -> Place:
    return Place(command.plugin, command.collection)


def _prepared(given: Iterable[Any]) -> tuple[list[Item], list[int | None]]:
    """Items and the ids that they keep: valid ones, and each once."""
    items: list[Item] = []
    ids: list[int | None] = []
    taken: set[int] = set()
    for index, document in enumerate(given):
        path = f"items[{index}]"
        if not isinstance(document, dict):
            raise errors.Invalid(f"{path}: an object is needed", path=path)
        item_id = _valid_id(document.get("_id"))
        keeps = item_id is not None and item_id not in taken
        ids.append(item_id if keeps else None)
        if item_id is not None:
            taken.add(item_id)
        body = _without_id(document)
        check_document(body, path)
        items.append(Item.of(body))
    return items, ids


def _writes(plugin: str, given: Sequence[Any]) -> list[Write]:
    if len(given) > MAX_ITEMS:
        raise errors.Invalid(f"writes: {len(given):,} are more than {MAX_ITEMS:,}", path="writes")
    writes: list[Write] = []
    for index, raw in enumerate(given):
        path = f"writes[{index}]"
        try:
            write = m.ItemWrite.model_validate(raw)
        except ValidationError as error:
            raise errors.Invalid(f"{path}: {error.errors()[0]['msg']}", path=path) from error
        needs_id, needs_data = write.verb != "clear", write.verb in {"add", "replace"}
        if (needs_id and write.id is None) or (needs_data and write.data is None):
            raise errors.Invalid(f"{path}: {write.verb} needs more than that", path=path)
        item = None
        if write.data is not None and needs_data:
            body = _without_id(write.data)
            check_document(body, f"{path}.data")
            item = Item.of(body)
        writes.append(Write(write.verb, Place(plugin, write.collection), write.id, item))
    return writes


def _valid_id(value: Any) -> int | None:
    """The id that a document gives itself: an integer, or its digits as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_INT:
        return value
    return None


def _without_id(document: JsonObject) -> JsonObject:
    if "_id" not in document:
        return document
    return {name: value for name, value in document.items() if name != "_id"}


async def _somewhere(size: int, work: Callable[[], T]) -> T:
    return work() if size < _LARGE else await asyncio.to_thread(work)


def _record(stamp: Stamp, data: JsonObject) -> m.Record:
    # Checked when it was stored; pydantic would walk through all of it once more.
    return m.Record.model_construct(
        id=stamp.id, data=data, created_at=stamp.created_at, updated_at=stamp.updated_at, rev=stamp.rev
    )


def _encoded(stamp: Stamp, data: JsonObject) -> bytes:
    record = {
        "id": stamp.id,
        "data": data,
        "created_at": stamp.created_at,
        "updated_at": stamp.updated_at,
        "rev": stamp.rev,
    }
    return orjson.dumps(record)
