"""The eight data endpoints, under both prefixes."""

import httpx
import pytest

from shared.contracts.data import Filter
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import body, manifest

PREFIXES = ["/api/plugins/a/data/things/", "/api/plugins/plugins/a/data/things/"]


@pytest.fixture
async def plugin(site: Served) -> Served:
    await site.platform.install(manifest("a"))
    await site.gateway.feed.sync()
    return site


@pytest.mark.parametrize("url", PREFIXES)
async def test_all_eight(plugin: Served, url: str) -> None:
    client = plugin.as_("user")
    assert body(await client.get(url)) == {"success": True, "data": [], "total": 0}
    added = await client.post(url, json={"data": {"name": "x", "n": 1}})
    assert added.status_code == 201
    record = body(added)["data"]
    assert record == {"name": "x", "n": 1, "_id": record["_id"]}
    bare = body(await client.post(url, json={"name": "y"}))["data"]
    listed = await client.get(url)
    assert listed.headers["x-total-count"] == "2"
    assert body(listed) == {"success": True, "data": [record, bare], "total": 2}
    one = f"{url}{record['_id']}/"
    assert body(await client.get(one)) == {"success": True, "data": record}
    assert body(await client.put(one, json={"data": {"z": 1}}))["data"] == {"z": 1, "_id": record["_id"]}
    assert body(await client.patch(one, json={"n": 5}))["data"] == {"z": 1, "n": 5, "_id": record["_id"]}
    gone = await client.delete(one)
    assert (gone.status_code, body(gone)) == (200, {"success": True})
    for method in ("get", "put", "patch", "delete"):
        sent = {"json": {"a": 1}} if method in {"put", "patch"} else {}
        assert (await getattr(client, method)(one, **sent)).status_code == 404
    for items in ({"data": [{"a": 1}, {"a": 2}]}, [{"a": 1}, {"a": 2}]):
        replaced = body(await client.put(f"{url}bulk/", json=items))
        assert [item["a"] for item in replaced["data"]] == [1, 2]
        assert replaced["total"] == 2
    assert body(await client.delete(url)) == {"success": True, "deleted_count": 2}


async def test_ids_and_bodies_that_cannot_be_are_refused_with_their_path(plugin: Served) -> None:
    client, url = plugin.as_("user"), PREFIXES[0]
    for wrong in ("abc", "0", "-1", "1.5", "9223372036854775808", "١", "1" * 200):
        response = await client.get(f"{url}{wrong}/")
        assert response.status_code == 422, wrong
        assert body(response)["path"] == "id"
    for sent in (b"5", b"[1]", b'"x"', b"null", b"{", b""):
        assert (await client.post(url, content=sent)).status_code == 400, sent
    for sent in (b"5", b"{}", b'{"data": {}}'):
        assert (await client.put(f"{url}bulk/", content=sent)).status_code == 400, sent
    wrong_item = await client.put(f"{url}bulk/", json=[{}, 5])
    assert (wrong_item.status_code, body(wrong_item)["path"]) == (422, "data[1]")
    deep = b'{"a":' * 70 + b"1" + b"}" * 70
    assert (await client.post(url, content=deep)).status_code == 422
    assert (await client.post(url, content=b'{"a": "' + b"x" * 9_000_000 + b'"}')).status_code == 413
    assert (await client.get(f"/api/plugins/{'k' * 256}/data/c/")).status_code == 422
    assert (await client.get("/api/plugins/nobody/data/c/")).status_code == 404
    assert not plugin.platform.collections.items.get(("a", "things"))


async def test_a_large_document_travels_by_reference(plugin: Served) -> None:
    client = plugin.as_("user")
    record = body(await client.post(PREFIXES[0], json={"text": "x" * 700_000}))["data"]
    assert len(record["text"]) == 700_000
    many = [{"text": "y" * 1000} for _ in range(5000)]
    replaced = await client.put(f"{PREFIXES[0]}bulk/", json=many)
    assert len(body(replaced)["data"]) == 5000


async def test_queries_are_understood(plugin: Served) -> None:
    query = {
        "limit": "2",
        "offset": "1",
        "sort": "-start,name",
        "search": "goal",
        "f.name": "x",
        "f.count": "5",
        "f.count.gte": "3",
        "f.a.b.in": "1,x",
        "f.title.contains": "12",
        "f.url.exists": "false",
        "f.done": "true",
    }
    response = await plugin.as_("viewer").get(PREFIXES[0], params=query)
    assert response.status_code == 200, response.text
    command = plugin.platform.collections.listed[-1]
    assert (command.limit, command.offset, command.sort, command.search) == (
        2,
        1,
        ("-start", "name"),
        "goal",
    )
    assert command.filters == (
        Filter(field="name", value="x"),
        Filter(field="count", op="in", value=[5, "5"]),
        Filter(field="count", op="gte", value=3),
        Filter(field="a.b", op="in", value=[1, "1", "x"]),
        Filter(field="title", op="contains", value="12"),
        Filter(field="url", op="exists", value=False),
        Filter(field="done", op="in", value=[True, "true"]),
    )
    for bad in ({"limit": "0"}, {"offset": "-1"}, {"search": "x" * 201}, {"limit": "x"}):
        assert (await plugin.as_("viewer").get(PREFIXES[0], params=bad)).status_code == 422
    for bad in ({"f.": "1"}, {"f.a.exists": "so"}, {"sort": ",".join("abcdefghijklmnopqrstuvw")}):
        assert (await plugin.as_("viewer").get(PREFIXES[0], params=bad)).status_code == 400


async def test_a_long_list_streams_whole(plugin: Served) -> None:
    client = plugin.as_("user")
    await client.put(f"{PREFIXES[0]}bulk/", json=[{"n": n, "text": "x" * 500} for n in range(5000)])
    answer = body(await client.get(PREFIXES[0]))
    assert [item["n"] for item in answer["data"]] == list(range(5000))
    assert answer["total"] == 5000


async def test_a_list_that_breaks_off_never_looks_complete(plugin: Served) -> None:
    client = plugin.as_("user")
    await client.put(f"{PREFIXES[0]}bulk/", json=[{"n": n, "text": "x" * 500} for n in range(5000)])
    plugin.platform.collections.break_after = 4000
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(PREFIXES[0])
    plugin.platform.collections.break_after = None
    assert (await client.get(PREFIXES[0])).status_code == 200


async def test_a_repeated_write_has_the_same_name(plugin: Served) -> None:
    client = plugin.as_("user")
    for key in ("k", "k", "l"):
        await client.post(PREFIXES[0], json={"a": 1}, headers={"Idempotency-Key": key})
    await client.post(PREFIXES[0], json={"a": 1})
    ops = plugin.platform.collections.ops
    assert ops[0] == ops[1]
    assert len(set(ops)) == 3
