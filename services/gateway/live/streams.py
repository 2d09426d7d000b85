"""Streams as live topics need them: told of new messages, and read back from a position on."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from nats.aio.msg import Msg

from shared import errors
from shared.contracts import catalog as c
from shared.messaging.bus import Bus

LIVE: Final = "live."
_PAGE_BYTES: Final = 1024 * 1024
_NO_MESSAGE: Final = 10037


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a stream."""

    subject: str
    seq: int
    previous: int
    """Sequence of the one before it on its subject, 0 for none; only of messages that were told, not read back."""
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds just now."""

    epoch: str
    """Another one where the stream was made anew: positions of before mean nothing then."""
    floor: int
    """What came after it is there; what came before may be missing."""
    last: int
    """Sequence of the newest message."""


Told = Callable[[Message], Awaitable[None]]


class Streams(Protocol):
    """The bus, as sources need it. Everything raises Unavailable and TimedOut."""

    async def state(self, stream: str) -> StreamState:
        """What the stream holds; asked of it after the call, never an answer of before."""

    async def newest(self, stream: str, subject: str) -> int:
        """Sequence of the newest message on a subject or pattern, 0 for none; of the stream's leader."""

    async def read(self, stream: str, subject: str, after: int, limit: int) -> list[Message]:
        """The next messages after a sequence on a subject or pattern, at most `limit`; none at the end.

        Of any replica, which may lag behind; what it gives is without gaps.
        """

    async def listen(self, subject: str, told: Told) -> Callable[[], Awaitable[None]]:
        """Be told of messages as they are stored, one after the other, while connected; returns what ends it."""


class BusStreams:
    """Implements `Streams`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._asked: dict[str, asyncio.Task[StreamState]] = {}
        self._next: dict[str, asyncio.Task[StreamState]] = {}

    async def state(self, stream: str) -> StreamState:
        # Thousands of clients come back at once: they share one question, but never one asked before they came.
        task = self._next.get(stream)
        if task is None:
            task = self._next[stream] = asyncio.create_task(self._ask_after(self._asked.get(stream), stream))
        return await asyncio.shield(task)

    async def newest(self, stream: str, subject: str) -> int:
        body = orjson.dumps({"last_by_subj": subject})
        answer = await self._ask(f"$JS.API.STREAM.MSG.GET.{stream}", body, stream)
        fault = answer.get("error")
        if fault is None:
            return int(answer["message"]["seq"])
        if fault.get("err_code") == _NO_MESSAGE:
            return 0
        raise errors.Unavailable(f"the bus did not say what is in {stream}: {fault.get('description')}")

    async def read(self, stream: str, subject: str, after: int, limit: int) -> list[Message]:
        query = {"seq": after + 1, "next_by_subj": subject, "batch": limit, "max_bytes": _PAGE_BYTES}
        async with aclosing(self._bus.batch(stream, query)) as batch:
            return [Message(held.subject, held.seq, 0, held.data) async for held in batch]

    async def listen(self, subject: str, told: Told) -> Callable[[], Awaitable[None]]:
        async def heard(message: Msg) -> None:
            headers = message.headers or {}
            await told(
                Message(
                    headers["Nats-Subject"],
                    int(headers["Nats-Sequence"]),
                    int(headers["Nats-Last-Sequence"]),
                    message.data,
                )
            )

        return await self._bus.listen(LIVE + subject, heard)

    async def _ask_after(self, before: "asyncio.Task[StreamState] | None", stream: str) -> StreamState:
        if before is not None:
            await asyncio.wait((before,))
        self._asked[stream] = self._next.pop(stream)
        info = await self._info(stream)
        state = info["state"]
        floor = int(state["first_seq"]) - 1
        if stream == c.EVENTS_DATA:
            lost = await self._bus.last(stream, c.CHANGES_LOST.subject.pattern())
            floor = max(floor, lost.seq if lost else 0)
        return StreamState(re.sub(r"\D", "", info["created"]), floor, int(state["last_seq"]))

    async def _info(self, stream: str) -> dict[str, Any]:
        info = await self._ask(f"$JS.API.STREAM.INFO.{stream}", b"", stream)
        if "error" in info:
            raise errors.Unavailable(f"no stream {stream}: run the provisioner")
        return info

    async def _ask(self, api: str, body: bytes, stream: str) -> dict[str, Any]:
        nobody, late = f"no stream {stream}: run the provisioner", f"the bus did not answer for {stream}"
        reply = await self._bus.ask(api, body, timeout_s=5.0, nobody=nobody, late=late)
        answer: dict[str, Any] = orjson.loads(reply.data)
        return answer
