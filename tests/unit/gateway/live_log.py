"""A bus of streams in memory, which loses, lags, forgets and goes away as a test says; and time that flies."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from services.gateway.live.streams import Message, StreamState, Told
from shared import errors
from shared.contracts import catalog as c


class FlyingLoop(asyncio.SelectorEventLoop):
    """A loop in which waiting takes no time: where nothing is to be done, the clock is put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return super().time() + self._ahead

    def put_forward(self, seconds: float) -> None:
        self._ahead += seconds


class _Impatient(selectors.DefaultSelector):
    def __init__(self, loop: FlyingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self._loop.put_forward(timeout)
        return found


def matches(pattern: str, subject: str) -> bool:
    return len(pattern.split(".")) == len(subject.split(".")) and all(
        wanted in ("*", part) for wanted, part in zip(pattern.split("."), subject.split("."), strict=True)
    )


class _Stream:
    def __init__(self, epoch: int) -> None:
        self.epoch = str(epoch)
        self.messages: list[Message] = []
        self.ever: list[Message] = []
        """Those that it has forgotten, too."""
        self.last = 0
        self.floor = 0


class FakeStreams:
    """Implements `services.gateway.live.streams.Streams`."""

    def __init__(self) -> None:
        self.up = True
        self.losing = False
        """Whether what is told gets lost on its way."""
        self.lagging = 0
        """So many of the newest messages the next readings do not find yet."""
        self._streams: dict[str, _Stream] = {}
        self._epochs = 0
        self._listening: list[tuple[str, asyncio.Queue[Message]]] = []

    def stream(self, name: str) -> _Stream:
        if name not in self._streams:
            self._epochs += 1
            self._streams[name] = _Stream(self._epochs)
        return self._streams[name]

    def publish(self, name: str, subject: str, kind: str = "item.added") -> int:
        stream = self.stream(name)
        previous = max((one.seq for one in stream.messages if one.subject == subject), default=0)
        stream.last += 1
        data = {"plugin": "p", "n": stream.last}
        event = {"type": kind, "id": "e", "time": "t", "data": data}
        message = Message(subject, stream.last, previous, orjson.dumps(event))
        stream.messages.append(message)
        stream.ever.append(message)
        if self.up and not self.losing:
            for pattern, queue in self._listening:
                if matches(pattern, subject):
                    queue.put_nowait(message)
        return stream.last

    def evict(self, name: str, count: int) -> None:
        stream = self.stream(name)
        for _ in range(min(count, len(stream.messages))):
            stream.floor = stream.messages.pop(0).seq

    def make_anew(self, name: str) -> None:
        """As if the bus had lost its disk: sequences begin again. Nobody is connected meanwhile."""
        self._streams.pop(name, None)
        for _, queue in self._listening:
            while not queue.empty():
                queue.get_nowait()

    async def state(self, stream: str) -> StreamState:
        await self._answered()
        found = self.stream(stream)
        lost = [one.seq for one in found.messages if one.subject == c.CHANGES_LOST.subject.pattern()]
        return StreamState(found.epoch, max([found.floor, *lost]), found.last)

    async def newest(self, stream: str, subject: str) -> int:
        await self._answered()
        return max(
            (one.seq for one in self.stream(stream).messages if matches(subject, one.subject)), default=0
        )

    async def read(self, stream: str, subject: str, after: int, limit: int) -> list[Message]:
        await self._answered()
        found = self.stream(stream).messages
        if self.lagging:
            found = found[: -self.lagging]
            self.lagging -= 1
        return [one for one in found if one.seq > after and matches(subject, one.subject)][:limit]

    async def listen(self, subject: str, told: Told) -> Callable[[], Awaitable[None]]:
        await self._answered()
        queue: asyncio.Queue[Message] = asyncio.Queue()
        entry = (subject, queue)
        self._listening.append(entry)

        async def pump() -> None:
            while True:
                await told(await queue.get())

        task = asyncio.create_task(pump())

        async def stop() -> None:
            if entry in self._listening:
                self._listening.remove(entry)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        return stop

    async def _answered(self) -> None:
        await asyncio.sleep(0)
        if not self.up:
            raise errors.Unavailable("the bus is away")
