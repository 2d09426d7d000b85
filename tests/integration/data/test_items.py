"""The operations on collections, through the bus, on a real mongod."""

import asyncio
import json
from typing import Any

import orjson
import pymongo
import pytest

from services.data.models import MAX_COLLECTIONS
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.contracts.base import JsonObject, new_id
from shared.contracts.streams import PAYLOADS
from shared.messaging.bus import Bus
from shared.messaging.objects import Objects, by_reference
from tests.integration.data.talk import HERE, add, documents, listed, replaced


async def test_ids_count_up_and_are_never_used_again(gateway: Bus) -> None:
    first, second = await add(gateway, {"n": 1}), await add(gateway, {"_id": 77, "n": 2})
    assert (first.id, second.id) == (1, 2)
    assert second.data == {"n": 2}
    gone = await gateway.request(c.DELETE_ITEM, m.DeleteItem(**HERE, id=2, op_id=new_id()))
    assert gone.deleted == 1
    assert (await add(gateway, {})).id == 3
    cleared = await gateway.request(c.CLEAR_COLLECTION, m.ClearCollection(**HERE, op_id=new_id()))
    assert cleared.deleted == 2
    assert (await add(gateway, {})).id == 4


async def test_a_document_that_looks_like_a_reference_is_a_document(gateway: Bus) -> None:
    document = {"$object": "a" * 64, "size": 3}
    sent = await by_reference(Objects(gateway), document)
    assert (await add(gateway, sent)).data == document


async def test_an_op_id_names_one_write_only(gateway: Bus) -> None:
    op_id = new_id()
    first = await add(gateway, {"n": 1}, op_id=op_id)
    assert (await add(gateway, {"n": 1}, op_id=op_id)).id == first.id
    for other in (
        add(gateway, {"n": 2}, op_id=op_id),
        _put(gateway, first.id, [{"n": 3}, {"n": 4}]),
        _patched(gateway, first.id, [{"n": 5}, {"n": 6}]),
    ):
        with pytest.raises(errors.Invalid) as refused:
            await other
        assert refused.value.path == "op_id"
    assert await documents(gateway) == [{"n": 5}]
    op_id = new_id()
    await replaced(gateway, [{"n": 1}], op_id=op_id)
    for items in ([{"n": 1}, {"n": 2}], [{"n": 2}]):
        with pytest.raises(errors.Invalid):
            await replaced(gateway, items, op_id=op_id)
    assert await documents(gateway) == [{"n": 1}]


async def _put(gateway: Bus, item_id: int, documents: list[JsonObject]) -> None:
    op_id = new_id()
    for document in documents:
        await gateway.request(c.REPLACE_ITEM, m.ReplaceItem(**HERE, id=item_id, data=document, op_id=op_id))


async def _patched(gateway: Bus, item_id: int, documents: list[JsonObject]) -> None:
    op_id = new_id()
    for document in documents:
        await gateway.request(c.PATCH_ITEM, m.PatchItem(**HERE, id=item_id, data=document, op_id=op_id))


AWKWARD: list[JsonObject] = [
    {"$set": {"$inc": 1}, "a.b": {"": 0}, "": None},
    {"$ref": "#/definitions/x", "$id": "y", "$db": None},
    {"schema": {"$ref": "elsewhere", "$id": 5, "more": [{"$ref": "a", "$id": "b"}]}},
    {"$object": 1, "_id": {"x": 1}, "text": "a\0b ümläut \U0001f600", "deep": {"_id": 1}},
    {"numbers": [0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, 1e308], "no": False, "yes": True, "nothing": None},
    {"$literal": "$$ROOT", "array": [[], {}, [[1]]]},
]


@pytest.mark.parametrize("document", AWKWARD)
async def test_documents_come_back_as_they_were_given(gateway: Bus, document: JsonObject) -> None:
    wanted = {key: value for key, value in document.items() if key != "_id"}
    record = await add(gateway, document)
    assert record.data == wanted
    got = (await gateway.request(c.GET_ITEM, m.GetItem(**HERE, id=record.id))).record
    assert got is not None
    assert json.dumps(got.data) == json.dumps(wanted)
    replace = m.ReplaceItem(**HERE, id=record.id, data={"x": document}, op_id=new_id())
    changed = (await gateway.request(c.REPLACE_ITEM, replace)).record
    assert changed is not None
    assert (changed.data, changed.rev, changed.created_at) == ({"x": document}, 2, record.created_at)
    patch = m.PatchItem(**HERE, id=record.id, data=document, op_id=new_id())
    patched = (await gateway.request(c.PATCH_ITEM, patch)).record
    assert patched is not None
    assert patched.data == {"x": document} | wanted
    assert await documents(gateway) == [patched.data]


async def test_what_is_absent_is_said_so(gateway: Bus) -> None:
    assert await listed(gateway) == (0, [])
    for rpc, command in (
        (c.GET_ITEM, m.GetItem(**HERE, id=9)),
        (c.REPLACE_ITEM, m.ReplaceItem(**HERE, id=9, data={}, op_id="a")),
        (c.PATCH_ITEM, m.PatchItem(**HERE, id=9, data={}, op_id="b")),
    ):
        assert (await gateway.request(rpc, command)).record is None  # type: ignore[arg-type]
    gone = await gateway.request(c.DELETE_ITEM, m.DeleteItem(**HERE, id=9, op_id="c"))
    cleared = await gateway.request(c.CLEAR_COLLECTION, m.ClearCollection(**HERE, op_id="d"))
    assert (gone.deleted, cleared.deleted) == (0, 0)


async def test_replace_keeps_valid_ids_once_and_numbers_the_others_above(gateway: Bus) -> None:
    await add(gateway, {"old": True})
    given = [
        {"_id": 5, "n": 0},
        {"_id": "7", "n": 1},
        {"_id": 5, "n": 2},
        {"n": 3},
        {"_id": True},
        {"_id": -1},
    ]
    records = await replaced(gateway, given)
    assert [record["id"] for record in records] == [5, 7, 8, 9, 10, 11]
    assert records[2]["data"] == {"n": 2}
    total, found = await listed(gateway)
    assert (total, [record["id"] for record in found]) == (6, [5, 7, 8, 9, 10, 11])
    assert (await add(gateway, {})).id == 12
    assert await replaced(gateway, []) == []
    assert (await add(gateway, {})).id == 13


async def test_a_repeated_command_is_the_same_write(gateway: Bus) -> None:
    added = [await add(gateway, {"n": 1}, op_id="add") for _ in range(3)]
    assert added[0] == added[1] == added[2]
    patches = [
        await gateway.request(c.PATCH_ITEM, m.PatchItem(**HERE, id=1, data={"k": 1}, op_id="p"))
        for _ in range(2)
    ]
    assert patches[0] == patches[1]
    assert patches[0].record is not None
    assert (patches[0].record.rev, patches[0].record.data) == (2, {"n": 1, "k": 1})
    assert await replaced(gateway, [{"a": 1}, {"b": 2}], op_id="r") == await replaced(
        gateway, [{"a": 1}, {"b": 2}], op_id="r"
    )
    for _ in range(2):
        gone = await gateway.request(c.CLEAR_COLLECTION, m.ClearCollection(**HERE, op_id="clear"))
        assert gone.deleted == 2
    await add(gateway, {"n": 3})
    # The repeated deletion answers as before, and deletes nothing that came later.
    assert (await gateway.request(c.CLEAR_COLLECTION, m.ClearCollection(**HERE, op_id="clear"))).deleted == 2
    assert (await listed(gateway))[0] == 1


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('{"a": {"b": [1, 9223372036854775808]}}', "data.a.b[1]"),
        ('{"a": NaN}', "data.a"),
        ('{"a": [{"x": -Infinity}]}', "data.a[0].x"),
        ('{"ok": 1, "a\\u0000b": 1}', 'data["a\\u0000b"]'),
        ('{"a": ' * 65 + "1" + "}" * 65, "data" + ".a" * 64),
        ('{"a": "' + "x" * 1_048_576 + '"}', "data"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_its_path(gateway: Bus, document: str, path: str) -> None:
    if len(document) > 500_000:
        reference = (await Objects(gateway, PAYLOADS).put(document.encode())).model_dump_json()
        document = reference
    payload = json.dumps(HERE | {"op_id": "x", "data": None}).replace("null", document)
    reply = orjson.loads((await gateway.nc.request(c.ADD_ITEM.subject, payload.encode(), timeout=5)).data)
    assert reply["error"]["code"] == "invalid", reply
    assert reply["error"]["path"] == path
    assert (await listed(gateway))[0] == 0


async def test_a_bad_document_among_many_replaces_nothing(gateway: Bus) -> None:
    await add(gateway, {"old": 1})
    body = b'[{"fine": 1}, {"x": [{"y": "\\ud800"}]}]'
    reference = await Objects(gateway, PAYLOADS).put(body)
    with pytest.raises(errors.Invalid) as caught:
        await replaced(gateway, reference)
    assert caught.value.path == "items[1].x[0].y"
    for items in ([1], {"a": 1}):
        with pytest.raises(errors.Invalid):
            await replaced(gateway, await Objects(gateway, PAYLOADS).put(orjson.dumps(items)))
    assert await documents(gateway) == [{"old": 1}]


async def test_a_patch_may_not_make_a_document_too_large(gateway: Bus) -> None:
    half = "x" * 400_000
    await add(gateway, {"a": half, "b": half})
    with pytest.raises(errors.Invalid) as caught:
        await gateway.request(c.PATCH_ITEM, m.PatchItem(**HERE, id=1, data={"c": half}, op_id="1"))
    assert caught.value.path == "data"
    assert list((await documents(gateway))[0]) == ["a", "b"]


async def test_a_document_of_a_whole_mebibyte_comes_back(gateway: Bus) -> None:
    document = {"text": "x" * (1024 * 1024 - 11)}
    reference = await Objects(gateway, PAYLOADS).put(orjson.dumps(document))
    record = await add(gateway, reference)  # type: ignore[arg-type]
    assert record.data == document
    assert await documents(gateway) == [document]


async def test_a_plugin_has_at_most_a_thousand_collections(gateway: Bus, mongo_url: str) -> None:
    async def one(number: int) -> None:
        await add(gateway, {}, collection=f"c{number}", plugin="many")

    await one(0)
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        # The last ones decide; a thousand real ones would take a minute.
        plugins = client.get_default_database()["plugins"]
        plugins.update_one({"_id": "many"}, {"$set": {"collections": MAX_COLLECTIONS - 2}})
    results = await asyncio.gather(*(one(number) for number in range(1, 6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, errors.Invalid)]
    assert len(refused) == 3
    assert {error.path for error in refused} == {"collection"}
    await one(0)


async def test_names_of_any_kind_keep_their_collections_apart(gateway: Bus) -> None:
    names = ["system.x", "$cmd", "a\0b", "x" * 255, "ä ö", "A", "a"]
    for name in names:
        await add(gateway, {"of": name}, collection=name)
    for name in names:
        assert await documents(gateway, collection=name) == [{"of": name}]
