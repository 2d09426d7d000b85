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
        self.newest = 0
        """The last message that was delivered; 0 where none was since the start."""
        self._looked_at = 0
        """The stream's last sequence when it was last looked at."""

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
            await self._pass_on(message)

    async def catch_up(self) -> None:
        """Deliver what was stored and not told. Raises Unavailable, TimedOut."""
        async with self._lock:
            state = await self._streams.state(self.origin.stream)
            evicted = state.floor > self.seq and not self.origin.latest
            if state.epoch != self.epoch or state.last < self.seq or evicted:
                self._begin(state)
                self._reload()
                return
            await self._read_on(state.last)
            # Quiet topics stay close to the stream's end. One look behind, since replicas lag.
            self.seq = max(self.seq, self._looked_at)
            self._looked_at = state.last

    async def lost(self, seq: int) -> None:
        """The stream's writer says that something before that sequence is missing in it."""
        async with self._lock:
            if seq > self.seq:
                self.seq = seq
                self._reload()

    def _begin(self, state: StreamState) -> None:
        self.epoch, self.seq = state.epoch, state.last
        self.newest, self._looked_at = 0, state.last

    async def _read_before(self, message: Message) -> None:
        """Deliver what was stored before a message and not told."""
        match self.origin.extent:
            case "some" if message.seq > self.seq + 1:
                await self._read_on(message.seq - 1)
            case "all" if message.seq > self.seq + 1:
                await self._fill(message.seq - 1)
            case "one" if message.previous > self.seq and not self.origin.latest:
                await self._fill(message.previous)

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
            for message in page:
                if message.seq > upto:
                    return
                await self._pass_on(message)
            if not page:
                return

    async def _pass_on(self, message: Message) -> None:
        await self._deliver(message)
        self.seq = self.newest = message.seq
