"""Events as they come: followed in their order, acknowledged when every run of theirs is stored."""

import asyncio
import contextlib
from typing import Final

import nats.errors
from prometheus_client import Counter
from pydantic import ValidationError

from services.data.actions import Actions
from services.data.service.follower import Follower
from shared import errors
from shared.contracts.catalog import APP_EVENT, EVENTS_APP
from shared.contracts.plugins import WEBSOCKET_EVENT
from shared.contracts.streams import FOLLOWER
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.pull import Delivery, Pull
from shared.tasks import ended

_AT_ONCE: Final = 256
_BATCH: Final = 64
_AGAIN_S: Final = 2.0
_TRIES: Final = 5
"""So often an event is followed that fails in a way that nobody expected."""

STARTED: Final = Counter("plugarr_data_event_runs_total", "Runs that events started")

log = get_logger(__name__)


class Events:
    """Events as a duty beside the commands; any number of replicas share them."""

    def __init__(self, bus: Bus, actions: Actions, follower: Follower) -> None:
        self._actions = actions
        self._follower = follower
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue()
        self._in_hand: list[Delivery] = []
        self._pull = Pull(bus, EVENTS_APP, FOLLOWER, self._waiting.put_nowait, at_once=_AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._pages = APP_EVENT.subject.of(name=WEBSOCKET_EVENT)

    async def start(self) -> None:
        await self._pull.start()
        self._task = asyncio.create_task(self._work(), name="events")

    async def stop(self) -> None:
        """Give back what is in hand, for another replica to follow at once."""
        await self._pull.stop()
        await ended(self._task)
        while not self._waiting.empty():
            self._in_hand.append(self._waiting.get_nowait())
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            for delivery in self._in_hand:
                await delivery.nak()

    async def _work(self) -> None:
        while True:
            self._in_hand = [await self._waiting.get()]
            while not self._waiting.empty() and len(self._in_hand) < _BATCH:
                self._in_hand.append(self._waiting.get_nowait())
            readable = await self._read()
            while self._in_hand:
                delivery = self._in_hand[0]
                followed = readable and await self._followed(delivery)
                # Without the bus nothing can be said: it comes again when that is back.
                with contextlib.suppress(errors.Unavailable, nats.errors.Error):
                    await (delivery.ack() if followed else delivery.nak(_AGAIN_S))
                self._in_hand.pop(0)
                self._pull.done()

    async def _read(self) -> bool:
        """Know of every plugin what was written before these events."""
        try:
            await self._actions.read()
        except (errors.PlugarrError, nats.errors.Error) as error:
            log.warning("actions_not_read", reason=str(error))
            return False
        return True

    async def _followed(self, delivery: Delivery) -> bool:
        if delivery.subject == self._pages:
            return True  # for open pages only
        try:
            envelope = APP_EVENT.envelope.model_validate_json(delivery.data)
        except ValidationError:
            log.warning("event_not_understood", subject=delivery.subject, seq=delivery.seq)
            return True
        try:
            STARTED.inc(await self._follower.follow(envelope))
        except (errors.PlugarrError, nats.errors.Error) as error:
            log.warning("event_put_off", subject=delivery.subject, seq=delivery.seq, reason=str(error))
            return False
        except Exception:
            # The border: an event that nothing can be made of must not come again for ever.
            dropped = delivery.delivered >= _TRIES
            name = "event_dropped" if dropped else "event_failed"
            log.exception(name, subject=delivery.subject, seq=delivery.seq)
            return dropped
        return True
