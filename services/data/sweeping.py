"""When the sweeper works: every few seconds on the replica with the lease, and at once where a plugin is disabled."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from services.data.duties import attempted
from services.data.service.sweeper import Sweeper
from shared.messaging.bus import Bus
from shared.messaging.leases import HeldLease
from shared.tasks import ended

EVERY_S: Final = 5.0
RESEND_S: Final = 1.0


class Sweeping:
    """The sweeper as a duty beside the commands."""

    def __init__(self, bus: Bus, sweeper: Sweeper) -> None:
        self._lease = HeldLease(bus, "data.sweeper")
        self._sweeper = sweeper
        self._disabled: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def plugin_disabled(self, plugin: str) -> None:
        """Have what is queued for a plugin ended soon; nobody waits for it."""
        self._disabled.put_nowait(plugin)

    async def start(self) -> None:
        self._lease.start()
        self._tasks = (
            asyncio.create_task(self._again_and_again("sweep", EVERY_S, self._sweeper.sweep), name="sweeper"),
            asyncio.create_task(
                self._again_and_again("resend", RESEND_S, self._sweeper.resend), name="resender"
            ),
            asyncio.create_task(self._end_disabled(), name="sweeper of disabled plugins"),
        )

    async def stop(self) -> None:
        await ended(*self._tasks)
        await self._lease.close()

    async def _again_and_again(
        self, name: str, every_s: float, work: Callable[[], Awaitable[object]]
    ) -> None:
        while True:
            await asyncio.sleep(every_s)
            if self._lease.held:
                await attempted(name, work)

    async def _end_disabled(self) -> None:
        while True:
            plugin = await self._disabled.get()
            await attempted("end disabled", partial(self._sweeper.plugin_disabled, plugin))
