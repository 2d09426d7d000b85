"""When files are looked through for those that nothing names any more: hourly, by the replica with the lease."""

import asyncio
from typing import Final

from services.data.duties import attempted
from services.data.service.files import FileService
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.leases import HeldLease
from shared.tasks import ended

EVERY_S: Final = 3600.0
_FIRST_S: Final = 60.0

log = get_logger(__name__)


class Filing:
    """The sweep of files as a duty beside the commands."""

    def __init__(self, bus: Bus, files: FileService) -> None:
        self._lease = HeldLease(bus, "data.files")
        self._files = files
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._lease.start()
        self._task = asyncio.create_task(self._sweep(), name="files")

    async def stop(self) -> None:
        await ended(self._task)
        await self._lease.close()

    async def _sweep(self) -> None:
        pause = _FIRST_S
        while True:
            await asyncio.sleep(pause)
            pause = EVERY_S
            if not self._lease.held:
                continue
            dropped = await attempted("sweep of files", self._files.sweep)
            if dropped is not None:
                log.info("files_swept", dropped=dropped)
