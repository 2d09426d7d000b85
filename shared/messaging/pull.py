"""One continuous pull on a durable consumer: a batch of requests, topped up as messages are dealt with.

FastStream's pull subscriber costs three times as much and holds a batch up behind its slowest message.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared import errors
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.faults import end_of, known

_EXPIRES_S: Final = 30.0
_HEARTBEAT_S: Final = 5.0
_DRAIN_S: Final = 1.0
_NANO: Final = 1_000_000_000

log = get_logger(__name__)


@dataclass(slots=True)
class Delivery:
    """One message that a consumer delivered; to be acknowledged, or given back."""

    bus: Bus
    subject: str
    data: bytes
    reply: str

    @property
    def seq(self) -> int:
        """Its sequence in the stream."""
        return int(self.reply.split(".")[-4])

    @property
    def delivered(self) -> int:
        """How often it was delivered, this time included."""
        return int(self.reply.split(".")[-5])

    @property
    def time_s(self) -> float:
        """When it was stored, in seconds since 1970."""
        return int(self.reply.split(".")[-2]) / _NANO

    async def ack(self) -> None:
        await self.bus.nc.publish(self.reply, b"+ACK")

    async def nak(self, delay_s: float = 0.0) -> None:
        """Have it delivered again, not before the delay."""
        await self.bus.nc.publish(self.reply, b"-NAK " + orjson.dumps({"delay": int(delay_s * _NANO)}))

    async def in_progress(self) -> None:
        """Say that it is still being worked on: restarts the time after which it is delivered again."""
        await self.bus.nc.publish(self.reply, b"+WPI")


class Pull:
    """Keeps at most `at_once` messages asked for or in hand.

    `handle(delivery)` must return at once, typically by starting a task; whoever has dealt with a message
    calls `done()`, which asks for another one.
    """

    def __init__(
        self,
        bus: Bus,
        stream: str,
        durable: str,
        handle: Callable[[Delivery], None],
        *,
        at_once: int,
        expires_s: float = _EXPIRES_S,
    ) -> None:
        """`expires_s`: how long the server keeps a request. Whoever is frozen is sent messages for as long."""
        self._bus = bus
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._name = f"{stream}/{durable}"
        self._handle = handle
        self._at_once = at_once
        self._expires_s = expires_s
        self._asked = 0
        self._in_hand = 0
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        self._stopping = False

    @property
    def in_hand(self) -> int:
        """Messages delivered and not yet `done`."""
        return self._in_hand

    async def start(self) -> None:
        """Begin to pull."""
        self._subscription = await self._bus.nc.subscribe(self._bus.nc.new_inbox(), cb=self._take)
        self._bus.on_back.add(self._ask_anew)
        self._task = asyncio.create_task(self._watch(), name=f"pull {self._name}")

    def done(self) -> None:
        """Say that a delivered message was acknowledged or given back."""
        self._in_hand -= 1
        if self._asked <= self._at_once // 2:
            self._heard.set()

    def resize(self, at_once: int) -> None:
        """Have more, or fewer, at once from now on; what is in hand stays so."""
        self._at_once = at_once
        self._heard.set()

    async def stop(self) -> None:
        """Ask for nothing more. What is in hand stays so; what is delivered meanwhile is given back at once."""
        self._stopping = True
        self._bus.on_back.discard(self._ask_anew)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._subscription:
            await self._drain(self._subscription)
            await end_of(self._subscription)
            self._subscription = None

    async def _drain(self, subscription: Subscription) -> None:
        """Take what the server has sent before it knew; whatever is not taken comes again after a while."""
        nc = self._bus.nc
        if not nc.is_connected:
            return
        with contextlib.suppress(errors.Unavailable, nats.errors.Error, OSError, TimeoutError):
            # Not nats-py's own `drain`, which waits for its `flush`.
            await nc._send_unsubscribe(subscription._id)  # noqa: SLF001 - what `drain` does
            await known(nc, _DRAIN_S)
            async with asyncio.timeout(_DRAIN_S):
                await subscription._pending_queue.join()  # noqa: SLF001 - as above

    async def _watch(self) -> None:
        """Top up; and ask anew where a request expired, or nothing was heard for two heartbeats."""
        while True:
            with contextlib.suppress(errors.Unavailable, nats.errors.Error):
                await self._top_up()
            self._heard.clear()
            try:
                # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
                async with asyncio.timeout(2 * _HEARTBEAT_S):
                    await self._heard.wait()
            except TimeoutError:
                # A server that restarted knows nothing of our requests.
                self._asked = 0

    def _ask_anew(self) -> None:
        self._asked = 0
        self._heard.set()

    async def _top_up(self) -> None:
        want = self._at_once - self._in_hand - self._asked
        if want <= 0 or self._subscription is None:
            return
        request = {
            "batch": want,
            "expires": int(self._expires_s * _NANO),
        }
        if self._expires_s > 2 * _HEARTBEAT_S:
            # Of a shorter request the end is heard soon enough.
            request["idle_heartbeat"] = int(_HEARTBEAT_S * _NANO)
        self._asked += want
        await self._bus.nc.publish(self._subject, orjson.dumps(request), reply=self._subscription.subject)

    async def _take(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is None and self._stopping:
            with contextlib.suppress(errors.Unavailable, nats.errors.Error):
                await Delivery(self._bus, message.subject, message.data, message.reply).nak()
            return
        if status is None:
            self._asked = max(0, self._asked - 1)
            self._in_hand += 1
            self._handle(Delivery(self._bus, message.subject, message.data, message.reply))
            if self._asked <= self._at_once // 2:
                self._heard.set()
            return
        if status == "100":
            self._heard.set()
            return
        # 404/408: the request expired; 409: the consumer changed or went; 503: nobody serves the stream now.
        pending = (message.headers or {}).get("Nats-Pending-Messages")
        self._asked = max(0, self._asked - int(pending)) if pending else 0
        if status in {"409", "503"}:
            log.info("pull_interrupted", consumer=self._name, status=status)
            await asyncio.sleep(0.5)
        self._heard.set()
