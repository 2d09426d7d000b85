"""What tests ask the data service for, in few words."""

from typing import Any

import orjson

from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.contracts.base import JsonObject, new_id
from shared.messaging.bus import Bus
from shared.messaging.objects import Objects, by_reference

PLUGIN = "sports calendar"
HERE: dict[str, Any] = {"plugin": PLUGIN, "collection": "events"}


async def add(bus: Bus, data: JsonObject, **more: Any) -> m.Record:
    command = m.AddItem(**HERE | {"data": data, "op_id": new_id()} | more)
    record = (await bus.request(c.ADD_ITEM, command)).record
    assert record is not None
    return record


async def listed(bus: Bus, **query: Any) -> tuple[int, list[dict[str, Any]]]:
    head, chunks = await bus.stream(c.LIST_ITEMS, m.ListItems(**HERE | query))
    found = [record async for chunk in chunks for record in orjson.loads(chunk)]
    return head.total, found


async def documents(bus: Bus, **query: Any) -> list[dict[str, Any]]:
    return [record["data"] for record in (await listed(bus, **query))[1]]


async def replaced(bus: Bus, items: Any, **more: Any) -> list[dict[str, Any]]:
    given = await by_reference(Objects(bus), items) if isinstance(items, list) else items
    command = m.ReplaceCollection(**HERE | {"items": given, "op_id": new_id()} | more)
    head, chunks = await bus.stream(c.REPLACE_COLLECTION, command)
    found = [record async for chunk in chunks for record in orjson.loads(chunk)]
    assert head.total == len(found)
    return found
