"""Typed receiving: each contract bound to one method of a service.

A handler here only hands over: FastStream's subscriber starts a bounded task per message, so that a command
that waits for a database holds up no other, and every failure is a reply at once, never a time-out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

import nats.errors
from faststream.nats import NatsBroker
from faststream.nats.annotations import NatsMessage
from nats.aio.client import Client
from pydantic import BaseModel, ValidationError

from shared import errors
from shared.contracts.contract import Rpc
from shared.contracts.streams import RPC_PREFIX
from shared.logging import get_logger
from shared.messaging.streaming import error_reply, send_chunks

Req = TypeVar("Req", bound=BaseModel)
Res = TypeVar("Res", bound=BaseModel)
Streamed = tuple[Res, AsyncIterator[bytes]]

AT_ONCE: Final = 256
"""Commands that a service works on at once; more wait in the order they came."""
INBOXES: Final = "_INBOX_"
"""What the inboxes of all users begin with."""

log = get_logger(__name__)


class Handlers:
    """The commands that a service answers."""

    def __init__(self, broker: NatsBroker, service: str, *, at_once: int = AT_ONCE) -> None:
        self._broker = broker
        self._service = service
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    def command(self, rpc: Rpc[Req, Res], method: Callable[[Req], Awaitable[Res]]) -> None:
        """Answer a command by a method, one replica per command."""

        async def answer(data: bytes, reply: str, nc: Client) -> None:
            value = await method(rpc.request.model_validate_json(data))
            await nc.publish(reply, b'{"ok":true,"value":' + value.model_dump_json().encode() + b"}")

        self._subscribe(rpc, answer)

    def streaming(self, rpc: Rpc[Req, Res], method: Callable[[Req], Awaitable[Streamed[Res]]]) -> None:
        """Answer a command by a head and chunks, each a JSON array."""

        async def answer(data: bytes, reply: str, nc: Client) -> None:
            head, chunks = await method(rpc.request.model_validate_json(data))
            await nc.publish(reply, b'{"ok":true,"value":' + head.model_dump_json().encode() + b"}")
            await send_chunks(nc, reply, chunks)

        self._subscribe(rpc, answer)

    async def drained(self, timeout_s: float = 10.0) -> None:
        """Wait until what was begun is answered; what takes longer is cancelled, and its caller told so."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _fault(self, rpc: Rpc[Any, Any], error: BaseException) -> errors.PlugarrError:
        match error:
            case errors.PlugarrError():
                return error
            case ValidationError():
                return _invalid(error)
            case nats.errors.MaxPayloadError():
                return errors.TooLarge("the answer is larger than the bus carries")
            case asyncio.CancelledError():
                return errors.TimedOut(f"the {self._service} service ended before it had answered")
            case _:
                log.error("command_failed", rpc=rpc.name, exc_info=error)
                return errors.Internal(f"{rpc.name} failed: {type(error).__name__}")

    def _subscribe(self, rpc: Rpc[Any, Any], answer: Callable[[bytes, str, Client], Awaitable[None]]) -> None:
        async def run(data: bytes, reply: str) -> None:
            nc: Client = self._broker._connection  # type: ignore[assignment]  # noqa: SLF001 - no public name
            try:
                try:
                    await answer(data, reply, nc)
                except BaseException as error:
                    await nc.publish(reply, error_reply(self._fault(rpc, error)))
                    if isinstance(error, asyncio.CancelledError):
                        raise
            except nats.errors.Error as error:
                log.warning("command_not_answered", rpc=rpc.name, reason=str(error))
            finally:
                self._slots.release()

        async def take(message: NatsMessage) -> None:
            reply = message.raw_message.reply
            if not reply.startswith(INBOXES):
                # The server itself passes on what its streams hold to any subject that a reader names as its
                # inbox, and we may answer wherever we are asked from: neither is a command.
                log.warning("command_without_inbox", rpc=rpc.name, reply=reply)
                return
            await self._slots.acquire()
            task = asyncio.create_task(run(message.body, reply))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        # Without injection a handler gets what the decoder makes: the message itself, parsed only once.
        async def keep(message: NatsMessage) -> NatsMessage:
            return message

        self._broker.subscriber(
            rpc.subject,
            queue=self._service,
            no_reply=True,
            title=rpc.name,
            decoder=keep,
            pending_msgs_limit=65_536,
        )(take)


async def refuse_dropped(nc: Client, dropped: nats.errors.SlowConsumerError) -> None:
    """Answer a command that was dropped because too many wait: its caller would wait out its time."""
    if dropped.subject.startswith(RPC_PREFIX) and dropped.reply.startswith(INBOXES):
        await nc.publish(dropped.reply, error_reply(errors.Unavailable("too many commands wait already")))


def _invalid(error: ValidationError) -> errors.Invalid:
    first = error.errors(include_url=False, include_input=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return errors.Invalid(f"{path}: {first['msg']}" if path else first["msg"], path=path or None)
