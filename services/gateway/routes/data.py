"""Plugin data: the eight endpoints, under both of their prefixes."""

from typing import Any

import orjson
from starlette.responses import Response

from services.gateway import schemas
from services.gateway.bodies import DOCUMENT, LARGE
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations
from services.gateway.plugin_data import CollectionService, read_filters, read_sort
from services.gateway.problems import BadRequest
from services.gateway.streamed import streamed_list
from shared import errors
from shared.contracts.data import ListItems, Record

_COLLECTION = "/api/plugins/{key}/data/{collection}/"
_ALSO = "/api/plugins/plugins/{key}/data/{collection}/"
_EXAMPLES = {
    "wrapped": {"data": {"name": "Work", "url": "https://example.com/work.ics"}},
    "bare": {"name": "Work", "url": "https://example.com/work.ics"},
}
_MOST_ID = 2**63 - 1


def operations(collections: CollectionService) -> Operations:  # noqa: C901 - declarations, one after the other
    """The operations on plugin data."""
    ops = Operations("data")

    @ops(
        "GET",
        _COLLECTION,
        "list_items",
        {200: schemas.ItemList},
        also=(_ALSO,),
        problems=(404,),
        query=schemas.ItemsQuery,
    )
    async def list_items(call: Call) -> Response:
        """List a collection: one snapshot, streamed, whole unless `limit` is given.

        Filters are `f.<field>[.op]=value` with eq, ne, lt, lte, gt, gte, in, contains, exists.
        """
        query = call.query(schemas.ItemsQuery)
        command = ListItems(
            plugin=call.name("key"),
            collection=call.name("collection"),
            limit=query.limit,
            offset=query.offset,
            sort=read_sort(query.sort),
            search=query.search or None,
            filters=read_filters(call.request.query_params.multi_items()),
        )
        head, chunks = await collections.list_items(command)
        return streamed_list(head.total, chunks)

    @ops(
        "POST",
        _COLLECTION,
        "add_item",
        {201: schemas.ItemAnswer},
        also=(_ALSO,),
        problems=(400, 404, 413),
        body="Document",
        headers=("Idempotency-Key",),
        examples=_EXAMPLES,
    )
    async def add_item(call: Call) -> Response:
        """Add a document; it gets the next id."""
        record = await collections.add(*_place(call), await _document(call), _op(call))
        return _answer(record, 201)

    @ops(
        "DELETE",
        _COLLECTION,
        "clear_collection",
        {200: schemas.Cleared},
        also=(_ALSO,),
        problems=(404,),
        headers=("Idempotency-Key",),
    )
    async def clear_collection(call: Call) -> Response:
        """Delete every document of a collection."""
        deleted = await collections.clear(*_place(call), _op(call))
        return json_response(orjson.dumps({"success": True, "deleted_count": deleted}))

    @ops(
        "PUT",
        f"{_COLLECTION}bulk/",
        "replace_collection",
        {200: schemas.ItemList},
        also=(f"{_ALSO}bulk/",),
        problems=(400, 404, 413),
        body="Documents",
        headers=("Idempotency-Key",),
        examples={"wrapped": {"data": [{"name": "Work"}]}, "bare": [{"name": "Work"}]},
    )
    async def replace_collection(call: Call) -> Response:
        """Replace a collection at once; valid unique `_id`s are kept."""
        body = await call.json(LARGE)
        items = body["data"] if isinstance(body, dict) and set(body) == {"data"} else body
        if not isinstance(items, list):
            raise BadRequest('must be an array, or an object with "data", an array', path="body")
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise errors.Invalid("must be an object", path=f"data[{index}]")
        head, chunks = await collections.replace_all(*_place(call), items, _op(call))
        return streamed_list(head.total, chunks)

    @ops(
        "GET",
        f"{_COLLECTION}{{id}}/",
        "get_item",
        {200: schemas.ItemAnswer},
        also=(f"{_ALSO}{{id}}/",),
        problems=(404,),
    )
    async def get_item(call: Call) -> Response:
        """Get a document."""
        return _answer(await collections.get(*_place(call), _id(call)))

    @ops(
        "PUT",
        f"{_COLLECTION}{{id}}/",
        "replace_item",
        {200: schemas.ItemAnswer},
        also=(f"{_ALSO}{{id}}/",),
        problems=(400, 404, 413),
        body="Document",
        headers=("Idempotency-Key",),
        examples=_EXAMPLES,
    )
    async def replace_item(call: Call) -> Response:
        """Replace a document."""
        record = await collections.replace(*_place(call), _id(call), await _document(call), _op(call))
        return _answer(record)

    @ops(
        "PATCH",
        f"{_COLLECTION}{{id}}/",
        "patch_item",
        {200: schemas.ItemAnswer},
        also=(f"{_ALSO}{{id}}/",),
        problems=(400, 404, 413),
        body="Document",
        headers=("Idempotency-Key",),
        examples=_EXAMPLES,
    )
    async def patch_item(call: Call) -> Response:
        """Set some keys of a document; the others stay."""
        record = await collections.patch(*_place(call), _id(call), await _document(call), _op(call))
        return _answer(record)

    @ops(
        "DELETE",
        f"{_COLLECTION}{{id}}/",
        "delete_item",
        {200: schemas.Success},
        also=(f"{_ALSO}{{id}}/",),
        problems=(404,),
        headers=("Idempotency-Key",),
    )
    async def delete_item(call: Call) -> Response:
        """Delete a document."""
        await collections.delete(*_place(call), _id(call), _op(call))
        return json_response(b'{"success":true}')

    return ops


def _place(call: Call) -> tuple[str, str]:
    return call.name("key"), call.name("collection")


def _op(call: Call) -> tuple[str, str, str | None]:
    """What names this write, so that a repeated request is the same write."""
    request = call.request
    return call.user.id, f"{request.method} {request.url.path}", request.headers.get("idempotency-key")


def _id(call: Call) -> int:
    text = call.request.path_params["id"]
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not 1 <= int(text) <= _MOST_ID:
        raise errors.Invalid("must be a whole number from 1 on", path="id")
    return int(text)


async def _document(call: Call) -> dict[str, Any]:
    """`{"data": {…}}` or the bare object."""
    body = await call.json(DOCUMENT)
    if isinstance(body, dict) and set(body) == {"data"} and isinstance(body["data"], dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise BadRequest('must be an object, or an object with "data", an object', path="body")
    return body


def _answer(record: Record, status: int = 200) -> Response:
    return json_response(orjson.dumps({"success": True, "data": {**record.data, "_id": record.id}}), status)
