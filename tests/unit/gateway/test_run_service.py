"""Asking for a run: what is published, how long is waited, and what a repeat means."""

import asyncio
from typing import Any

import orjson
import pytest

from services.gateway.idempotency import Idempotency
from services.gateway.runs import Request, RunService
from services.gateway.view import PluginsView
from shared import errors
from shared.contracts.base import ObjectRef, new_id
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import Manifest
from shared.contracts.runs import Retried, Run, RunState
from tests.unit.gateway.fakes import (
    FakeAsks,
    FakeCommands,
    FakeEntries,
    FakeFiles,
    FakeLedger,
    FakePayloads,
    FakeReads,
    FakeResults,
    user,
)

OK = {"state": "succeeded", "result": {"status": "ok"}}


class World:
    def __init__(self) -> None:
        self.view = PluginsView()
        self.commands, self.results, self.ledger = FakeCommands(), FakeResults(), FakeLedger()
        self.payloads, self.asks, self.reads = FakePayloads(), FakeAsks(), FakeReads()
        self.service = RunService(
            view=self.view,
            commands=self.commands,
            results=self.results,
            ledger=self.ledger,
            payloads=self.payloads,
            idempotency=Idempotency(FakeEntries()),
            asks=self.asks,
            reads=self.reads,
            files=FakeFiles(),
        )
        self.view.set_manifest("p", Manifest(key="p", folder="p", digest="0" * 64))
        self.view.set_config("p", PluginConfig(key="p", enabled=True, rev=7))

    async def run(self, *, wait_s: float = 5.0, key: str | None = None, **more: Any) -> Any:
        asked = {"plugin": "p", "action": "a", "params": {}, "size": 10, "digest": "d", **more}
        return await self.service.run(Request(**asked), user("user"), wait_s=wait_s, key=key)


@pytest.fixture
async def world() -> World:
    return World()


async def test_params_that_look_like_a_reference_are_not_taken_for_one(world: World) -> None:
    world.results.told = OK
    params = {"$object": "a" * 64, "size": 3}
    await world.run(params=params)
    sent = world.commands.stored[0].params
    assert isinstance(sent, ObjectRef)
    assert orjson.loads(world.payloads.kept[sent.digest]) == params


async def test_the_command_says_who_asked_what_and_which_settings_were_seen(world: World) -> None:
    world.results.told = OK
    run_id, outcome = await world.run(params={"x": 1})
    [command] = world.commands.stored
    assert world.commands.ids == [run_id] == [command.run_id]
    assert (command.actor, command.trigger, command.config_rev) == ("user:user", "user", 7)
    assert command.params == {"x": 1}
    assert command.created_at
    assert outcome.result == {"status": "ok"}
    assert world.results.waiting == {}


async def test_nobody_waits_after_the_time_is_over_and_nothing_is_left_behind(world: World) -> None:
    run_id, outcome = await world.run(wait_s=0.05)
    assert outcome is None
    assert world.commands.ids == [run_id]
    assert world.results.waiting == {}
    assert world.ledger.looked == 1
    assert (await world.run(wait_s=0))[1] is None


async def test_a_gateway_that_stops_lets_its_callers_go(world: World) -> None:
    asking = asyncio.create_task(world.run(wait_s=60))
    await world.results.somebody_waits.wait()
    [[future]] = world.results.waiting.values()
    future.set_result(None)
    assert (await asking)[1] is None


async def test_a_full_bus_is_said_and_leaves_nobody_waiting(world: World) -> None:
    world.commands.full = True
    with pytest.raises(errors.Unavailable):
        await world.run()
    assert world.results.waiting == {}


async def test_a_repeat_whose_run_has_ended_publishes_nothing(world: World) -> None:
    world.results.told = OK
    run_id, _ = await world.run(key="k")
    world.ledger.entries[run_id] = RunState(
        run_id=run_id, plugin="p", action="a", state="succeeded", result={"status": "ok"}
    )
    world.results.told = None
    again, outcome = await world.run(key="k")
    assert again == run_id
    assert outcome.result == {"status": "ok"}
    assert len(world.commands.stored) == 1


async def test_a_repeat_whose_command_was_never_stored_stores_it(world: World) -> None:
    world.commands.full = True
    with pytest.raises(errors.Unavailable):
        await world.run(key="k")
    world.commands.full, world.results.told = False, OK
    run_id, outcome = await world.run(key="k")
    assert world.commands.ids == [run_id]
    assert outcome.state == "succeeded"


async def test_a_repeat_whose_run_goes_on_waits_for_it_without_asking_again(world: World) -> None:
    run_id, _ = await world.run(key="k", wait_s=0)
    world.ledger.entries[run_id] = RunState(run_id=run_id, plugin="p", action="a", state="running")
    asking = asyncio.create_task(world.run(key="k"))
    await world.ledger.looked_again.wait()
    world.ledger.entries[run_id] = RunState(
        run_id=run_id, plugin="p", action="a", state="failed", cause="raised", error="no"
    )
    _, outcome = await asking
    assert (outcome.state, outcome.error) == ("failed", "no")
    assert len(world.commands.stored) == 1


async def test_another_body_or_action_under_the_same_key_is_refused(world: World) -> None:
    world.results.told = OK
    await world.run(key="k")
    for change in ({"digest": "e"}, {"action": "b"}):
        with pytest.raises(errors.Invalid):
            await world.run(key="k", **change)


async def test_large_params_travel_by_reference_and_results_come_back_by_it(world: World) -> None:
    reference = await world.payloads.put(b'{"status":"ok"}')
    world.results.told = {"state": "succeeded", "result": reference.model_dump(by_alias=True)}
    _, outcome = await world.run(params={"t": "x" * 600_000}, size=600_020)
    assert isinstance(world.commands.stored[0].params, ObjectRef)
    assert outcome.raw == b'{"status":"ok"}'


async def test_a_plugin_that_seems_disabled_is_looked_at_again_before_it_is_refused(world: World) -> None:
    world.view.set_config("p", PluginConfig(key="p", enabled=False, rev=8))
    with pytest.raises(errors.PluginDisabled):
        await world.run()
    with pytest.raises(errors.NotFound):
        await world.run(plugin="q")
    assert world.reads.read == ["p", "q"]
    assert not world.commands.stored


async def test_retrying_waits_for_a_result_that_may_have_come_before(world: World) -> None:
    run_id = new_id()
    world.asks.answers["retry_run"] = Retried(run_id=run_id, plugin="p", action="a")
    world.ledger.entries[run_id] = RunState(
        run_id=run_id, plugin="p", action="a", state="succeeded", result=1
    )
    found, outcome = await world.service.retry(new_id(), user(), wait_s=5)
    assert found == run_id
    assert outcome is not None
    assert outcome.result == 1


async def test_a_run_that_data_does_not_know_or_is_behind_with_is_told_by_the_ledger(world: World) -> None:
    run_id = new_id()
    world.asks.answers["get_run"] = errors.NotFound("no run")
    with pytest.raises(errors.NotFound):
        await world.service.get(run_id)
    world.ledger.entries[run_id] = RunState(
        run_id=run_id, plugin="p", action="a", state="lost", cause="expired"
    )
    assert (await world.service.get(run_id)).state == "lost"
    world.asks.answers["get_run"] = Run(
        run_id=run_id, plugin="p", action="a", state="queued", params={"x": 1}
    )
    found = await world.service.get(run_id)
    assert (found.state, found.params) == ("lost", {"x": 1})
    world.asks.answers["get_run"] = errors.Unavailable("no data")
    assert (await world.service.get(run_id)).state == "lost"


async def test_a_runs_large_params_and_result_are_shown_while_they_are_kept(world: World) -> None:
    params, gone = await world.payloads.put(b'{"x":1}'), ObjectRef(digest="0" * 64, size=2)
    run = Run(run_id=new_id(), plugin="p", action="a", state="succeeded", params=params, result=gone)
    assert await world.service.large(run) == {"params": b'{"x":1}'}
