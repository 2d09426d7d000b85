"""One subscription on the bus: what it tells comes in order, once, and without gaps, or not at all and said so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.gateway.live.streams import Message, Streams, StreamState
from services.gateway.live.topics import Origin
from shared import errors
from shared.logging import get_logger

_PAGE: Final = 256
_LAGGING_S: Final = (0.02, 0.1, 0.3)
"""A replica that answers may be behind the one that told: looked at again after so long."""

log = get_logger(__name__)

Deliver = Callable[[Message], Awaitable[None]]


class Source:
    """Follows a subject of a stream from the moment on when it is started.

    `deliver` gets each message once and in order; `reload` says that some are missing for good. Neither is
    called while the other runs. `behind` asks for `catch_up` to be called soon.
    """

    def __init__(
        self,
        streams: Streams,
        origin: Origin,
        *,
        deliver: Deliver,
        reload: Callable[[], None],
        behind: Callable[[], None],
    ) -> None:
        self.origin = origin
        self.epoch = ""
        self.seq = 0
        """Everything up to here was delivered, or was there before the start."""
        self._streams = streams
        self._deliver = deliver
        self._reload = reload
        self._behind = behind
        self._lock = asyncio.Lock()
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Listen; the position is then known. Raises Unavailable, TimedOut."""
        async with self._lock:
            self._stop = await self._streams.listen(self.origin.subject, self.told)
            try:
                # Asked for after listening: what is stored later is told.
                state = await self._streams.state(self.origin.stream)
            except BaseException:
                await self._stop()
                raise
            self._begin(state)

    async def stop(self) -> None:
        if self._stop:
            await self._stop()

    async def told(self, message: Message) -> None:
        """A message has come."""
        async with self._lock:
            if message.seq <= self.seq:
                return
            try:
                await self._read_before(message)
            except errors.PlugarrError as error:
                # It is not skipped: `catch_up` reads it from the stream.
                log.info("gap_not_filled", subject=self.origin.subject, reason=error.message)
                self._behind()
                return
            if message.seq > self.seq:
                await self._pass_on(message)

    async def catch_up(self) -> None:
        """Deliver what was stored and not told. Raises Unavailable, TimedOut."""
        async with self._lock:
            state = await self._check()
            if state is None:
                return
            # Asked for after the state: if it is no newer than what was delivered, nothing is missing up to there.
            newest = await self._streams.newest(self.origin.stream, self.origin.subject)
            if newest > self.seq:
                await self._fill(newest)
            elif await self._check():
                # Quiet topics stay close to the stream's end; nothing was evicted between the two questions.
                self.seq = max(self.seq, state.last)

    async def lost(self, seq: int) -> None:
        """The stream's writer says that something before that sequence is missing in it."""
        async with self._lock:
            if seq > self.seq:
                self.seq = seq
                self._reload()

    def _begin(self, state: StreamState) -> None:
        self.epoch, self.seq = state.epoch, state.last

    async def _read_before(self, message: Message) -> None:
        """Deliver what was stored before a message and not told."""
        match self.origin.extent:
            case "some" if message.seq > self.seq + 1:
                # With what comes before it: who has the one has the others.
                await self._fill(message.seq)
            case "all" if message.seq > self.seq + 1:
                await self._fill(message.seq - 1)
            case "one" if message.previous > self.seq and not self.origin.latest:
                await self._fill(message.previous)
            case "one" if not message.previous and message.seq > self.seq + 1:
                # The first of its subject, or all before it were evicted meanwhile.
                await self._check()

    async def _fill(self, upto: int) -> None:
        """Deliver everything up to a message that is known to have been stored."""
        for pause_s in (*_LAGGING_S, None):
            await self._read_on(upto)
            if self.seq >= upto:
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        log.warning("gap", subject=self.origin.subject, after=self.seq, upto=upto)
        self.seq = upto
        self._reload()

    async def _read_on(self, upto: int) -> None:
        while self.seq < upto:
            page = await self._streams.read(self.origin.stream, self.origin.subject, self.seq, _PAGE)
            # When the page is read: what was evicted meanwhile shows.
            if not await self._check():
                return
            for message in page:
                if message.seq > upto:
                    return
                await self._pass_on(message)
            if not page:
                return

    async def _check(self) -> StreamState | None:
        """What the stream holds; None where what comes next cannot be read any more, which is then said."""
        state = await self._streams.state(self.origin.stream)
        evicted = state.floor > self.seq and not self.origin.latest
        if state.epoch == self.epoch and state.last >= self.seq and not evicted:
            return state
        self._begin(state)
        self._reload()
        return None

    async def _pass_on(self, message: Message) -> None:
        await self._deliver(message)
        self.seq = message.seq
