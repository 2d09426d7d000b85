"""Plugin data over HTTP: which command each request is, and what its query means."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol, get_args

import orjson

from services.gateway.identity import Asks
from services.gateway.problems import BadRequest
from services.gateway.runs import Payloads, Reads
from services.gateway.view import PluginsView
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data
from shared.contracts.base import INLINE_LIMIT, ObjectRef, new_id
from shared.contracts.contract import Rpc

_OPS: Final = frozenset(get_args(data.FilterOp))
_MOST_SORTS: Final = 20

Place = tuple[str, str]
Op = tuple[str, str, str | None]
"""Who writes, what, and the idempotency key if one was given."""


class Streams(Asks, Protocol):
    """The bus, with answers that are streams."""

    async def stream(self, rpc: Rpc[Any, Any], command: Any) -> tuple[Any, AsyncIterator[bytes]]: ...


class CollectionService:
    """The commands to data."""

    def __init__(self, *, view: PluginsView, bus: Streams, payloads: Payloads, reads: Reads) -> None:
        self._view = view
        self._bus = bus
        self._payloads = payloads
        self._reads = reads

    async def list_items(self, command: data.ListItems) -> tuple[data.ListHead, AsyncIterator[bytes]]:
        """A collection's head and chunks of records."""
        await self._known(command.plugin)
        return await self._bus.stream(c.LIST_ITEMS, command)

    async def get(self, plugin: str, collection: str, item_id: int) -> data.Record:
        """One document. Raises NotFound."""
        await self._known(plugin)
        command = data.GetItem(plugin=plugin, collection=collection, id=item_id)
        return _found(await self._bus.request(c.GET_ITEM, command), item_id)

    async def add(self, plugin: str, collection: str, document: dict[str, Any], op: Op) -> data.Record:
        """The new document."""
        await self._known(plugin)
        command = data.AddItem.model_construct(
            plugin=plugin, collection=collection, data=await self._carried(document), op_id=op_id(op)
        )
        return _found(await self._bus.request(c.ADD_ITEM, command), 0)

    async def replace(
        self, plugin: str, collection: str, item_id: int, document: dict[str, Any], op: Op
    ) -> data.Record:
        """The document as it is now. Raises NotFound."""
        await self._known(plugin)
        command = data.ReplaceItem.model_construct(
            plugin=plugin,
            collection=collection,
            id=item_id,
            data=await self._carried(document),
            op_id=op_id(op),
        )
        return _found(await self._bus.request(c.REPLACE_ITEM, command), item_id)

    async def patch(
        self, plugin: str, collection: str, item_id: int, document: dict[str, Any], op: Op
    ) -> data.Record:
        """The document as it is now. Raises NotFound."""
        await self._known(plugin)
        command = data.PatchItem.model_construct(
            plugin=plugin,
            collection=collection,
            id=item_id,
            data=await self._carried(document),
            op_id=op_id(op),
        )
        return _found(await self._bus.request(c.PATCH_ITEM, command), item_id)

    async def delete(self, plugin: str, collection: str, item_id: int, op: Op) -> None:
        """Raises NotFound."""
        await self._known(plugin)
        command = data.DeleteItem(plugin=plugin, collection=collection, id=item_id, op_id=op_id(op))
        answer: data.Deleted = await self._bus.request(c.DELETE_ITEM, command)
        if not answer.deleted:
            raise errors.NotFound(f"no document {item_id}")

    async def clear(self, plugin: str, collection: str, op: Op) -> int:
        """How many documents there were."""
        await self._known(plugin)
        command = data.ClearCollection(plugin=plugin, collection=collection, op_id=op_id(op))
        answer: data.Deleted = await self._bus.request(c.CLEAR_COLLECTION, command)
        return answer.deleted

    async def replace_all(
        self, plugin: str, collection: str, items: list[dict[str, Any]], op: Op
    ) -> tuple[data.ListHead, AsyncIterator[bytes]]:
        """The new collection's head and chunks of records."""
        await self._known(plugin)
        command = data.ReplaceCollection.model_construct(
            plugin=plugin, collection=collection, items=await self._carried(tuple(items)), op_id=op_id(op)
        )
        return await self._bus.stream(c.REPLACE_COLLECTION, command)

    async def _known(self, key: str) -> None:
        if self._view.get(key) is None:
            await self._reads.refresh_plugin(key)
            if self._view.get(key) is None:
                raise errors.NotFound(f"no plugin {key!r}")

    async def _carried(self, value: Any) -> Any:
        encoded = orjson.dumps(value)
        # What looks like a reference would be taken for one, and show whoever asks what it names.
        if len(encoded) <= INLINE_LIMIT and ObjectRef.read(value) is None:
            return value
        return await self._payloads.put(encoded)


def op_id(op: Op) -> str:
    """The name of a write: the same for requests that repeat an idempotency key."""
    user, what, key = op
    if key is None:
        return new_id()
    return hashlib.sha256(f"{user}\n{what}\n{key}".encode()).hexdigest()


def read_sort(text: str | None) -> tuple[str, ...]:
    """`-start,name` → its fields. Raises BadRequest for more than 20 of them."""
    fields = tuple(part.strip() for part in (text or "").split(",") if part.strip(" -"))
    if len(fields) > _MOST_SORTS:
        raise BadRequest(f"must name at most {_MOST_SORTS} fields", path="sort")
    if any(len(name) > 256 for name in fields):
        raise BadRequest("a field's name has at most 255 characters", path="sort")
    return fields


def read_filters(query: Iterable[tuple[str, str]]) -> tuple[data.Filter, ...]:
    """The filters among a query's parameters. Raises BadRequest with the parameter's name."""
    found: list[data.Filter] = []
    for name, text in query:
        if not name.startswith("f."):
            continue
        field = name[2:]
        before, _, last = field.rpartition(".")
        op = "eq"
        if before and last in _OPS:
            field, op = before, last
        if not 0 < len(field) <= 255:
            raise BadRequest("names no field", path=name[:300])
        found.append(_filter(field, op, text, name))
    if len(found) > 20:
        raise BadRequest("there may be at most 20 filters", path="f")
    return tuple(found)


def _filter(field: str, op: str, text: str, name: str) -> data.Filter:
    match op:
        case "exists":
            if text.lower() not in {"true", "false", "1", "0", ""}:
                raise BadRequest("must be true or false", path=name)
            return data.Filter(field=field, op="exists", value=text.lower() not in {"false", "0"})
        case "contains":
            return data.Filter(field=field, op="contains", value=text)
        case "eq":
            # A query holds texts only: 5 may be meant as the number or as the text.
            values = _readings(text)
            if len(values) == 1:
                return data.Filter(field=field, op="eq", value=values[0])
            return data.Filter(field=field, op="in", value=values)
        case "in":
            parts = [reading for part in text.split(",") for reading in _readings(part)]
            return data.Filter(field=field, op="in", value=parts)
    return data.Filter.model_validate({"field": field, "op": op, "value": _readings(text)[0]})


def _readings(text: str) -> list[Any]:
    """What a text may mean: a JSON scalar first, and always the text itself."""
    with contextlib.suppress(orjson.JSONDecodeError):
        value = orjson.loads(text)
        if isinstance(value, str):
            return [value]
        if not isinstance(value, dict | list) and not (isinstance(value, int) and abs(value) >= 2**63):
            return [value, text]
    return [text]


def _found(answer: data.RecordAnswer, item_id: int) -> data.Record:
    if answer.record is None:
        raise errors.NotFound(f"no document {item_id}")
    return answer.record
