"""Stored messages in batches: acknowledged once they are written, given back where they cannot be."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import nats.errors
from prometheus_client import Counter, Histogram

from shared import errors
from shared.contracts.streams import RECORDER
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.pull import Delivery, Pull
from shared.tasks import ended

BATCH: Final = 500
GATHER_S: Final = 0.02
_AT_ONCE: Final = 2000
_RETRY_S: Final = 1.0

RECORDED: Final = Counter("plugarr_data_recorded_total", "Messages written into the run history")
DROPPED: Final = Counter("plugarr_data_dropped_total", "Messages that cannot be written at all")
GIVEN_BACK: Final = Counter("plugarr_data_given_back_total", "Messages given back to be written later")
WRITING: Final = Histogram("plugarr_data_batch_seconds", "Time to write a batch")

log = get_logger(__name__)
Write = Callable[[list[Delivery]], Awaitable[None]]


class Intake:
    """Works the recorder's durables off, together; any number of replicas share them."""

    def __init__(self, bus: Bus, streams: Sequence[str], write: Write) -> None:
        self._write = write
        self._waiting: asyncio.Queue[tuple[Delivery, Pull]] = asyncio.Queue()
        self._in_hand: list[tuple[Delivery, Pull]] = []
        self._pulls = [self._pull_of(bus, stream) for stream in streams]
        self._task: asyncio.Task[None] | None = None

    def _pull_of(self, bus: Bus, stream: str) -> Pull:
        def take(delivery: Delivery) -> None:
            self._waiting.put_nowait((delivery, pull))

        pull = Pull(bus, stream, RECORDER, take, at_once=_AT_ONCE)
        return pull

    async def start(self) -> None:
        for pull in self._pulls:
            await pull.start()
        self._task = asyncio.create_task(self._work(), name="intake")

    async def stop(self) -> None:
        """Give back what is not written, for another replica to write at once."""
        await asyncio.gather(*(pull.stop() for pull in self._pulls))
        await ended(self._task)
        while not self._waiting.empty():
            self._in_hand.append(self._waiting.get_nowait())
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            for delivery, _ in self._in_hand:
                await delivery.nak()

    async def _work(self) -> None:
        while True:
            self._in_hand = [await self._waiting.get()]
            await self._gather()
            batch = [delivery for delivery, _ in self._in_hand]
            with WRITING.time():
                written = await self._written(batch)
            await self._settle(batch, written=written)
            done, self._in_hand = self._in_hand, []
            for _, pull in done:
                pull.done()
            if not written:
                await asyncio.sleep(_RETRY_S)

    async def _settle(self, batch: list[Delivery], *, written: bool) -> None:
        (RECORDED if written else GIVEN_BACK).inc(len(batch))
        # Without the bus nothing can be said: they come again when it is back.
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            for delivery in batch:
                await (delivery.ack() if written else delivery.nak(_RETRY_S))

    async def _gather(self) -> None:
        deadline = asyncio.get_running_loop().time() + GATHER_S
        while len(self._in_hand) < BATCH:
            if self._waiting.empty():
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return
                try:
                    # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
                    async with asyncio.timeout(left):
                        self._in_hand.append(await self._waiting.get())
                except TimeoutError:
                    return
            else:
                self._in_hand.append(self._waiting.get_nowait())

    async def _written(self, batch: list[Delivery]) -> bool:
        try:
            await self._write(batch)
        except errors.PlugarrError as error:
            log.warning("not_recorded", messages=len(batch), reason=error.message)
            return False
        except Exception:
            if len(batch) == 1:
                # The border: a message that nothing can be made of must not stand in the way of all others.
                log.exception("dropped", subject=batch[0].subject, seq=batch[0].seq)
                DROPPED.inc()
                return True
            return all([await self._written([delivery]) for delivery in batch])
        return True
