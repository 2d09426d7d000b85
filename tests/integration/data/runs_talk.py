"""What tests of runs ask for, in few words."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from shared.contracts import catalog as c
from shared.contracts import runs as m
from shared.contracts.base import new_id
from shared.messaging.bus import Bus


async def ask(bus: Bus, plugin: str, **more: Any) -> m.RunRequested:
    command = m.RunRequested(**{"run_id": new_id(), "plugin": plugin, "action": "go"} | more)
    await bus.store(c.RUN_REQUESTED, command, msg_id=command.run_id, plugin=command.plugin)
    return command


async def history(bus: Bus, **query: Any) -> m.RunPage:
    return await bus.request(c.LIST_RUNS, m.ListRuns(**query))


async def recorded(bus: Bus, run_id: str, plugin: str, state: str) -> m.Run:
    """The run in the history's own list, once it has that state there."""
    async with asyncio.timeout(15):
        while True:
            for run in (await history(bus, plugin=plugin, limit=1000)).runs:
                if run.run_id == run_id and run.state == state:
                    return run
            await asyncio.sleep(0.03)


def state_of(command: m.RunRequested, state: m.RunStatus, **more: Any) -> m.RunState:
    fields = {"run_id": command.run_id, "plugin": command.plugin, "action": command.action, "state": state}
    return m.RunState(**fields | more)


async def result_of(bus: Bus, command: Callable[[], Awaitable[m.RunRequested]]) -> m.RunResult:
    """Ask for a run as this gateway, and wait for its result."""
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: Any) -> None:
        await arrived.put(message.data)

    stop = await bus.listen(c.RUN_ENDED.subject.pattern(kind="gateway", caller="g1"), take)
    await command()
    data = await asyncio.wait_for(arrived.get(), 10)
    await stop()
    return c.RUN_ENDED.envelope.model_validate_json(data).data


CALLER: Final = m.Caller(kind="gateway", id="g1")
