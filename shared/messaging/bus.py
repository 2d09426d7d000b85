"""The bus as services see it: typed requests, stored messages, last values. One connection each.

FastStream's broker owns the connection, its subscriptions and its life; what is on the hot path goes over
the broker's own client directly (docs/adr/0003).
"""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeVar

import nats.errors
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel

from shared import errors
from shared.contracts.base import Envelope, Event, new_id, now
from shared.contracts.contract import Rpc, Signal, Stored, StoredEvent
from shared.logging import get_logger
from shared.messaging.connection import open_broker
from shared.messaging.faults import (
    Refused,
    answer_of,
    checked,
    end_of,
    faults,
    known,
    stored,
)
from shared.messaging.handlers import refuse_dropped
from shared.messaging.held import Held
from shared.messaging.patience import PATIENCE_S, until_answered, until_taken
from shared.messaging.reading import Reading
from shared.messaging.streaming import Chunks
from shared.settings import CommonSettings

__all__ = ["Bus", "Held", "Refused", "connect", "wait_connected"]

EXPECTED_LAST: Final = "Nats-Expected-Last-Subject-Sequence"
EXPECTED_LAST_OF: Final = "Nats-Expected-Last-Subject-Sequence-Subject"
"""Whose last sequence is meant, where it is another subject of the stream than the one written to."""
MSG_ID: Final = "Nats-Msg-Id"
_ANSWER_S: Final = 2.5
_FLUSH_S: Final = 5

Req = TypeVar("Req", bound=BaseModel)
Res = TypeVar("Res", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=Event)

log = get_logger(__name__)


class Bus(Reading):
    """A service's connection to the bus."""

    def __init__(self, broker: NatsBroker, *, service: str, instance: str) -> None:
        self.broker = broker
        self.service = service
        self.source = f"{service}/{instance}"
        self.on_back: set[Callable[[], None]] = set()
        """Called whenever the connection is back: what was asked of the server before, it may have forgotten."""
        self.on_closed: Callable[[], None] = _end_process
        """Called when the connection has ended for good without our wish."""
        self.fault: Exception | None = None
        """The connection's latest fault."""
        self.instance = instance
        self.patience_s = PATIENCE_S.get(service, 0.0)

    @property
    def nc(self) -> Client:
        """The broker's client. Raises Unavailable before the broker is connected and after it is closed."""
        client: Client | None = self.broker._connection  # noqa: SLF001 - FastStream has no public name for it
        if client is None:
            raise errors.Unavailable("the bus is not connected")
        return client

    @property
    def connected(self) -> bool:
        client: Client | None = self.broker._connection  # noqa: SLF001 - as above
        return client is not None and client.is_connected

    # Requests

    async def request(self, rpc: Rpc[Req, Res], command: Req, *, timeout_s: float | None = None) -> Res:
        """Ask a contract's owner. Raises the error it answers with, Unavailable, or TimedOut.

        While nobody is there to take the command, it is offered again for `patience_s`: a service that restarts
        fails nobody. What was taken is asked for again only where the contract is repeatable.
        """
        limit_s = timeout_s or rpc.timeout_s
        data = command.model_dump_json().encode()

        async def ask(wait_s: float) -> Res:
            reply = await self.ask(
                rpc.subject,
                data,
                timeout_s=wait_s,
                nobody=f"no {rpc.service} service is running",
                late=f"{rpc.name} did not answer within {limit_s:g} s",
            )
            return answer_of(rpc, reply.data)

        async def offer(wait_s: float) -> Res:
            return await until_taken(lambda: ask(wait_s), min(self.patience_s, wait_s))

        again = rpc.repeatable and self.patience_s > 0
        return await (until_answered(offer, limit_s) if again else offer(limit_s))

    async def stream(self, rpc: Rpc[Req, Res], command: Req) -> tuple[Res, AsyncGenerator[bytes, None]]:
        """Ask for an answer followed by chunks, each a JSON array; they come as fast as they are taken.

        The iterator must be exhausted or closed (`aclose`). Raises as `request`, while iterating too.
        """
        return await until_taken(lambda: self._stream(rpc, command), min(self.patience_s, rpc.timeout_s))

    async def _stream(self, rpc: Rpc[Req, Res], command: Req) -> tuple[Res, AsyncGenerator[bytes, None]]:
        chunks = Chunks(self.nc, rpc.timeout_s)
        nobody = f"no {rpc.service} service is running"
        try:
            with faults(nobody, f"{rpc.name} did not answer within {rpc.timeout_s:g} s"):
                head = await chunks.open(rpc.subject, command.model_dump_json().encode())
            return answer_of(rpc, head), await chunks.begun()
        except BaseException:
            await chunks.close()
            raise

    async def ask(
        self,
        subject: str,
        data: bytes,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float,
        nobody: str,
        late: str,
    ) -> Msg:
        """One request, one answer. Raises Unavailable (`nobody`), TimedOut (`late`), TooLarge."""
        with faults(nobody, late):
            # Not by nats-py's own time-out: its `wait_for` may swallow a cancellation in Python 3.11.
            async with asyncio.timeout(timeout_s):
                return await self.nc.request(checked(subject), data, timeout=None, headers=headers)  # type: ignore[arg-type]

    # Storing

    async def store(
        self,
        contract: Stored[M] | StoredEvent[E],
        message: M | E,
        /,
        *,
        type: str = "",  # noqa: A002 - the envelope's own word
        expect_last: int | None = None,
        msg_id: str | None = None,
        timeout_s: float = 10.0,
        **names: str,
    ) -> int:
        """Store a message and return its sequence. `type` is an event's type.

        Raises Refused where `expect_last` is not the subject's last sequence, Unavailable on a full or absent bus.
        """
        payload: BaseModel = message
        if isinstance(contract, StoredEvent):
            payload = Envelope[Any].model_construct(**self._envelope(type, message))
        headers: dict[str, str] = {}
        if expect_last is not None:
            headers[EXPECTED_LAST] = str(expect_last)
        if msg_id is not None:
            headers[MSG_ID] = msg_id
        data = payload.model_dump_json().encode()
        return await self.put(contract.subject.of(**names), data, headers, timeout_s=timeout_s)

    async def put(
        self, subject: str, data: bytes, headers: dict[str, str] | None = None, *, timeout_s: float = 10.0
    ) -> int:
        """Store bytes on a stream's subject and return their sequence; raises as `store`.

        What has a message id is sent again while no answer comes: a bus that restarts loses what was under way.
        """
        again = headers is not None and MSG_ID in headers
        deadline = time.monotonic() + timeout_s
        while True:
            wait_s = min(_ANSWER_S, timeout_s) if again else timeout_s
            try:
                reply = await self.ask(
                    subject,
                    data,
                    headers or None,
                    timeout_s=wait_s,
                    nobody=f"no stream takes {subject}: run the provisioner",
                    late=f"the bus did not store {subject} in time",
                )
                return stored(subject, reply.data)
            except errors.TimedOut:
                if not again or time.monotonic() + wait_s > deadline:
                    raise

    async def publish(self, contract: Signal[E], message: E, /, *, type: str, **names: str) -> None:  # noqa: A002
        """Tell whoever listens just now. Raises Unavailable and TooLarge."""
        await self._tell(contract.subject.of(**names), type, message)

    async def tell(self, contract: StoredEvent[E], message: E, /, *, type: str, **names: str) -> None:  # noqa: A002
        """Publish an event that a stream keeps, without waiting for its word: for what is worth less than speed.

        Raises Unavailable and TooLarge.
        """
        await self._tell(contract.subject.of(**names), type, message)

    async def _tell(self, subject: str, kind: str, message: BaseModel) -> None:
        envelope = Envelope[Any].model_construct(**self._envelope(kind, message))
        with faults():
            await self.nc.publish(checked(subject), envelope.model_dump_json().encode())

    def enveloped(self, kind: str, message: BaseModel) -> bytes:
        """An event of that type as it travels, for who stores it by `put`."""
        return Envelope[Any].model_construct(**self._envelope(kind, message)).model_dump_json().encode()

    def _envelope(self, kind: str, message: BaseModel) -> dict[str, Any]:
        return {
            "v": 1,
            "id": new_id(),
            "type": kind,
            "time": now(),
            "source": self.source,
            "data": message,
        }

    async def listen(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """Have a callback called for each message, one after the other; returns what ends it.

        Raises Unavailable where there is no connection just now.
        """
        with faults():
            subscription = await self.nc.subscribe(subject, cb=callback)
        try:
            with faults():
                await known(self.nc, _FLUSH_S)
        except BaseException:
            await end_of(subscription)
            raise

        async def end() -> None:
            await end_of(subscription)

        return end


def _end_process() -> None:
    signal.raise_signal(signal.SIGTERM)


def connect(settings: CommonSettings, service: str, *, lost: Callable[[], None] | None = None) -> Bus:
    """A bus for a service; nothing is connected until its broker is started.

    `lost` is called whenever the connection is lost; reconnecting goes on for ever. Where the server refuses
    the client for good, the process ends (`Bus.on_closed`): nats-py does not come back from that.
    """
    settings.require_bus()

    async def on_error(error: Exception) -> None:
        bus.fault = error
        log.warning("bus_error", error=str(error), kind=type(error).__name__)
        if isinstance(error, nats.errors.SlowConsumerError):
            await refuse_dropped(bus.nc, error)

    async def on_lost() -> None:
        if not broker.leaving:
            log.warning("bus_lost")
        if lost:
            lost()

    async def on_back() -> None:
        log.info("bus_back")
        for back in tuple(bus.on_back):
            back()

    async def on_closed() -> None:
        if not broker.leaving:
            log.error("bus_closed", reason=str(bus.nc.last_error))
            bus.on_closed()

    broker = open_broker(
        settings,
        service,
        error_cb=on_error,
        disconnected_cb=on_lost,
        reconnected_cb=on_back,
        closed_cb=on_closed,
    )
    bus = Bus(broker, service=service, instance=settings.instance)
    return bus


async def wait_connected(bus: Bus, timeout_s: float = 30.0) -> None:
    """Connect, trying again while the bus is still starting. Raises SystemExit that says what it met."""
    # Left to itself, nats-py would try for ever.
    connecting = asyncio.create_task(bus.broker.connect())
    deadline = time.monotonic() + timeout_s
    try:
        while not connecting.done():
            await asyncio.wait({connecting}, timeout=0.1)
            refused = "authorization" in str(bus.fault).lower()
            if not connecting.done() and (refused or time.monotonic() > deadline):
                raise SystemExit(f"Cannot connect to the bus as {bus.service!r}: {bus.fault or 'no answer'}")
        connecting.result()
    except (nats.errors.Error, OSError) as error:
        raise SystemExit(f"Cannot connect to the bus as {bus.service!r}: {error}") from error
    finally:
        connecting.cancel()
