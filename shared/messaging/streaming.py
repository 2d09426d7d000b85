"""Answers that are longer than a message: a head, then chunks, at the pace of whoever reads.

Each chunk is a request of its own to the caller's inbox, which the caller answers when it has taken it; the
sender keeps `WINDOW` of them under way. So neither side ever holds more than the window, and a caller that
went away is noticed at once (no responders).
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared import errors
from shared.contracts.base import ReplyError

CHUNK_BYTES: Final = 256 * 1024
"""About how large a chunk is made."""
WINDOW: Final = 4
"""Chunks under way at once."""
END: Final = "Plugarr-End"
"""Header of the last message; its payload is empty, or a reply with the error that cut the stream off."""


class Chunks:
    """The reading side."""

    def __init__(self, nc: Client, timeout_s: float) -> None:
        self._nc = nc
        self._timeout_s = timeout_s
        self._inbox = nc.new_inbox()

    async def open(self, subject: str, payload: bytes) -> bytes:
        """Send the command and return the reply's bytes. Raises NoRespondersError, TimedOut."""
        self._subscription = await self._nc.subscribe(self._inbox)
        await self._nc.publish(subject, payload, reply=self._inbox)
        head = await self._next()
        if (head.headers or {}).get("Status") == "503":
            raise nats.errors.NoRespondersError
        return head.data

    async def iterate(self) -> AsyncIterator[bytes]:
        """The chunks, in order. Raises the error that cut the stream off."""
        try:
            while True:
                message = await self._next()
                if END in (message.headers or {}):
                    if message.data:
                        fault = ReplyError.model_validate_json(message.data).error
                        raise errors.error_of(fault.code, fault.message, fault.path)
                    return
                yield message.data
                # Only now may the sender send one more: the reader sets the pace.
                await self._nc.publish(message.reply)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening; the sender notices with its next chunk."""
        subscription = getattr(self, "_subscription", None)
        if subscription is not None:
            del self._subscription
            await subscription.unsubscribe()

    async def _next(self) -> Msg:
        try:
            return await self._subscription.next_msg(timeout=self._timeout_s)
        except (nats.errors.TimeoutError, TimeoutError) as error:
            raise errors.TimedOut(f"nothing came for {self._timeout_s:g} s") from error


async def packed(items: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """JSON values as JSON arrays of about `CHUNK_BYTES`, or of one value where it is larger."""
    held: list[bytes] = []
    size = 0
    async for item in items:
        if held and size + len(item) > CHUNK_BYTES:
            yield b"[" + b",".join(held) + b"]"
            held, size = [], 0
        held.append(item)
        size += len(item) + 1
    if held:
        yield b"[" + b",".join(held) + b"]"


async def send_chunks(
    nc: Client, inbox: str, chunks: AsyncIterator[bytes], *, timeout_s: float = 30.0
) -> None:
    """Send chunks to a reader's inbox at its pace, and then the end. Returns quietly if the reader has gone.

    What `chunks` raises as a PlugarrError reaches the reader as such.
    """
    under_way: set[asyncio.Task[Msg]] = set()
    try:
        try:
            async for chunk in chunks:
                if len(under_way) >= WINDOW:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                task = asyncio.create_task(nc.request(inbox, chunk, timeout=timeout_s))
                under_way.add(task)
                # The request is written before anything else is: chunks stay in order.
                await asyncio.sleep(0)
            end = b""
        except errors.PlugarrError as error:
            end = error_reply(error)
        await nc.publish(inbox, end, headers={END: "1"})
        for task in under_way:
            await task
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError, TimeoutError):
        return
    finally:
        for task in under_way:
            task.cancel()


def error_reply(error: errors.PlugarrError) -> bytes:
    """An expected failure as a reply's bytes."""
    body = {"code": error.code, "message": error.message, "path": error.path, "retry": error.retry}
    return ReplyError.model_validate({"error": body}).model_dump_json().encode()
