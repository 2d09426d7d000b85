"""Typed receiving: each contract bound to one method of a service.

A handler here only hands over: FastStream's subscriber starts a bounded task per message, so that a command
that waits for a database holds up no other, and every failure is a reply at once, never a time-out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

from faststream.nats import NatsBroker
from faststream.nats.annotations import NatsMessage
from nats.aio.client import Client
from pydantic import BaseModel, ValidationError

from shared import errors
from shared.contracts.contract import Rpc
from shared.logging import get_logger
from shared.messaging.streaming import error_reply, send_chunks

Req = TypeVar("Req", bound=BaseModel)
Res = TypeVar("Res", bound=BaseModel)
Streamed = tuple[Res, AsyncIterator[bytes]]

AT_ONCE: Final = 256
"""Commands that a service works on at once; more wait in the order they came."""

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
        """Wait until what was begun is answered; what takes longer is cancelled."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()

    def _subscribe(self, rpc: Rpc[Any, Any], answer: Callable[[bytes, str, Client], Awaitable[None]]) -> None:
        async def run(data: bytes, reply: str) -> None:
            nc: Client = self._broker._connection  # type: ignore[assignment]  # noqa: SLF001 - no public name
            try:
                try:
                    await answer(data, reply, nc)
                except errors.PlugarrError as error:
                    await nc.publish(reply, error_reply(error))
                except ValidationError as error:
                    await nc.publish(reply, error_reply(_invalid(error)))
                except Exception as error:
                    log.exception("command_failed", rpc=rpc.name)
                    fault = errors.Internal(f"{rpc.name} failed: {type(error).__name__}")
                    await nc.publish(reply, error_reply(fault))
            finally:
                self._slots.release()

        async def take(message: NatsMessage) -> None:
            await self._slots.acquire()
            task = asyncio.create_task(run(message.body, message.raw_message.reply))
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


def _invalid(error: ValidationError) -> errors.Invalid:
    first = error.errors(include_url=False, include_input=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return errors.Invalid(f"{path}: {first['msg']}" if path else first["msg"], path=path or None)
