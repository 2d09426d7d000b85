"""The specification's REST endpoints: plugin data under both prefixes, navigation, pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.platform import Api
from tests.e2e.written import Written
from tests.spec.fragments import block, wrapped


@dataclass
class Rest:
    """One collection of a plugin; `/api/plugins/{key}/data/{collection}/` by one of its two names."""

    http: httpx.Client
    path: str

    def ask(self, method: str, where: object = "", **more: Any) -> httpx.Response:
        return self.http.request(method, f"{self.path}{where}/" if where != "" else self.path, **more)

    def filled(self, *names: str) -> list[dict[str, Any]]:
        made = [self.ask("POST", json={"name": name}) for name in names]
        assert [one.status_code for one in made] == [201] * len(names)
        return [one.json()["data"] for one in made]

    @property
    def stored(self) -> list[dict[str, Any]]:
        answer = self.ask("GET")
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@pytest.fixture(params=["/api/plugins", "/api/plugins/plugins"])
def rest(api: Api, request: pytest.FixtureRequest) -> Iterator[Rest]:
    """A collection of the disabled plugin `hello`: data need no code to run."""
    mine = Rest(api.http, f"{request.param}/hello/data/{request.node.originalname}/")
    yield mine
    assert mine.ask("DELETE").status_code == 200


ABSENT = [10**6, 2**63 - 1]
BAD = [
    (b'{"a": NaN}', 422), (b'{"a": 1e999}', 422), (b'{"a": 18446744073709551616}', 422),
    (b'{"a": "\\ud800"}', 422), (b'{"a\\u0000b": 1}', 422), (b"[1]", 400), (b"3", 400), (b"{", 400), (b"", 400),
    (b'{"a": "' + bytes(2**20).replace(b"\0", b"x") + b'"}', 422), (b'{"a": ' * 65 + b"1" + b"}" * 65, 422),
]  # fmt: skip
"""Bodies that cannot be stored, and what they are answered with."""


def test_get_lists_a_collection(rest: Rest) -> None:
    empty = rest.ask("GET")
    assert (empty.status_code, empty.json()) == (200, {"success": True, "data": [], "total": 0})
    rest.filled("a", "b", "c")
    answer = rest.ask("GET")
    assert answer.json()["success"] is True
    assert [item["name"] for item in answer.json()["data"]] == ["a", "b", "c"]
    assert [type(item["_id"]) for item in answer.json()["data"]] == [int, int, int]
    assert answer.headers["X-Total-Count"] == "3"
    page = rest.ask("GET", params={"sort": "-name", "limit": 1, "offset": 1})
    assert [item["name"] for item in page.json()["data"]] == ["b"]
    assert page.json()["total"] == 3
    found = rest.ask("GET", params={"f.name": "c"}).json()
    assert [item["name"] for item in found["data"]] == ["c"]
    assert found["total"] == 1
    assert [item["name"] for item in rest.ask("GET", params={"search": "B"}).json()["data"]] == ["b"]
    other = rest.http.get(rest.path.replace("/hello/", "/absent/"))
    assert (other.status_code, other.json()["success"]) == (404, False)


def test_post_adds_to_a_collection(rest: Rest) -> None:
    bare = rest.ask("POST", json={"name": "bare", "_id": 999})
    assert bare.status_code == 201
    first = bare.json()["data"]["_id"]
    assert bare.json() == {"success": True, "data": {"name": "bare", "_id": first}}
    around = rest.ask("POST", json={"data": {"name": "wrapped"}})
    assert around.status_code == 201
    assert around.json() == {"success": True, "data": {"name": "wrapped", "_id": first + 1}}
    for body, status in BAD:
        answer = rest.ask("POST", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["success"]) == (status, False), (body[:99], answer.text)
        assert answer.json()["error"]
        assert status == 400 or answer.json()["path"], body[:99]
    assert len(rest.stored) == 2


def test_delete_clears_a_collection(rest: Rest) -> None:
    last = rest.filled("a", "b")[-1]["_id"]
    answer = rest.ask("DELETE")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "deleted_count": 2})
    assert rest.stored == []
    assert rest.ask("DELETE").json() == {"success": True, "deleted_count": 0}
    assert rest.filled("after")[0]["_id"] > last, "an id is never used again"


def test_get_returns_an_item(rest: Rest) -> None:
    (item,) = rest.filled("a")
    answer = rest.ask("GET", item["_id"])
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": item})
    assert [rest.ask("GET", absent).status_code for absent in ABSENT] == [404, 404]
    assert rest.ask("GET", "abc").status_code == 422


def test_put_replaces_an_item(rest: Rest) -> None:
    number = rest.filled("a")[0]["_id"]
    bare = rest.ask("PUT", number, json={"url": "x"})
    assert bare.status_code == 200
    assert bare.json() == {"success": True, "data": {"url": "x", "_id": number}}
    assert rest.ask("PUT", number, json={"data": {"url": "y"}}).json()["data"] == {"url": "y", "_id": number}
    assert rest.stored == [{"url": "y", "_id": number}]
    assert [rest.ask("PUT", absent, json={"url": "x"}).status_code for absent in ABSENT] == [404, 404]
    for body, status in BAD:
        answer = rest.ask("PUT", number, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, body[:99]
    assert rest.stored == [{"url": "y", "_id": number}]


def test_patch_updates_an_item(rest: Rest) -> None:
    number = rest.filled("a")[0]["_id"]
    bare = rest.ask("PATCH", number, json={"url": "x"})
    assert bare.status_code == 200
    assert bare.json() == {"success": True, "data": {"name": "a", "url": "x", "_id": number}}
    around = rest.ask("PATCH", number, json={"data": {"name": "b"}})
    assert around.json()["data"] == {"name": "b", "url": "x", "_id": number}
    assert rest.stored == [{"name": "b", "url": "x", "_id": number}]
    assert [rest.ask("PATCH", absent, json={"url": "x"}).status_code for absent in ABSENT] == [404, 404]


def test_delete_removes_an_item(rest: Rest) -> None:
    first, second = rest.filled("a", "b")
    answer = rest.ask("DELETE", first["_id"])
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert rest.stored == [second]
    assert rest.ask("DELETE", first["_id"]).status_code == 404


def test_put_bulk_replaces_a_collection(rest: Rest) -> None:
    first, second = rest.filled("a", "b")
    answer = rest.ask("PUT", "bulk", json=[{"name": "new"}, {"_id": second["_id"], "name": "kept"}])
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert [item["name"] for item in body["data"]] == ["new", "kept"]
    assert body["data"][1]["_id"] == second["_id"]
    assert body["data"][0]["_id"] > second["_id"]
    by_id = sorted(body["data"], key=lambda item: item["_id"])
    assert rest.stored == by_id
    around = rest.ask("PUT", "bulk", json={"data": [{"name": "wrapped"}]})
    assert [item["name"] for item in around.json()["data"]] == ["wrapped"]
    bad = rest.ask("PUT", "bulk", json=[{"name": "good"}, 7])
    assert bad.status_code == 422
    assert bad.json()["path"] == "data[1]"
    assert rest.ask("PUT", "bulk", json={"name": "no list"}).status_code == 400
    assert [item["name"] for item in rest.stored] == ["wrapped"], "nothing is half written"
    assert first["_id"] not in {item["_id"] for item in rest.stored}


def test_navigation_lists_enabled_plugins_in_order(api: Api, written: Written) -> None:
    positions = {"nav_a": "bottom", "nav_b": "top", "nav_c": 20, "nav_d": 3}
    for key, position in positions.items():
        navigation = {"label": key.upper(), "position": position}
        written.enabled(
            key, f"class Plugin:\n    navigation = {navigation}\n    def run(self, a, p, c): pass\n"
        )
    written.enabled(
        "my_plugin", {"plugin.py": wrapped("navigation-items") + "\n    def run(self, a, p, c): pass\n"}
    )
    written.enabled("nav_none", "class Plugin:\n    def run(self, a, p, c): pass\n")
    written.listed(
        "nav_off", "class Plugin:\n    navigation = {'label': 'Off'}\n    def run(self, a, p, c): pass\n"
    )
    answer = api.http.get("/api/plugins/navigation/")
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    mine = [item for item in answer.json()["navigation"] if item["key"].startswith(("nav_", "my_"))]
    assert [item["key"] for item in mine] == ["nav_d", "nav_c", "nav_b", "my_plugin", "nav_a"]
    assert mine[3] == {
        "key": "my_plugin", "label": "My Plugin", "icon": "puzzle", "path": "/plugins/my_plugin", "badge": 5,
        "position": "bottom",
    }  # fmt: skip
    assert mine[0] == {
        "key": "nav_d", "label": "NAV_D", "icon": "puzzle", "path": "/plugins/nav_d", "badge": None, "position": 3,
    }  # fmt: skip
    api.enable("nav_d", enabled=False)
    keys = [item["key"] for item in api.http.get("/api/plugins/navigation/").json()["navigation"]]
    assert "nav_d" not in keys


def test_page_returns_the_page(api: Api, written: Written) -> None:
    key = "paged"
    written.listed(key, {"plugin.py": block("enhanced-plugin-with-custom-ui")})
    module: dict[str, Any] = {}
    exec(block("enhanced-plugin-with-custom-ui"), module)
    path = f"/api/plugins/{key}/page/"
    refused = api.http.get(path)
    assert (refused.status_code, refused.json()["success"]) == (403, False), "a disabled plugin shows no page"
    api.enable(key)
    answer = api.http.get(path)
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["plugin"] == {"key": key, "name": "Sports Calendar"}
    assert answer.json()["page"] == module["Plugin"].pages["main"]
    assert api.http.get(f"{path}main/").json() == answer.json()
    assert api.http.get(f"{path}other/").status_code == 404
    written.enabled("pageless", "class Plugin:\n    def run(self, a, p, c): pass\n")
    assert api.http.get("/api/plugins/pageless/page/").status_code == 404
    assert api.http.get("/api/plugins/absent/page/").status_code == 404
