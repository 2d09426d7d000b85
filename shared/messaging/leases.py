"""Leases: a KV entry with a TTL of 6 s, renewed every 2 s. The revision of its making is the epoch."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from shared import errors
from shared.contracts.base import now
from shared.contracts.plugins import Lease
from shared.contracts.streams import LEASES
from shared.logging import get_logger
from shared.messaging.bus import Bus, Refused
from shared.messaging.kv import Kv
from shared.tasks import ended

TTL_S: Final = 6
RENEW_S: Final = 2.0
FENCE_S: Final = 4.0
"""Whoever has not renewed for so long acts as if the lease were lost: two seconds before it is."""

log = get_logger(__name__)


class HeldLease:
    """A lease that this process tries to hold, again and again, until it is closed."""

    def __init__(self, bus: Bus, key: str, *, site: str | None = None) -> None:
        self._kv = Kv(bus, LEASES)
        self._key = key
        self._holder = bus.instance
        self._site = site
        self._revision: int | None = None
        self._renewed_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._leaving = False
        self._trying = asyncio.Lock()
        self.epoch = 0
        """Epoch of the latest holding; 0 before the first."""

    @property
    def held(self) -> bool:
        """Whether it is held for certain: renewed less than `FENCE_S` ago by this machine's monotonic clock."""
        return self._revision is not None and self.age_s < FENCE_S

    @property
    def age_s(self) -> float:
        """Seconds since the last renewal that is known to have come about was asked for."""
        return time.monotonic() - self._renewed_at

    def start(
        self,
        *,
        gained: Callable[[int], Awaitable[None]] | None = None,
        lost: Callable[[], Awaitable[None]] | None = None,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Begin to compete. `gained(epoch)` and `lost()` alternate; `beat()` comes after each renewal.

        After a renewal that failed there is no beat: who waits for it must end before the lease does.
        """
        self._task = asyncio.create_task(self._compete(gained, lost, beat), name=f"lease {self._key}")

    async def leave(self) -> None:
        """Say that the holder is ending; the lease is kept until it is closed. Best effort."""
        self._leaving = True
        if self._revision is not None:
            # Between two renewals: whoever follows the lease is to know at once.
            await self._try(time.monotonic())

    async def close(self) -> None:
        """Give it back at once, so that a successor need not wait for its end."""
        self._closing = True
        await ended(self._task)
        await self._give_back()

    async def _give_back(self) -> None:
        if self._revision is not None:
            revision, self._revision = self._revision, None
            try:
                await self._kv.delete(self._key, revision=revision)
            except (Refused, errors.PlugarrError) as error:
                log.info("lease_not_returned", lease=self._key, reason=str(error))

    async def _compete(
        self,
        gained: Callable[[int], Awaitable[None]] | None,
        lost: Callable[[], Awaitable[None]] | None,
        beat: Callable[[], None] | None,
    ) -> None:
        told = False
        while not self._closing:
            began = time.monotonic()
            await self._try(began)
            try:
                if told and not self.held:
                    told = False
                    self._revision = None
                    log.warning("lease_lost", lease=self._key, epoch=self.epoch)
                    if lost:
                        await lost()
                elif self.held and not told:
                    log.info("lease_gained", lease=self._key, epoch=self.epoch)
                    if gained:
                        await gained(self.epoch)
                    told = True
                if told and beat and self._renewed_at == began:
                    beat()
            except (
                Exception
            ):  # the border: who follows the lease may raise anything, and must not stop it silently
                log.exception("lease_follower_failed", lease=self._key)
                if not told:
                    # Who could not take it up does not hold it: another may.
                    await self._give_back()
            pause = RENEW_S if told else RENEW_S / 4
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))

    async def _try(self, began: float) -> None:
        try:
            # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
            async with asyncio.timeout(RENEW_S), self._trying:
                await self._renew_or_take()
        except Refused:
            self._revision = None
        except (errors.PlugarrError, TimeoutError) as error:
            log.warning("lease_not_renewed", lease=self._key, reason=str(error) or "timed out")
        else:
            # Counted from before the request: the server's clock for the TTL started no earlier.
            self._renewed_at = began

    async def _renew_or_take(self) -> None:
        if self._revision is None:
            lease = Lease(holder=self._holder, site=self._site, started_at=now())
            self._revision = await self._kv.create(self._key, lease.model_dump_json().encode(), ttl_s=TTL_S)
            self.epoch = self._revision
        else:
            lease = Lease(holder=self._holder, epoch=self.epoch, site=self._site, leaving=self._leaving)
            value = lease.model_dump_json().encode()
            try:
                self._revision = await self._kv.update(self._key, value, self._revision, ttl_s=TTL_S)
            except Refused:
                # A renewal whose answer got lost was a renewal all the same; an epoch is nobody else's.
                held = await self._kv.get(self._key)
                if held is None or epoch_of(held.seq, Lease.model_validate_json(held.data)) != self.epoch:
                    raise
                self._revision = await self._kv.update(self._key, value, held.seq, ttl_s=TTL_S)


def epoch_of(revision: int, lease: Lease) -> int:
    """The epoch of a lease entry: what it says, or, right after its making, its own revision."""
    return lease.epoch or revision
