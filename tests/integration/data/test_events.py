"""Events have actions run: one run for each that follows, however many replicas, whatever fails beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.data.main import App
from services.data.service.follower import Follower
from shared.contracts import catalog as c
from shared.contracts.base import Envelope, new_id
from shared.contracts.data import SetEnabled
from shared.contracts.events import follower_run_id
from shared.contracts.manifest import Loaded, Manifest
from shared.contracts.names import token
from shared.contracts.plugins import WEBSOCKET_EVENT, AppEvent
from shared.contracts.runs import RunRequested
from shared.contracts.streams import FOLLOWER, MANIFESTS
from shared.messaging.bus import MSG_ID, Bus
from shared.messaging.kv import Kv
from tests.integration.data.conftest import StartData
from tests.integration.data.schedules_talk import commands, eventually

BusOf = Callable[[str], Awaitable[Bus]]
DIGEST = "0" * 64


def action(name: str, *events: str) -> dict[str, Any]:
    return {"id": name, "label": name, "events": list(events)}


async def install(bus_of: BusOf, gateway: Bus, *actions: dict[str, Any], enabled: bool = True) -> str:
    key = f"plugin {new_id()}"
    manifests = Kv(await bus_of("registry"), MANIFESTS)
    found = Manifest.model_validate({"key": key, "folder": key, "digest": DIGEST, "actions": list(actions)})
    await manifests.put(f"manifest.{token(key)}", found.to_bytes())
    if enabled:
        await gateway.request(c.SET_ENABLED, SetEnabled(key=key, enabled=True))
    return key


async def publish(gateway: Bus, name: str, event_id: str | None = None, **more: Any) -> str:
    made = c.APP_EVENT.envelope(
        id=event_id or new_id(), type="app.event", source="test", data=AppEvent(name=name, **more)
    )
    await gateway.put(c.APP_EVENT.subject.of(name=name), made.model_dump_json().encode(), {MSG_ID: new_id()})
    return made.id


async def started(bus: Bus, plugin: str, count: int) -> list[RunRequested]:
    async def enough() -> list[RunRequested] | None:
        found = await commands(bus, plugin)
        return found if len(found) >= count else None

    found: list[RunRequested] = await eventually(enough)
    return found


async def test_every_action_that_follows_is_run_once_with_event_and_payload(
    start_data: StartData, bus_of: BusOf
) -> None:
    for _ in range(3):
        await start_data()
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    name = f"event {new_id()}"
    both = await install(bus_of, gateway, action("a", name), action("b", "other", name), action("c", "other"))
    one = await install(bus_of, gateway, action("a", name, name))
    event_id = await publish(gateway, name, payload={"channel": 7}, actor="user:ann")
    # The same event once more, as after an answer that got lost.
    await publish(gateway, name, event_id, payload={"channel": 7}, actor="user:ann")
    marker = await publish(gateway, name, payload={})
    found = await started(executor, both, 4)
    assert sorted(command.run_id for command in found) == sorted(
        follower_run_id(event, both, action_id) for event in (event_id, marker) for action_id in ("a", "b")
    )
    first = next(command for command in found if command.run_id == follower_run_id(event_id, both, "a"))
    assert first.params == {"event": name, "payload": {"channel": 7}}
    assert (first.trigger, first.actor, first.depth, first.parent) == ("event", "user:ann", 1, None)
    assert len(await started(executor, one, 2)) == 2


async def test_disabled_and_invalid_plugins_do_not_follow(data: App, gateway: Bus, bus_of: BusOf) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    disabled = await install(bus_of, gateway, action("a", name), enabled=False)
    enabled = await install(bus_of, gateway, action("a", name))
    await publish(gateway, name)
    await started(executor, enabled, 1)
    assert await commands(executor, disabled) == []
    # Enabled a moment before the next one is published: that one it follows.
    await gateway.request(c.SET_ENABLED, SetEnabled(key=disabled, enabled=True))
    await publish(gateway, name)
    assert len(await started(executor, disabled, 1)) == 1


async def test_what_a_loaded_plugin_says_counts_for_its_version(
    data: App, gateway: Bus, bus_of: BusOf
) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    loaded = Kv(executor, MANIFESTS)
    key = await install(bus_of, gateway, action("declared", name))
    said = Loaded.model_validate({"digest": DIGEST, "actions": [action("computed", name)], "executor": "e"})
    await loaded.put(f"loaded.{token(key)}", said.to_bytes())
    await publish(gateway, name)
    assert [command.action for command in await started(executor, key, 1)] == ["computed"]
    await loaded.put(f"loaded.{token(key)}", said.model_copy(update={"digest": "1" * 64}).to_bytes())
    await publish(gateway, name)
    assert [command.action for command in await started(executor, key, 2)] == ["computed", "declared"]


async def test_a_run_of_an_event_is_the_emitting_runs_child_and_eight_deep_is_the_end(
    data: App, gateway: Bus, bus_of: BusOf
) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    key = await install(bus_of, gateway, action("a", name))
    parent = new_id()
    await publish(gateway, name, plugin="emitter", run_id=parent, depth=8)
    await publish(gateway, name, plugin="emitter", run_id=parent, depth=7)
    [command] = await started(executor, key, 1)
    assert (command.parent, command.depth, command.actor) == (parent, 8, "plugin:emitter")


async def test_what_is_sent_to_open_pages_is_no_event(data: App, gateway: Bus, bus_of: BusOf) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    key = await install(bus_of, gateway, action("a", WEBSOCKET_EVENT, name))
    await publish(gateway, WEBSOCKET_EVENT, payload={"group": "updates"})
    await publish(gateway, name)
    [command] = await started(executor, key, 1)
    assert command.params == {"event": name, "payload": {}}


async def test_an_event_that_cannot_be_read_holds_up_no_other(data: App, gateway: Bus, bus_of: BusOf) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    key = await install(bus_of, gateway, action("a", name))
    await gateway.put(c.APP_EVENT.subject.of(name=name), b"{")
    await gateway.put(
        c.APP_EVENT.subject.of(name=name), b'{"v":1,"id":"no uuid","type":"x","source":"s","data":{}}'
    )
    await publish(gateway, name)
    assert len(await started(executor, key, 1)) == 1


async def test_an_action_that_cannot_be_run_costs_no_other_its_run(
    data: App, gateway: Bus, bus_of: BusOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.data.following._AGAIN_S", 0.05)
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    # Keys are followed in their order; no run has an action with so long a name.
    bad = await install(bus_of, gateway, action("x" * 300, name), action("short", name))
    good = await install(bus_of, gateway, action("a", name))
    event_id = await publish(gateway, name)
    [command] = await started(executor, good, 1)
    assert command.run_id == follower_run_id(event_id, good, "a")
    assert [command.action for command in await started(executor, bad, 1)] == ["short"]

    async def given_up() -> bool:
        return await data._platform.pending(c.EVENTS_APP, FOLLOWER) == 0

    await eventually(given_up)


async def test_an_event_that_fails_as_nobody_expected_is_followed_when_it_comes_again(
    data: App, gateway: Bus, bus_of: BusOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Follower):
        failures = 0

        async def follow(self, envelope: Envelope[AppEvent]) -> int:
            if self.failures < 3:
                self.failures += 1
                raise RuntimeError("not as anybody expected")
            count: int = await own.follow(envelope)
            return count

    monkeypatch.setattr("services.data.following._AGAIN_S", 0.05)
    name = f"event {new_id()}"
    key = await install(bus_of, gateway, action("a", name))
    duty: Any = next(duty for duty in data._duties if type(duty).__name__ == "Events")
    own = duty._follower
    duty._follower = Failing.__new__(Failing)
    event_id = await publish(gateway, name)
    [command] = await started(await bus_of("executor"), key, 1)
    assert command.run_id == follower_run_id(event_id, key, "a")


async def test_events_keep_their_order(data: App, gateway: Bus, bus_of: BusOf) -> None:
    name = f"event {new_id()}"
    executor = await bus_of("executor")
    key = await install(bus_of, gateway, action("a", name))
    for number in range(200):
        await publish(gateway, name, payload={"n": number})
    found = await started(executor, key, 200)
    assert [command.params["payload"]["n"] for command in found] == list(range(200))  # type: ignore[index,call-overload]


async def test_replicas_that_go_lose_no_event(start_data: StartData, bus_of: BusOf) -> None:
    first, _second = await start_data(), await start_data()
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    name = f"event {new_id()}"
    key = await install(bus_of, gateway, action("a", name))
    ids = [await publish(gateway, name) for _ in range(50)]
    duty = next(duty for duty in first._duties if type(duty).__name__ == "Events")
    await duty.stop()
    ids += [await publish(gateway, name) for _ in range(50)]
    found = await started(executor, key, 100)
    assert {command.run_id for command in found} == {follower_run_id(one, key, "a") for one in ids}
    await asyncio.sleep(0)
