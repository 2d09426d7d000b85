"""Which plugins this executor is the home of, under its lease."""

import asyncio
from typing import Final, Protocol

from services.executor.fleet import Fleet
from shared.contracts.plugins import Home
from shared.messaging.leases import FENCE_S, TTL_S

BEAT_EVERY_S: Final = 0.5
BEAT_UNTIL_S: Final = TTL_S - FENCE_S - BEAT_EVERY_S
"""Age of the lease up to which hosts get heartbeats: whoever got the last one ends before the lease does."""


class Lease(Protocol):
    """This executor's own lease."""

    @property
    def held(self) -> bool: ...

    @property
    def epoch(self) -> int: ...

    @property
    def age_s(self) -> float: ...


class Rooms:
    """Takes homes and gives them back."""

    def __init__(self, fleet: Fleet, lease: Lease, *, executor: str, site: str) -> None:
        self._fleet = fleet
        self._lease = lease
        self._executor = executor
        self._site = site

    def holds(self, epoch: int) -> bool:
        """Whether this executor still has the lease with that epoch."""
        return self._lease.held and self._lease.epoch == epoch

    async def take(self, plugin: str, epoch: int) -> bool:
        """Become the plugin's home; False where somebody else is it. Raises PlugarrError."""
        entry = self._fleet.homes.get(plugin)
        if entry is not None and (entry.executor, entry.epoch) == (self._executor, epoch):
            return True
        # That its holder is gone is asked once more: two homes at once is what must never be.
        if (
            entry is not None
            and entry.epoch > 0
            and entry.executor != self._executor
            and await self._fleet.lives(entry.executor, entry.epoch)
        ):
            return False
        return await self._fleet.take(plugin, self._home(plugin, epoch))

    async def give_back(self, plugin: str, epoch: int) -> None:
        """Let another executor have the plugin. Raises PlugarrError."""
        await self._fleet.give_back(plugin, self._home(plugin, epoch))

    async def hosts_ended(self) -> None:
        """Wait until hosts that got the last heartbeat before now have ended by themselves."""
        await asyncio.sleep(FENCE_S + BEAT_EVERY_S)

    def _home(self, plugin: str, epoch: int) -> Home:
        return Home(plugin=plugin, executor=self._executor, epoch=epoch, site=self._site)
