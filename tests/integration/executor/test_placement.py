"""Where plugins live, how they move, and that there is never more than one of them."""

import asyncio
from collections import Counter
from typing import Any

from services.executor.placement import winner
from services.executor.ports import HostCall, Upcalls
from shared.contracts.streams import LEASES
from shared.messaging.kv import Kv
from tests.integration.executor.test_runs import Gate
from tests.integration.executor.world import Running, World, until


async def lives_in(world: World, key: str) -> str:
    return str((await world.run(key, "echo")).result["executor"])


def alone(key: str, executors: list[Running]) -> Running:
    """The one executor that has the plugin."""
    having = [one for one in executors if key in one.hosts.alive]
    assert len(having) == 1, [one.name for one in having]
    return having[0]


async def test_executors_share_the_plugins_and_a_joining_one_gets_its_part(world: World, key: str) -> None:
    first = await world.executor()
    keys = [f"{key}_{number}" for number in range(12)]
    for one in keys:
        await world.install(one)
        await world.enable(one)
    for one in keys:
        await world.until_loaded(one)
    assert Counter([await lives_in(world, one) for one in keys]) == {first.name: 12}
    second = await world.executor()

    part = {one for one in keys if winner(one, [first.name, second.name]) == second.name}

    async def shared() -> bool:
        return second.hosts.alive == part and first.hosts.alive == set(keys) - part

    await until(shared, 30)
    for one in keys:
        assert await lives_in(world, one) == alone(one, [first, second]).name
    moved = {spec.key for spec in second.hosts.loads}
    assert {(one, "stop move") for one in moved} <= set(first.hosts.said)
    # It was not enabled anew by moving.
    assert not [said for said in second.hosts.said if said[1] == "on_enable"]

    await second.close()

    async def all_back() -> bool:
        return len(first.hosts.alive) == 12

    await until(all_back, 10)
    assert {await lives_in(world, one) for one in keys} == {first.name}


async def test_a_moving_plugins_runs_end_where_they_began(world: World, key: str) -> None:
    first = await world.executor(handover_s=20.0)
    keys = [f"{key}_{number}" for number in range(8)]
    gate = first.hosts.acts["wait"] = Gate()
    for one in keys:
        await world.install(one)
        await world.enable(one)
    for one in keys:
        await world.until_loaded(one)
    runs = [await world.request(one, "wait") for one in keys]
    for run_id in runs:
        await world.until_state(run_id, "running")
    second = await world.executor()
    await asyncio.sleep(2.5)  # two looks: what is to move has stopped claiming
    assert not second.hosts.alive
    gate.open.set()
    assert {(await world.result(run_id)).state for run_id in runs} == {"succeeded"}

    async def shared() -> bool:
        return len(second.hosts.alive) > 0

    await until(shared, 10)


async def test_enabling_loads_disabling_stops_and_hooks_are_called_for_nothing_else(
    world: World, key: str
) -> None:
    one = await world.executor()
    await world.install(key)
    await asyncio.sleep(0)
    assert await world.loaded(key) is None
    await world.enable(key)
    loaded = await world.until_loaded(key)
    assert (loaded.executor, loaded.ok, loaded.name) == (one.name, True, "Fake")
    assert one.hosts.said == [(key, "on_enable")]
    await world.enable(key, enabled=False)
    await world.until_unloaded(key)
    assert one.hosts.said[1:] == [(key, "on_disable"), (key, "stop disable")]
    await world.enable(key)
    await world.until_loaded(key)
    assert one.hosts.said[3:] == [(key, "on_enable")]
    await one.close()
    two = await world.executor()

    async def again() -> bool:
        return key in two.hosts.alive

    await until(again)
    await lives_in(world, key)
    assert two.hosts.said == []


async def test_a_plugin_disabled_while_no_executor_lives_is_said_to_be_unloaded_later(
    world: World, key: str
) -> None:
    one = await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    await one.close()
    assert await world.loaded(key) is not None
    world.configs[key] = world.configs[key].model_copy(update={"enabled": False, "rev": 5})
    await world.executor()
    await world.until_unloaded(key)


async def test_a_new_version_waits_for_the_runs_of_the_old_one(world: World, key: str) -> None:
    one = await world.executor(handover_s=0.1)
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    gate = one.hosts.acts["wait"] = Gate()
    running = await world.request(key, "wait")
    await gate.begun.wait()
    manifest = await world.install(key, {"plugin.py": "class Plugin: version = '2'\n"})
    queued = await world.request(key, "echo")
    await asyncio.sleep(1.5)
    assert len(one.hosts.loads) == 1
    gate.open.set()
    assert (await world.result(running)).state == "succeeded"
    await world.until_loaded(key, digest=manifest.digest)
    assert (await world.result(queued)).state == "succeeded"
    assert [spec.digest for spec in one.hosts.loads][-1] == manifest.digest
    assert (one.hosts.loads[-1].path / "plugin.py").read_text() == "class Plugin: version = '2'\n"
    assert (key, "stop reload") in one.hosts.said


async def test_a_reload_loads_anew_and_gives_long_runs_up(world: World, key: str) -> None:
    one = await world.executor(handover_s=0.1)
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    gate = one.hosts.acts["wait"] = Gate()
    running = await world.request(key, "wait")
    await gate.begun.wait()
    await world.install(key, generation=1)
    await world.until_loaded(key, generation=1)
    result = await world.result(running)
    assert (result.state, result.cause) == ("lost", "shutdown")
    assert len(one.hosts.loads) == 2


async def test_a_plugin_placed_anywhere_runs_on_every_executor(world: World, key: str) -> None:
    first, second = await world.executor(), await world.executor()
    await world.install(key, placement="any")
    await world.enable(key)
    await world.until_loaded(key)

    async def both() -> bool:
        return key in first.hosts.alive and key in second.hosts.alive

    await until(both)
    assert sorted(said for one in (first, second) for said in one.hosts.said) == [(key, "on_enable")]
    gates = [Gate(), Gate()]
    first.hosts.acts["wait"], second.hosts.acts["wait"] = gates
    runs = [await world.request(key, "wait") for _ in range(8)]
    for gate in gates:
        await asyncio.wait_for(gate.begun.wait(), 5)
        gate.open.set()
    assert {(await world.result(run_id)).state for run_id in runs} == {"succeeded"}


async def test_an_executor_that_loses_its_lease_claims_nothing_and_comes_back(world: World, key: str) -> None:
    one = await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    gate = one.hosts.acts["wait"] = Gate()
    running = await world.request(key, "wait")
    await gate.begun.wait()
    # Somebody takes the lease's entry away: the next renewal is refused.
    await Kv(one.bus, LEASES).delete(f"executor.{one.name}")
    result = await world.result(running, 25)
    assert (result.state, result.cause) == ("lost", "executor_gone")
    assert (await world.result(await world.request(key, "echo"), 25)).state == "succeeded"
    assert one.hosts.calls[running] == 1


async def test_navigation_that_changed_in_a_run_is_said_again(world: World, key: str) -> None:
    one = await world.executor()
    one.hosts.attributes |= {"navigation": {"label": "N", "badge": 1}}
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    one.hosts.refreshed = {"navigation": {"label": "N", "badge": 2}}
    await world.run(key, "echo")

    async def said() -> Any:
        loaded = await world.loaded(key)
        return loaded and loaded.navigation and loaded.navigation.badge == 2

    await until(said)


async def test_logs_and_progress_of_a_run_are_there_without_its_passwords(world: World, key: str) -> None:
    one = await world.executor()
    one.hosts.attributes["fields"] = [
        {"id": "secret", "label": "S", "type": "string", "input_type": "password"}
    ]

    async def talk(call: HostCall, upcalls: Upcalls) -> Any:
        for number in range(3):
            text = f"{number} hunter2 and {call.params['pin']}"
            line = {"time": "2024-01-01T00:00:00.000Z", "level": "info", "message": text}
            upcalls.log(key, call.run_id, [line])
        upcalls.progress(key, call.run_id, 1, 2, "half of hunter2")
        raise ValueError("hunter2 was wrong")

    one.hosts.acts["talk"] = talk
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    rev = await world.configure(key, {"secret": "hunter2"})
    result = await world.run(key, "talk", params={"pin": "98765"}, secret_params=("pin",), config_rev=rev)
    assert result.error == "*** was wrong"
    held = await world.data.last("RUN_LOG", f"plugarr.v1.run.log.{result.run_id}")
    assert held is not None
    assert held.data.count(b'"message"') == 3
    assert b"hunter2" not in held.data
    assert b"98765" not in held.data
    progress = await world.data.last("RUN_PROGRESS", f"plugarr.v1.run.progress.{result.run_id}")
    assert progress is not None
    assert b"half of ***" in progress.data


async def test_of_an_executor_that_ends_what_is_idle_goes_on_elsewhere_at_once(
    world: World, key: str
) -> None:
    """A long run of one plugin holds up no other plugin's, as long as the grace time may be."""
    first = await world.executor(grace_s=30.0)
    keys = [f"{key}_{number}" for number in range(6)]
    for one in keys:
        await world.install(one)
        await world.enable(one)
    for one in keys:
        await world.until_loaded(one)
    gate = first.hosts.acts["wait"] = Gate()
    busy = await world.request(keys[0], "wait")
    await gate.begun.wait()
    second = await world.executor(handover_s=30.0)

    part = {one for one in keys[1:] if winner(one, [first.name, second.name]) == second.name}

    async def joined() -> bool:
        return part <= second.hosts.alive and not part & first.hosts.alive

    await until(joined, 30)
    ending = asyncio.create_task(first.close())

    async def departed() -> bool:
        return first.hosts.alive == {keys[0]}

    await until(departed)
    for one in keys[1:]:
        assert (await world.result(await world.request(one, "echo"), 10)).result["executor"] == second.name
    assert not ending.done()
    assert (await world.entry(busy)).state == "running"
    gate.open.set()
    assert (await world.result(busy)).state == "succeeded"
    await ending
    assert await lives_in(world, keys[0]) == second.name


async def test_what_the_operator_says_of_placement_counts_over_the_manifest_and_is_followed(
    world: World, key: str
) -> None:
    first, second = await world.executor(), await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    both = [first, second]

    async def place(placement: str | None) -> None:
        known = world.configs[key]
        world.configs[key] = known.model_copy(update={"placement": placement, "rev": known.rev + 1})
        await world.changed(key, "placed")

    async def everywhere() -> bool:
        return all(key in one.hosts.alive for one in both)

    async def at_home() -> bool:
        return sum(key in one.hosts.alive for one in both) == 1

    await until(at_home)
    await place("any")
    await until(everywhere)
    runs = [await world.run(key, "echo") for _ in range(20)]
    assert {run.result["executor"] for run in runs} == {first.name, second.name}
    await place(None)
    await until(at_home)
    assert await lives_in(world, key) == alone(key, both).name
