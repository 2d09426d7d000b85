"""Plugin configs: what is stored, what is told of it, and what never is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.contracts.plugins import PluginChanged
from shared.messaging.bus import Bus
from tests.integration.data.talk import add, documents

BusOf = Callable[[str], Awaitable[Bus]]


async def told(bus_of: BusOf, count: int, act: Callable[[], Awaitable[Any]]) -> list[PluginChanged]:
    """What is announced while something is done."""
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: Any) -> None:
        await arrived.put(message.data)

    listener = await bus_of("registry")
    stop = await listener.listen(c.PLUGIN_CHANGED.subject.pattern(), take)
    await act()
    found = [await asyncio.wait_for(arrived.get(), 5) for _ in range(count)]
    await stop()
    return [c.PLUGIN_CHANGED.envelope.model_validate_json(data).data for data in found]


async def test_every_write_raises_the_revision_and_is_told_without_settings(
    gateway: Bus, bus_of: BusOf
) -> None:
    settings = {"api.key": "hunter2", "$x": {"$ref": "a", "$id": "b"}}
    configs: list[m.PluginConfig] = []

    async def act() -> None:
        configs.append(
            await gateway.request(c.SET_ENABLED, m.SetEnabled(key="p", enabled=True, actor="user:a"))
        )
        configs.append(await gateway.request(c.SET_SETTINGS, m.SetSettings(key="p", settings=settings)))
        configs.append(await gateway.request(c.SET_ENABLED, m.SetEnabled(key="p", enabled=False)))

    changes = await told(bus_of, 3, act)
    assert [change.change for change in changes] == ["enabled", "settings", "disabled"]
    assert changes[0].actor == "user:a"
    assert "hunter2" not in "".join(change.model_dump_json() for change in changes)
    assert [config.rev for config in configs] == [1, 2, 3]
    last = await gateway.request(c.GET_CONFIG, m.GetConfig(key="p"))
    assert last == configs[-1]
    assert (last.settings, last.enabled, last.ever_enabled) == (settings, False, True)


async def test_a_plugin_that_is_disabled_to_be_deleted_says_so_until_it_is_enabled(gateway: Bus) -> None:
    said = []
    for enabled, deleting in ((True, False), (False, True), (True, True), (False, False)):
        command = m.SetEnabled(key="p", enabled=enabled, deleting=deleting)
        said.append((await gateway.request(c.SET_ENABLED, command)).deleting)
    assert said == [False, True, False, False]


async def test_what_was_never_chosen_has_defaults(gateway: Bus) -> None:
    config = await gateway.request(c.GET_CONFIG, m.GetConfig(key="unknown"))
    assert (config.rev, config.enabled, config.settings) == (0, False, {})


async def test_configs_are_streamed_in_the_order_of_keys(gateway: Bus) -> None:
    for key in ("b", "a", "c"):
        await gateway.request(c.SET_SETTINGS, m.SetSettings(key=key, settings={"of": key}))
    await gateway.request(c.DELETE_PLUGIN_CONFIG, m.DeletePluginConfig(key="c"))
    head, chunks = await gateway.stream(c.LIST_CONFIGS, m.ListConfigs())
    found = [one async for chunk in chunks for one in orjson.loads(chunk)]
    assert head.total == 2
    assert [(one["key"], one["settings"]) for one in found] == [("a", {"of": "a"}), ("b", {"of": "b"})]


async def test_a_plugin_that_comes_back_is_newer_than_it_ever_was(gateway: Bus) -> None:
    for _ in range(3):
        await gateway.request(c.SET_SETTINGS, m.SetSettings(key="p", settings={"secret": 1}))
    for _ in range(2):
        await gateway.request(c.DELETE_PLUGIN_CONFIG, m.DeletePluginConfig(key="p"))
    config = await gateway.request(c.SET_ENABLED, m.SetEnabled(key="p", enabled=True))
    assert (config.rev, config.settings, config.ever_enabled) == (5, {}, True)


async def test_data_outlives_the_config_unless_told_otherwise(gateway: Bus) -> None:
    await add(gateway, {"n": 1}, plugin="p")
    await add(gateway, {"n": 1}, plugin="other")
    await gateway.request(c.DELETE_PLUGIN_CONFIG, m.DeletePluginConfig(key="p"))
    assert await documents(gateway, plugin="p") == [{"n": 1}]
    await gateway.request(c.DELETE_PLUGIN_CONFIG, m.DeletePluginConfig(key="p", with_data=True))
    assert await documents(gateway, plugin="p") == []
    assert await documents(gateway, plugin="other") == [{"n": 1}]
    assert (await add(gateway, {"n": 2}, plugin="p")).id == 1


async def test_settings_that_cannot_be_stored_are_refused_with_their_path(gateway: Bus) -> None:
    with pytest.raises(errors.Invalid) as caught:
        await gateway.request(c.SET_SETTINGS, m.SetSettings(key="p", settings={"a": [2**64]}))
    assert caught.value.path == "settings.a[0]"
