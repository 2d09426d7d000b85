"""The view of plugins: what is encoded once, and what a change undoes."""

import asyncio

import orjson
import pytest

from services.gateway.items import BASE
from services.gateway.plugins import read_flag
from services.gateway.problems import BadRequest
from services.gateway.view import PluginsView
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import Loaded, Manifest

DIGEST = "0" * 64


def manifest(key: str = "p", **more: object) -> Manifest:
    return Manifest.model_validate({"key": key, "folder": key.title(), "digest": DIGEST, **more})


def names(view: PluginsView) -> list[str]:
    plugins = orjson.loads(view.list_body(with_settings=True, base="http://h").data)["plugins"]
    return [plugin["name"] for plugin in plugins]


async def test_a_body_is_made_once_until_something_changes():
    view = PluginsView()
    view.set_manifest("p", manifest(name="One"))
    first = view.list_body(with_settings=False, base="http://a")
    assert view.list_body(with_settings=False, base="http://a") is first
    assert view.get("p") is view.get("p")
    view.set_config("p", PluginConfig(key="p", enabled=True, rev=1))
    second = view.list_body(with_settings=False, base="http://a")
    assert second.etag != first.etag
    view.set_config("p", PluginConfig(key="p", enabled=True, rev=1))
    assert view.list_body(with_settings=False, base="http://a") is second


async def test_logos_are_absolute_for_whoever_asks_and_hosts_cannot_fill_the_memory():
    view = PluginsView()
    view.set_manifest("a b", manifest("a b", has_logo=True, description='"quoted"'))
    for number in range(100):
        base = f'http://h{number}"'
        body = view.list_body(with_settings=False, base=base).data
        assert BASE.encode() not in body
        [plugin] = orjson.loads(body)["plugins"]
        assert plugin["logo_url"] == f"{base}/api/plugins/plugins/a%20b/logo/"
    assert len(view._lists) <= 16


async def test_plugins_come_in_the_order_of_their_keys_and_unnamed_ones_show_their_folder():
    view = PluginsView()
    for key in ("b", "a", "c"):
        view.set_manifest(key, manifest(key))
    assert names(view) == ["A", "B", "C"]
    view.set_manifest("b", None)
    assert names(view) == ["A", "C"]


async def test_an_older_revision_of_a_config_changes_nothing():
    view = PluginsView()
    view.set_manifest("p", manifest())
    view.set_config("p", PluginConfig(key="p", enabled=True, rev=5))
    view.set_config("p", PluginConfig(key="p", enabled=False, rev=4))
    found = view.get("p")
    assert found is not None
    assert found.config.enabled


async def test_a_plugin_is_current_when_its_home_loaded_this_version_and_generation():
    view = PluginsView()
    view.set_manifest("p", manifest(generation=2))
    for loaded, current in (
        (None, False),
        (Loaded(digest=DIGEST, generation=1), False),
        (Loaded(digest="1" * 64, generation=2), False),
        (Loaded(digest=DIGEST, generation=2), True),
        (Loaded(digest=DIGEST, generation=2, ok=False, error="x"), True),
    ):
        view.set_loaded("p", loaded)
        assert view.get("p").is_current is current


async def test_waiting_ends_with_the_change_or_with_the_time():
    view = PluginsView()
    waiting = asyncio.create_task(view.wait_for(lambda: view.get("p") is not None, 5))
    await asyncio.sleep(0)
    view.set_manifest("q", manifest("q"))
    await asyncio.sleep(0)
    assert not waiting.done()
    view.set_manifest("p", manifest())
    assert await waiting
    assert not await view.wait_for(lambda: False, 0.01)


@pytest.mark.parametrize("value", [True, 1, "true", "1", "YES", " on ", "y"])
def test_true_in_every_way(value):
    assert read_flag(value) is True


@pytest.mark.parametrize("value", [False, 0, "false", "0", "No", "off", "n"])
def test_false_in_every_way(value):
    assert read_flag(value) is False


@pytest.mark.parametrize("value", ["", "maybe", 2, -1, None, [], {}, 0.0])
def test_anything_else_is_a_bad_request(value):
    with pytest.raises(BadRequest):
        read_flag(value)
