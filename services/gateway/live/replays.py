"""What a client that comes back has missed, read from the stream; or that it is too much, or gone."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from services.gateway.live.streams import Streams
from services.gateway.live.topics import Topic, decoded, frame
from services.gateway.live.wire import encoded

MOST_FRAMES: Final = 1000
"""Frames that a client gets after the fact: reading a page again is quicker than more of them. Less than a
stream keeps per subject, so that reading never skips what was evicted there."""
MOST_BYTES: Final = 768 * 1024
MOST_READ: Final = 5000
"""Messages that are looked through, where a topic shows only some of its source's."""
_PAGE: Final = 256
_LAGGING_S: Final = (0.02, 0.1, 0.3)
_POSITION = re.compile(r"(\d{1,40}):(\d{1,19})").fullmatch


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream."""

    epoch: str
    seq: int

    @classmethod
    def of(cls, text: str) -> "Position | None":
        """What `epoch:seq` means, if anything."""
        found = _POSITION(text)
        return cls(found[1], int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Replay:
    """Frames in order, up to `cursor`; or that the client must reload."""

    frames: list[bytes]
    cursor: int
    reload: bool = False


RELOAD: Final = Replay([], 0, reload=True)


async def replayed(streams: Streams, topic: Topic, since: Position) -> Replay:
    """What a topic showed after a position. Raises Unavailable, TimedOut."""
    frames: list[bytes] = []
    size = read = 0
    cursor = since.seq
    needed = await streams.newest(topic.origin.stream, topic.origin.subject)
    """A replica that does not have it yet is asked again."""
    pauses = iter(_LAGGING_S)
    while True:
        page = await streams.read(topic.origin.stream, topic.origin.subject, cursor, _PAGE)
        for message in page:
            event = decoded(message)
            shown = topic.show(event) if event is not None else None
            if event is not None and shown is not None:
                frames.append(encoded(frame(topic, f"{since.epoch}:{message.seq}", event, shown)))
                size += len(frames[-1])
            cursor = message.seq
        read += len(page)
        if len(frames) > MOST_FRAMES or size > MOST_BYTES or read > MOST_READ:
            return RELOAD
        if page:
            continue
        pause_s = next(pauses, None) if cursor < needed else None
        if pause_s is None:
            break
        await asyncio.sleep(pause_s)
    if cursor < needed:
        return RELOAD
    # Asked for when all is read: what was evicted meanwhile shows.
    state = await streams.state(topic.origin.stream)
    kept = state.floor <= since.seq or topic.origin.latest
    intact = state.epoch == since.epoch and kept and since.seq <= state.last
    return Replay(frames, cursor) if intact else RELOAD
