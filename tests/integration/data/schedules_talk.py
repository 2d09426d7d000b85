"""What tests of schedules and events ask for, in few words."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from shared.contracts import catalog as c
from shared.contracts import schedules as m
from shared.contracts.base import now
from shared.contracts.runs import RunRequested, RunState
from shared.messaging.bus import Bus
from shared.messaging.ledger import NOTHING, Ledger
from tests.integration.data.runs_talk import state_of


async def make(gateway: Bus, plugin: str, **more: Any) -> m.StoredSchedule:
    values = {"name": "Often", "plugin": plugin, "action": "go", "actor": "user:ann"} | more
    return await gateway.request(c.CREATE_SCHEDULE, m.CreateSchedule(**values))


async def get(gateway: Bus, schedule_id: str) -> m.StoredSchedule:
    return await gateway.request(c.GET_SCHEDULE, m.GetSchedule(id=schedule_id))


async def ticks(gateway: Bus, schedule_id: str) -> list[m.Tick]:
    page = await gateway.request(c.LIST_TICKS, m.ListTicks(id=schedule_id, limit=1000))
    return list(page.ticks)


async def commands(bus: Bus, plugin: str) -> list[RunRequested]:
    """Every command that is stored for a plugin; `bus` is the executor's or data's."""
    subject = c.RUN_REQUESTED.subject.of(plugin=plugin)
    return [RunRequested.model_validate_json(held.data) async for held in bus.walk(c.RUN_CMD, subject)]


async def eventually(check: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """What the check says once it says anything."""
    async with asyncio.timeout(seconds):
        while not (found := await check()):  # noqa: ASYNC110 - asks other processes, which have no event for us
            await asyncio.sleep(0.05)
    return found


async def end_runs(executor: Ledger, bus: Bus, plugin: str) -> None:
    """End every run of a plugin that has not ended."""
    for command in await commands(bus, plugin):
        entry = await executor.last(command.run_id)
        if entry is None:
            state: RunState = state_of(command, "succeeded", outcome="ok", ended_at=now())
            await executor.append(state, after=NOTHING)
