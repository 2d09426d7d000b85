"""When the tailer works: always, on the replica with the lease."""

import asyncio
import time
from typing import Final

from services.data.service.tailer import Tailer
from shared import errors
from shared.logging import get_logger
from shared.messaging.bus import Bus, Refused
from shared.messaging.leases import HeldLease
from shared.tasks import ended

_AGAIN_S: Final = 0.5
_LATE_S: Final = 30.0

log = get_logger(__name__)


class Tailing:
    """The tailer as a duty beside the commands."""

    def __init__(self, bus: Bus, tailer: Tailer) -> None:
        self._lease = HeldLease(bus, "data.tailer")
        self._tailer = tailer
        self._held = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._lease.start(gained=self._gained, lost=self._lost)
        self._task = asyncio.create_task(self._tail(), name="tailer")

    async def stop(self) -> None:
        await ended(self._task)
        await self._lease.close()

    async def check(self) -> str | None:
        """What is wrong, if anything."""
        if not self._lease.held:
            return "ok: another replica tells of changes"
        late_s = time.monotonic() - self._tailer.moved_at
        return None if late_s < _LATE_S else f"changes were last read {late_s:.0f} s ago"

    async def _gained(self, _epoch: int) -> None:
        self._tailer.moved_at = time.monotonic()
        self._held.set()

    async def _lost(self) -> None:
        self._held.clear()

    async def _tail(self) -> None:
        while True:
            await self._held.wait()
            try:
                await self._tailer.follow(lambda: self._lease.held)
            except Refused:
                # Another one was quicker, or what we were not answered was stored: what is stored counts.
                log.info("changes_moved_on")
            except errors.PlugarrError as error:
                log.warning("changes_not_read", reason=error.message)
            except Exception:
                # The border of a duty that must go on: it begins again where the stream ends.
                log.exception("tailer_failed")
            await asyncio.sleep(_AGAIN_S)
