"""The bus as services see it: typed requests, stored messages, last values. One connection each.

FastStream's broker owns the connection, its subscriptions and its life; what is on the hot path goes over
the broker's own client directly (docs/adr/0003).
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import nats.errors
import nats.js.errors
import orjson
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from shared import errors
from shared.contracts.base import Envelope, Event, ReplyError
from shared.contracts.contract import Rpc, Signal, Stored, StoredEvent
from shared.logging import get_logger
from shared.messaging.streaming import Chunks
from shared.settings import CommonSettings

EXPECTED_LAST: Final = "Nats-Expected-Last-Subject-Sequence"
EXPECTED_LAST_OF: Final = "Nats-Expected-Last-Subject-Sequence-Subject"
"""Whose last sequence is meant, where it is another subject of the stream than the one written to."""
MSG_ID: Final = "Nats-Msg-Id"
_ANSWER_S: Final = 2.5
_WRONG_LAST_SEQUENCE: Final = 10071
_STREAM_FULL: Final = frozenset({10077, 10023, 10047})  # maximum bytes, insufficient resources, no storage

Req = TypeVar("Req", bound=BaseModel)
Res = TypeVar("Res", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=Event)

log = get_logger(__name__)


class Refused(Exception):
    """A compare-and-set publish came too late: the subject has moved on."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message as a stream holds it."""

    subject: str
    seq: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)
    time: str = ""
    """When it was stored, RFC 3339 with nanoseconds."""

    @property
    def deleted(self) -> bool:
        """Whether it is only a marker that a key was deleted or expired."""
        return "Nats-Marker-Reason" in self.headers or self.headers.get("KV-Operation") in {"DEL", "PURGE"}


class Bus:
    """A service's connection to the bus."""

    def __init__(self, broker: NatsBroker, *, service: str, instance: str) -> None:
        self.broker = broker
        self.service = service
        self.source = f"{service}/{instance}"
        self.on_back: set[Callable[[], None]] = set()
        """Called whenever the connection is back: what was asked of the server before, it may have forgotten."""
        self.instance = instance

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
        """Ask a contract's owner. Raises the error it answers with, Unavailable, or TimedOut."""
        data = await self._request(rpc.subject, command, timeout_s or rpc.timeout_s, rpc.name)
        return _answer(rpc, data)

    async def stream(self, rpc: Rpc[Req, Res], command: Req) -> tuple[Res, AsyncIterator[bytes]]:
        """Ask for an answer followed by chunks, each a JSON array; they come as fast as they are taken.

        The iterator must be exhausted or closed (`aclose`). Raises as `request`, while iterating too.
        """
        chunks = Chunks(self.nc, rpc.timeout_s)
        try:
            head = await chunks.open(rpc.subject, command.model_dump_json().encode())
            return _answer(rpc, head), chunks.iterate()
        except nats.errors.NoRespondersError as error:
            await chunks.close()
            raise errors.Unavailable(f"no {rpc.service} service is running") from error
        except BaseException:
            await chunks.close()
            raise

    async def _request(self, subject: str, command: BaseModel, timeout_s: float, name: str) -> bytes:
        payload = command.model_dump_json().encode()
        try:
            reply = await self.nc.request(subject, payload, timeout=timeout_s)
        except nats.errors.NoRespondersError as error:
            raise errors.Unavailable(f"no {name.partition('.')[0]} service is running") from error
        except (nats.errors.TimeoutError, TimeoutError) as error:
            raise errors.TimedOut(f"{name} did not answer within {timeout_s:g} s") from error
        except nats.errors.MaxPayloadError as error:
            raise errors.TooLarge(f"{name}: the message is larger than the bus carries") from error
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError) as error:
            raise errors.Unavailable("the bus is not connected") from error
        return reply.data

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
                return _stored(subject, (await self._ask_stream(subject, data, headers, wait_s)).data)
            except errors.TimedOut:
                if not again or time.monotonic() + wait_s > deadline:
                    raise

    async def _ask_stream(
        self, subject: str, data: bytes, headers: dict[str, str] | None, timeout_s: float
    ) -> Msg:
        try:
            return await self.nc.request(subject, data, timeout=timeout_s, headers=headers or None)
        except nats.errors.NoRespondersError as error:
            raise errors.Unavailable(f"no stream takes {subject}: run the provisioner") from error
        except (nats.errors.TimeoutError, TimeoutError) as error:
            raise errors.TimedOut(f"the bus did not store {subject} in time") from error
        except nats.errors.MaxPayloadError as error:
            raise errors.TooLarge("the message is larger than the bus carries") from error
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError) as error:
            raise errors.Unavailable("the bus is not connected") from error

    async def publish(self, contract: Signal[E], message: E, /, *, type: str, **names: str) -> None:  # noqa: A002
        """Tell whoever listens just now."""
        envelope = Envelope[Any].model_construct(**self._envelope(type, message))
        await self.nc.publish(contract.subject.of(**names), envelope.model_dump_json().encode())

    async def tell(self, contract: StoredEvent[E], message: E, /, *, type: str, **names: str) -> None:  # noqa: A002
        """Publish an event that a stream keeps, without waiting for its word: for what is worth less than speed.

        Raises Unavailable and TooLarge.
        """
        envelope = Envelope[Any].model_construct(**self._envelope(type, message))
        try:
            await self.nc.publish(contract.subject.of(**names), envelope.model_dump_json().encode())
        except nats.errors.MaxPayloadError as error:
            raise errors.TooLarge("the message is larger than the bus carries") from error
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError) as error:
            raise errors.Unavailable("the bus is not connected") from error

    def _envelope(self, kind: str, message: BaseModel) -> dict[str, Any]:
        fields = Envelope[Any].model_fields
        return {
            "v": 1,
            "id": fields["id"].get_default(call_default_factory=True),
            "type": kind,
            "time": fields["time"].get_default(call_default_factory=True),
            "source": self.source,
            "data": message,
        }

    # Reading back, by direct get: no consumer is needed, and any replica answers.

    async def last(self, stream: str, subject: str) -> Held | None:
        """The last message on a subject of a stream, markers of deletion included."""
        return _held(await self._direct(f"$JS.API.DIRECT.GET.{stream}.{subject}", b""))

    async def at(self, stream: str, seq: int) -> Held | None:
        """The message with that sequence."""
        body = orjson.dumps({"seq": seq})
        return _held(await self._direct(f"$JS.API.DIRECT.GET.{stream}", body))

    async def after(self, stream: str, subject: str, seq: int) -> Held | None:
        """The first message on a subject (or pattern) with a sequence of at least `seq`."""
        body = orjson.dumps({"seq": seq, "next_by_subj": subject})
        return _held(await self._direct(f"$JS.API.DIRECT.GET.{stream}", body))

    async def _direct(self, api: str, body: bytes) -> Msg:
        try:
            return await self.nc.request(api, body, timeout=5.0)
        except nats.errors.NoRespondersError as error:
            raise errors.Unavailable(f"no answer to {api}: run the provisioner") from error
        except (nats.errors.TimeoutError, TimeoutError) as error:
            raise errors.TimedOut(f"the bus did not answer {api}") from error
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError) as error:
            raise errors.Unavailable("the bus is not connected") from error

    async def snapshot(self, stream: str, *subjects: str) -> list[Held]:
        """The last message of every subject that matches: at most 1,024 subjects a call, by sequence."""
        return [held async for held in self.batch(stream, {"multi_last": list(subjects)})]

    async def batch(self, stream: str, query: dict[str, Any]) -> AsyncIterator[Held]:
        """Messages by one batched direct get; `query` as NATS takes it (`batch`, `seq`, `next_by_subj`, …)."""
        inbox = self.nc.new_inbox()
        subscription = await self.nc.subscribe(inbox)
        try:
            await self.nc.publish(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps(query), reply=inbox)
            while True:
                try:
                    message = await subscription.next_msg(timeout=5.0)
                except (nats.errors.TimeoutError, TimeoutError) as error:
                    raise errors.TimedOut(f"the bus did not answer for {stream}") from error
                status = (message.headers or {}).get("Status")
                if status == "503":
                    raise errors.Unavailable(f"no stream {stream}: run the provisioner")
                if status in {"204", "404"}:
                    return
                held = _held(message)
                if held is not None:
                    yield held
        finally:
            await subscription.unsubscribe()

    async def listen(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """Have a callback called for each message, one after the other; returns what ends it."""
        subscription = await self.nc.subscribe(subject, cb=callback)
        # Twice, since nats-py writes a flush's ping ahead of what is still pending: only the second answer
        # says that the server knows the subscription.
        await self.nc.flush()
        await self.nc.flush()
        return subscription.unsubscribe


def connect(settings: CommonSettings, service: str, *, lost: Callable[[], None] | None = None) -> Bus:
    """A bus for a service; nothing is connected until its broker is started.

    `lost` is called whenever the connection is lost; reconnecting goes on for ever.
    """
    settings.require_bus()
    user = settings.nats_user or service

    async def on_error(error: Exception) -> None:
        log.warning("bus_error", error=str(error), kind=type(error).__name__)

    async def on_lost() -> None:
        log.warning("bus_lost")
        if lost:
            lost()

    async def on_back() -> None:
        log.info("bus_back")
        for back in tuple(bus.on_back):
            back()

    context = ssl.create_default_context(cafile=str(settings.nats_tls_ca)) if settings.nats_tls_ca else None
    broker = NatsBroker(
        [url.strip() for url in settings.nats_url.split(",")],
        name=f"{service}/{settings.instance}",
        inbox_prefix=f"_INBOX_{user}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        error_cb=on_error,
        disconnected_cb=on_lost,
        reconnected_cb=on_back,
        security=SASLPlaintext(
            username=user, password=settings.bus_password(user), use_ssl=bool(context), ssl_context=context
        ),
        logger=None,
        apply_types=False,
    )
    bus = Bus(broker, service=service, instance=settings.instance)
    return bus


async def wait_connected(bus: Bus, timeout_s: float = 30.0) -> None:
    """Connect, trying again while the bus is still starting. Raises SystemExit that says where it looked."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            await bus.broker.connect()
        except (OSError, nats.errors.Error) as error:
            refused = "authorization" in str(error).lower()
            if refused or asyncio.get_running_loop().time() > deadline:
                raise SystemExit(
                    f"Cannot connect to the bus as {bus.service!r}: {error or type(error).__name__}"
                ) from error
            await asyncio.sleep(0.2)
        else:
            return


def _stored(subject: str, reply: bytes) -> int:
    ack: dict[str, Any] = orjson.loads(reply)
    fault = ack.get("error")
    if fault is None:
        return int(ack["seq"])
    if fault.get("err_code") == _WRONG_LAST_SEQUENCE:
        raise Refused(fault.get("description", "wrong last sequence"))
    if fault.get("err_code") in _STREAM_FULL or fault.get("code") == 503:
        raise errors.Unavailable(f"the bus cannot store more now: {fault.get('description')}")
    raise errors.Internal(f"the bus refused {subject}: {fault.get('description')}")


def _answer(rpc: Rpc[Any, Res], data: bytes) -> Res:
    try:
        return rpc.reply_adapter.validate_json(data).value
    except ValidationError as not_ok:
        try:
            fault = ReplyError.model_validate_json(data).error
        except ValidationError:
            raise errors.Internal(f"{rpc.name} answered what nobody understands: {not_ok}") from not_ok
    raise errors.error_of(fault.code, fault.message, fault.path)


def _held(message: Msg) -> Held | None:
    headers = dict(message.headers or {})
    status = headers.get("Status")
    if status in {"404", "408"}:
        return None
    if status:
        raise errors.Unavailable(f"the bus answered {status} {headers.get('Description', '')}")
    return Held(
        subject=headers.get("Nats-Subject", ""),
        seq=int(headers.get("Nats-Sequence", 0)),
        data=message.data,
        headers=headers,
        time=headers.get("Nats-Time-Stamp", ""),
    )
