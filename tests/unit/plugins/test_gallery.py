import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from shared.manifests.normalise import described

from .conftest import ROOT, Manager, load

PACKAGE = "_dispatcharr_plugin_ui_gallery"
KEY = "ui_gallery"


@pytest.fixture
def plugin(data: Manager) -> Iterator[Any]:
    sys.modules["plugarr"] = None  # type: ignore[assignment] # plain Dispatcharr has none
    made = load(ROOT / "plugins" / KEY, PACKAGE).Plugin()
    made.on_enable({})
    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] in {PACKAGE, "plugarr"}]:
        del sys.modules[name]


@pytest.fixture
def run(plugin: Any) -> Any:
    context = {"settings": {}, "logger": logging.getLogger("plugin"), "actions": {}}
    return lambda action, params: plugin.run(action, params, context)


def names(data: Manager) -> list[str]:
    return [team["name"] for team in data.get_collection_data(KEY, "teams")]


def test_its_pages_are_understood_without_a_finding(plugin: Any) -> None:
    made = described({"pages": plugin.pages, "actions": plugin.actions, "navigation": plugin.navigation})
    assert (made.errors, made.warnings) == ([], [])


def test_enabling_it_again_keeps_what_is_there_and_reset_puts_it_back(
    plugin: Any, run: Any, data: Manager
) -> None:
    run("delete_team", data.get_collection_data(KEY, "teams")[0])
    plugin.on_enable({})
    assert names(data) == ["City", "Athletic", "United", "Wanderers"]
    run("reset", {})
    assert names(data) == ["Rovers", "City", "Athletic", "United", "Wanderers"]


def test_teams_are_added_changed_and_deleted(run: Any, data: Manager) -> None:
    assert run("save_team", {"name": " "})["status"] == "error"
    assert run("save_team", {"name": "Town"}) == {"status": "ok", "message": "Saved Town"}
    first = data.get_collection_data(KEY, "teams")[0]
    run("save_team", {"_id": first["_id"], "name": "Rangers"})
    changed = data.get_collection_data(KEY, "teams")[0]
    assert (changed["name"], changed["city"]) == ("Rangers", first["city"])
    ids = [team["_id"] for team in data.get_collection_data(KEY, "teams")][:3]
    assert run("delete_teams", {"ids": ids, "items": []})["message"] == "Deleted 3 teams"
    assert names(data) == ["United", "Wanderers", "Town"]


def test_every_action_of_its_pages_answers(plugin: Any, run: Any) -> None:
    assert run("hello", {})["message"] == "Hello, you!"
    assert run("count", {"steps": 2, "pause": 0.001})["message"] == "Counted to 2"
    assert run("status", {})["teams"] == 5
    assert run("upload", {"file": {"name": "a", "size": 1}})["message"] == "Got a (1 bytes)"
    assert run("save", {"a": 1})["message"] == "Got a = 1"
    assert run("fail", {})["status"] == "error"
    assert run("nothing", {}) == {"status": "error", "message": "Unknown action: nothing"}
