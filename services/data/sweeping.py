"""When the sweeper works: every few seconds on the replica with the lease, and at once where a plugin is disabled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import nats.errors

from services.data.service.sweeper import Sweeper
from shared import errors
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.leases import HeldLease

EVERY_S: Final = 5.0
RESEND_S: Final = 1.0

log = get_logger(__name__)


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
            asyncio.create_task(self._again_and_again(EVERY_S, self._sweeper.sweep), name="sweeper"),
            asyncio.create_task(self._again_and_again(RESEND_S, self._sweeper.resend), name="resender"),
            asyncio.create_task(self._end_disabled(), name="sweeper of disabled plugins"),
        )

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lease.close()

    async def _again_and_again(self, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(every_s)
            if self._lease.held:
                await _attempted(work)

    async def _end_disabled(self) -> None:
        while True:
            plugin = await self._disabled.get()
            await _attempted(lambda plugin=plugin: self._sweeper.plugin_disabled(plugin))  # type: ignore[misc]


async def _attempted(work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except (errors.PlugarrError, nats.errors.Error) as error:
        log.warning("not_swept", reason=str(error))
    except Exception:
        # The border of a duty that must go on: the next sweep may well succeed.
        log.exception("sweep_failed")
