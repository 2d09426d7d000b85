"""Answers that are longer than a message: a head, then chunks, at the pace of whoever reads.

Each chunk is a request of its own to the caller's inbox, which the caller answers when it has taken it; the
sender keeps `WINDOW` of them under way. So neither side ever holds more than the window, and a caller that
went away is noticed at once (no responders).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from shared import errors
from shared.contracts.base import ReplyError
from shared.logging import get_logger
from shared.messaging.faults import end_of, faults, next_of, unsubscribed

CHUNK_BYTES: Final = 256 * 1024
"""About how large a chunk is made."""
WINDOW: Final = 4
"""Chunks under way at once."""
PART: Final = "Plugarr-Part"
"""Header of each chunk: its number, from 0. A connection that broke meanwhile may have lost one."""
END: Final = "Plugarr-End"
"""Header of the last message: how many chunks there were; its payload is empty, or a reply with the error that
cut the stream off."""
STOP: Final = b"stop"
"""What a reader answers to a chunk that it does not want: the sender need not wait for it any longer."""
_HEADERS_BYTES: Final = 256

log = get_logger(__name__)


class _ReaderGone(Exception):
    """Nobody takes the chunks any more."""


class Chunks:
    """The reading side."""

    def __init__(self, nc: Client, timeout_s: float) -> None:
        self._nc = nc
        self._timeout_s = timeout_s
        self._inbox = nc.new_inbox()
        self._subscription: Subscription | None = None
        self._untaken: list[str] = []
        self._ended = False

    async def open(self, subject: str, payload: bytes) -> bytes:
        """Send the command and return the reply's bytes. Raises as nats-py does."""
        self._subscription = await self._nc.subscribe(self._inbox)
        await self._nc.publish(subject, payload, reply=self._inbox)
        return (await next_of(self._subscription, self._timeout_s)).data

    async def begun(self) -> AsyncGenerator[bytes, None]:
        """The chunks, in order; raises the error that cut the stream off.

        Only a generator that has begun ends what it holds when it is closed unread.
        """
        chunks = self._iterate()
        await anext(chunks)
        return chunks

    async def close(self) -> None:
        """Stop listening, and tell a sender that waits for its chunks to be taken.

        Done also where the reader is cancelled meanwhile, as a browser that goes away has it cancelled.
        """
        if self._subscription is None:
            return
        subscription, self._subscription = self._subscription, None
        await asyncio.shield(self._end(subscription))

    async def _end(self, subscription: Subscription) -> None:
        if not self._ended:
            # A sender that goes on sending notices by itself that nobody listens; one whose window is full must
            # be told. So the server ends first, and what it had passed on by then still arrives here.
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await unsubscribed(subscription, self._nc, 1.0)
        while subscription.pending_msgs:
            self._untaken.append((await subscription.next_msg(timeout=None)).reply)
        await end_of(subscription)
        with contextlib.suppress(nats.errors.Error):
            for reply in self._untaken:
                if reply:
                    await self._nc.publish(reply, STOP)

    async def _iterate(self) -> AsyncGenerator[bytes, None]:
        assert self._subscription is not None
        part = 0
        try:
            yield b""
            while True:
                with faults(late=f"nothing came for {self._timeout_s:g} s"):
                    message = await next_of(self._subscription, self._timeout_s)
                headers = message.headers or {}
                self._ended = END in headers
                if self._ended and message.data:
                    fault = ReplyError.model_validate_json(message.data).error
                    raise errors.error_of(fault.code, fault.message, fault.path)
                if headers.get(END, headers.get(PART)) != str(part):
                    raise errors.Unavailable("a part of the answer was lost on the bus")
                if self._ended:
                    return
                part += 1
                self._untaken = [message.reply]
                yield message.data
                self._untaken = []
                with faults():
                    # Only now may the sender send one more: the reader sets the pace.
                    await self._nc.publish(message.reply)
        finally:
            await self.close()


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


class _Sender:
    """The sending side: at most `WINDOW` chunks under way."""

    def __init__(self, nc: Client, inbox: str, timeout_s: float) -> None:
        self._nc = nc
        self._inbox = inbox
        self._timeout_s = timeout_s
        self._under_way: set[asyncio.Task[None]] = set()
        self._sent = 0

    async def send(self, chunk: bytes) -> None:
        """Send one more chunk as soon as the window allows. Raises TooLarge, _ReaderGone."""
        if len(chunk) + _HEADERS_BYTES > self._nc.max_payload:
            raise errors.TooLarge("one item of the answer is larger than the bus carries")
        if len(self._under_way) >= WINDOW:
            done, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        self._under_way.add(asyncio.create_task(self._request(chunk, {PART: str(self._sent)})))
        self._sent += 1
        # The request is written before anything else is: chunks stay in order.
        await asyncio.sleep(0)

    async def end(self, error: errors.PlugarrError | None = None) -> None:
        """Say that this is all, or what cut it off."""
        payload = error_reply(error) if error else b""
        await self._nc.publish(self._inbox, payload, headers={END: str(self._sent)})

    async def taken(self) -> None:
        """Wait until the reader has taken everything. Raises _ReaderGone."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _request(self, chunk: bytes, headers: dict[str, str]) -> None:
        try:
            taken = await self._nc.request(self._inbox, chunk, timeout=self._timeout_s, headers=headers)
        except (nats.errors.Error, TimeoutError) as error:
            raise _ReaderGone from error
        if taken.data == STOP:
            raise _ReaderGone


async def send_chunks(
    nc: Client, inbox: str, chunks: AsyncIterator[bytes], *, timeout_s: float = 30.0
) -> None:
    """Send chunks to a reader's inbox at its pace, then the end, and close their source.

    Whatever `chunks` raises reaches the reader; a reader that has gone ends it quietly.
    """
    sender = _Sender(nc, inbox, timeout_s)
    try:
        async for chunk in chunks:
            await sender.send(chunk)
        await sender.end()
        await sender.taken()
    except _ReaderGone:
        pass
    except errors.PlugarrError as error:
        await sender.end(error)
    except asyncio.CancelledError:
        await sender.end(errors.TimedOut("the service ended before it had answered"))
        raise
    except Exception as error:  # the border: a source may raise anything, and its reader must hear of it
        log.exception("stream_failed")
        await sender.end(errors.Internal(f"the answer was cut off: {type(error).__name__}"))
    finally:
        await sender.close()
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def error_reply(error: errors.PlugarrError) -> bytes:
    """An expected failure as a reply's bytes."""
    body = {"code": error.code, "message": error.message, "path": error.path, "retry": error.retry}
    return ReplyError.model_validate({"error": body}).model_dump_json().encode()
