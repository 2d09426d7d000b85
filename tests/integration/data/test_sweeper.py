"""Runs that nobody would ever end are ended, and no others."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.data.main import App
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import runs as m
from shared.contracts.base import timestamp_of
from shared.contracts.plugins import Lease
from shared.contracts.streams import LEASES
from shared.messaging.bus import Bus
from shared.messaging.kv import Kv
from shared.messaging.ledger import NOTHING, Ledger
from tests.integration.data.conftest import StartData
from tests.integration.data.runs_talk import ask, history, recorded, state_of

BusOf = Callable[[str], Awaitable[Bus]]


async def test_the_sweeper_ends_what_nobody_took_in_time(gateway: Bus, plugin: str, data: App) -> None:
    expired = timestamp_of(time.time() - 1)
    late = await ask(gateway, plugin, expires_at=expired)
    early = await ask(gateway, plugin, expires_at=timestamp_of(time.time() + 60))
    await recorded(gateway, late.run_id, plugin, "queued")
    await recorded(gateway, early.run_id, plugin, "queued")
    await data.sweeper.sweep()
    run = await recorded(gateway, late.run_id, plugin, "lost")
    assert run.cause == "expired"
    assert (await gateway.request(c.GET_RUN, m.GetRun(run_id=early.run_id))).state == "queued"


async def test_what_is_queued_ends_when_its_plugin_is_disabled(gateway: Bus, plugin: str) -> None:
    commands = [await ask(gateway, plugin) for _ in range(3)]
    for command in commands:
        await recorded(gateway, command.run_id, plugin, "queued")
    await gateway.request(c.SET_ENABLED, d.SetEnabled(key=plugin, enabled=False))
    for command in commands:
        run = await recorded(gateway, command.run_id, plugin, "failed")
        assert run.cause == "plugin_not_found"


async def test_a_claim_of_an_executor_that_is_gone_ends_only_where_nobody_else_will(
    gateway: Bus, plugin: str, executor: Ledger, data: App, bus_of: BusOf
) -> None:
    leases = Kv(await bus_of("executor"), LEASES)
    epoch = await leases.create("executor.alive", Lease(holder="alive").model_dump_json().encode(), ttl_s=30)
    long_ago = timestamp_of(time.time() - 100)
    commands = {name: await ask(gateway, plugin) for name in ("alive", "dead", "old")}
    for name, command in commands.items():
        await recorded(gateway, command.run_id, plugin, "queued")
        held = {
            "executor": "alive" if name == "old" else name,
            "epoch": epoch - 1 if name == "old" else epoch,
        }
        stored = (await data.sweeper._runs.get(command.run_id)) or None
        assert stored is not None
        claim = state_of(command, "running", started_at=long_ago, command_seq=stored.command_seq, **held)
        await executor.append(claim, after=NOTHING)
        await recorded(gateway, command.run_id, plugin, "running")
    assert await data.sweeper.sweep() == 0, "their commands are delivered again, to another executor"
    await gateway.request(c.SET_ENABLED, d.SetEnabled(key=plugin, enabled=False))
    await data.sweeper.sweep()
    for name, state in (("alive", "running"), ("dead", "lost"), ("old", "lost")):
        run = await recorded(gateway, commands[name].run_id, plugin, state)
        assert run.cause == (None if state == "running" else "executor_gone")


async def test_two_replicas_share_the_recording(gateway: Bus, plugin: str, start_data: StartData) -> None:
    await start_data()
    commands = await asyncio.gather(*(ask(gateway, plugin) for _ in range(300)))
    for command in commands:
        await recorded(gateway, command.run_id, plugin, "queued")
    assert (await history(gateway, plugin=plugin)).total == 300
