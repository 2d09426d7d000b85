"""`data.*`: a plugin's collections, kept by the data service."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from services.executor.arguments import command, item_id, text
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import OBJECT_LIMIT, new_id
from shared.contracts.data import (
    AddItem,
    ClearCollection,
    DeleteItem,
    GetItem,
    ListItems,
    Record,
    ReplaceCollection,
    ReplaceItem,
    TakeIds,
    WriteTogether,
)
from shared.messaging.bus import Bus
from shared.messaging.objects import Objects, by_reference

Verb = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]
"""plugin, collection, arguments → answer"""

ANSWER_BYTES: Final = OBJECT_LIMIT
"""What one answer may take: a plugin reads larger collections item by item."""


class PluginCollections:
    """Each write names itself, so that a repeated request is the same write."""

    def __init__(self, bus: Bus, objects: Objects) -> None:
        self._bus = bus
        self._objects = objects
        self.verbs: Mapping[str, Verb] = {
            "get_collection": self._get,
            "set_collection": self._set,
            "add_to_collection": self._add,
            "update_in_collection": self._update,
            "remove_from_collection": self._remove,
            "clear_collection": self._clear,
            "get_item": self._get_item,
            "take_ids": self._take_ids,
        }

    async def call(self, plugin: str, verb: str, args: Mapping[str, Any]) -> Any:
        """Answer one call on the plugin's own collections. Raises PlugarrError."""
        return await self.verbs[verb](plugin, text(args, "collection"), args)

    async def _get(self, plugin: str, collection: str, _args: Mapping[str, Any]) -> list[dict[str, Any]]:
        query = command(ListItems, plugin=plugin, collection=collection)
        _, chunks = await self._bus.stream(c.LIST_ITEMS, query)
        return await _records(collection, chunks)

    async def _set(self, plugin: str, collection: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
        items = args.get("items")
        if not isinstance(items, list):
            raise errors.Invalid("a collection is replaced by a list of objects", path="items")
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise errors.Invalid("a document must be an object", path=f"items[{index}]")
        packed = await by_reference(self._objects, items)
        change = command(
            ReplaceCollection, plugin=plugin, collection=collection, items=packed, op_id=new_id()
        )
        _, chunks = await self._bus.stream(c.REPLACE_COLLECTION, change)
        return await _records(collection, chunks)

    async def _add(self, plugin: str, collection: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
        change = command(
            AddItem, plugin=plugin, collection=collection, data=await self._document(args), op_id=new_id()
        )
        return _shown((await self._bus.request(c.ADD_ITEM, change)).record)

    async def _update(self, plugin: str, collection: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
        change = command(
            ReplaceItem,
            plugin=plugin,
            collection=collection,
            id=item_id(args),
            data=await self._document(args),
            op_id=new_id(),
        )
        try:
            return _shown((await self._bus.request(c.REPLACE_ITEM, change)).record)
        except errors.NotFound:
            return None

    async def _remove(self, plugin: str, collection: str, args: Mapping[str, Any]) -> bool:
        change = command(DeleteItem, plugin=plugin, collection=collection, id=item_id(args), op_id=new_id())
        try:
            return (await self._bus.request(c.DELETE_ITEM, change)).deleted > 0
        except errors.NotFound:
            return False

    async def _clear(self, plugin: str, collection: str, _args: Mapping[str, Any]) -> int:
        change = command(ClearCollection, plugin=plugin, collection=collection, op_id=new_id())
        return (await self._bus.request(c.CLEAR_COLLECTION, change)).deleted

    async def _get_item(self, plugin: str, collection: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
        query = command(GetItem, plugin=plugin, collection=collection, id=item_id(args))
        return _shown((await self._bus.request(c.GET_ITEM, query)).record)

    async def _take_ids(self, plugin: str, collection: str, args: Mapping[str, Any]) -> int:
        wish = command(
            TakeIds, plugin=plugin, collection=collection, count=args.get("count"), above=args.get("above")
        )
        return (await self._bus.request(c.TAKE_IDS, wish)).first

    async def write_together(self, plugin: str, args: Mapping[str, Any]) -> None:
        """Do what a transaction of the host database held. Raises PlugarrError."""
        packed = await by_reference(self._objects, args.get("writes") or [])
        await self._bus.request(
            c.WRITE_TOGETHER, command(WriteTogether, plugin=plugin, writes=packed, op_id=new_id())
        )

    async def _document(self, args: Mapping[str, Any]) -> Any:
        data = args.get("data")
        if not isinstance(data, dict):
            raise errors.Invalid("a document must be an object", path="data")
        return await by_reference(self._objects, data)


async def _records(collection: str, chunks: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > ANSWER_BYTES:
            await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator, and the sender waits for it
            raise errors.TooLarge(
                f"collection {collection!r} is larger than the {ANSWER_BYTES:,} bytes that a plugin is given at once"
            )
        found.extend(
            {name: record[name] for name in ("id", "data", "created_at", "updated_at")}
            for record in orjson.loads(chunk)
        )
    return found


def _shown(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.model_dump(include={"id", "data", "created_at", "updated_at"})
