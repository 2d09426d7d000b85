"""`PluginData.objects`: the specification's calls from inside `run()`, seen from outside over HTTP."""

import textwrap
from typing import Any

import pytest

from tests.e2e.platform import Api
from tests.e2e.written import Written
from tests.spec.fragments import block

# The block as it stands, as the method of a class, and what it left of its steps on the way.
WHOLE = """
        return {"id": record.id, "calendars": calendars, "rest": PluginData.objects.get_collection_data(plugin_key, "calendars")}
"""


def test_the_data_api_works_from_run(api: Api, written: Written) -> None:
    imports, _, function = block("using-the-data-api-recommended").partition("\n\n")
    source = f"{imports}\nclass Plugin:\n{textwrap.indent(function, '    ')}{WHOLE}"
    key = written.enabled("my_plugin", {"plugin.py": source})
    for number in (1, 2):  # an id is not used again, although the collection was cleared
        assert api.result(key, "go") == {
            "id": number,
            "calendars": [{"_id": number, "name": "Work Calendar", "url": "https://..."}],
            "rest": [],
        }


def one_action_for_each_line() -> str:
    """The block's seven calls, each returned from a method that takes the names in it."""
    calls = [line for line in block("plugin-data-manager").splitlines() if line.startswith("PluginData.")]
    assert len(calls) == 7
    methods = [
        f"    def {call.split('.')[2].split('(')[0]}(self, plugin_key='my_plugin', collection='items', "
        f"id=None, data=None, data_list=None):\n        return {call}\n"
        for call in calls
    ]
    return f"from apps.plugins.models import PluginData\n{SHOWN}\nclass Plugin:\n{RUN}{''.join(methods)}"


# Records have no JSON of their own.
SHOWN = """
from datetime import datetime

def shown(value):
    if isinstance(value, PluginData):
        assert isinstance(value.created_at, datetime) and value.updated_at >= value.created_at
        return {"id": value.id, "data": value.data}
    if isinstance(value, (str, dict)) or not hasattr(value, "__iter__"):
        return value
    return [shown(one) for one in value]
"""
RUN = """
    def run(self, action, params, context):
        value = getattr(self, action)(**params)
        more = {"count": value.count(), "first": shown(value.first())} if hasattr(value, "first") else {}
        return {"value": shown(value), **more}
"""


class Collection:
    """The plugin's calls, and the same collection over HTTP."""

    def __init__(self, api: Api, key: str) -> None:
        self.api, self.key = api, key

    def call(self, name: str, **params: Any) -> Any:
        return self.api.result(self.key, name, params)

    @property
    def stored(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.http.get(f"/api/plugins/{self.key}/data/items/").json()["data"]
        return found

    def fill(self, *names: str) -> None:
        for name in names:
            answer = self.api.http.post(f"/api/plugins/{self.key}/data/items/", json={"name": name})
            assert answer.status_code == 201


@pytest.fixture
def items(api: Api, written: Written) -> Collection:
    return Collection(api, written.enabled("my_plugin", {"plugin.py": one_action_for_each_line()}))


def test_get_collection(items: Collection) -> None:
    assert items.call("get_collection") == {"value": [], "count": 0, "first": None}
    items.fill("a", "b")
    first, second = {"id": 1, "data": {"name": "a"}}, {"id": 2, "data": {"name": "b"}}
    assert items.call("get_collection") == {"value": [first, second], "count": 2, "first": first}


def test_get_collection_data(items: Collection) -> None:
    assert items.call("get_collection_data") == {"value": []}
    items.fill("a", "b")
    expected = [{"_id": 1, "name": "a"}, {"_id": 2, "name": "b"}]
    assert items.call("get_collection_data") == {"value": expected}


def test_set_collection(items: Collection) -> None:
    items.fill("a", "b")
    given = [{"name": "c"}, {"_id": 2, "name": "kept"}, {"_id": "9", "name": "text"}]
    made = items.call("set_collection", data_list=given)
    assert made["count"] == 3
    assert [one["data"] for one in made["value"]] == [{"name": "c"}, {"name": "kept"}, {"name": "text"}]
    ids = [one["id"] for one in made["value"]]
    assert ids[1:] == [2, 9]
    assert ids[0] not in {1, 2, 9}
    assert sorted(item["_id"] for item in items.stored) == sorted(ids)
    added = items.call("add_to_collection", data={"name": "later"})
    assert added["value"]["id"] > max(ids)
    assert items.call("set_collection", data_list=[]) == {"value": [], "count": 0, "first": None}
    assert items.stored == []


def test_add_to_collection(items: Collection) -> None:
    document = {"name": "a", "$odd.key": {"": [None, 1.5, "é"]}}
    assert items.call("add_to_collection", data=document) == {"value": {"id": 1, "data": document}}
    # An id that is given is not taken.
    assert items.call("add_to_collection", data={"_id": 77, "name": "b"})["value"]["id"] == 2
    assert items.stored == [{**document, "_id": 1}, {"name": "b", "_id": 2}]


def test_update_in_collection(items: Collection) -> None:
    items.fill("a", "b")
    replaced = items.call("update_in_collection", id=1, data={"url": "x"})
    assert replaced == {"value": {"id": 1, "data": {"url": "x"}}}
    assert items.call("update_in_collection", id="2", data={"url": "y"})["value"]["id"] == 2
    assert items.stored == [{"_id": 1, "url": "x"}, {"_id": 2, "url": "y"}]
    assert items.call("update_in_collection", id=3, data={"url": "z"}) == {"value": None}
    assert len(items.stored) == 2


def test_remove_from_collection(items: Collection) -> None:
    items.fill("a", "b", "c")
    assert items.call("remove_from_collection", id=1) == {"value": True}
    assert items.call("remove_from_collection", id="2") == {"value": True}
    assert items.call("remove_from_collection", id=1) == {"value": False}
    assert items.stored == [{"_id": 3, "name": "c"}]


def test_clear_collection(items: Collection) -> None:
    items.fill("a", "b")
    assert items.call("clear_collection") == {"value": 2}
    assert items.call("clear_collection") == {"value": 0}
    assert items.stored == []
    items.fill("after")
    assert items.stored == [{"_id": 3, "name": "after"}]
