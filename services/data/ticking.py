"""When schedules are looked at: whenever the bus tells of a tick, on every change, at start, and every half minute."""

import asyncio
import contextlib
from functools import partial
from typing import Final

import nats.errors
from pydantic import ValidationError

from services.data.duties import attempted
from services.data.service.schedules import ScheduleService
from services.data.service.ticker import Ticker
from shared import errors
from shared.contracts.catalog import TICKS
from shared.contracts.schedules import TickDue
from shared.contracts.streams import TICKER
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.leases import HeldLease
from shared.messaging.pull import Delivery, Pull
from shared.tasks import ended

EVERY_S: Final = 30.0
_PRUNE_EVERY: Final = 120
_AT_ONCE: Final = 64
_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)

log = get_logger(__name__)


class Ticking:
    """Schedules as a duty beside the commands; any number of replicas share it."""

    def __init__(self, bus: Bus, ticker: Ticker, schedules: ScheduleService) -> None:
        self._bus = bus
        self._ticker = ticker
        self._schedules = schedules
        self._lease = HeldLease(bus, "data.schedules")
        self._pull = Pull(bus, TICKS, TICKER, self._begin, at_once=_AT_ONCE)
        self._dealing: dict[asyncio.Task[None], Delivery] = {}
        self._switched: asyncio.Queue[str] = asyncio.Queue()
        self._look = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def plugin_switched(self, plugin: str) -> None:
        """Have a plugin's schedules follow what was done to it; nobody waits for it."""
        self._switched.put_nowait(plugin)

    async def start(self) -> None:
        self._bus.on_back.add(self._look.set)
        # Also when the lease comes: what the last holder has not done is not left for half a minute.
        self._lease.start(gained=self._gained)
        await self._pull.start()
        self._tasks = (
            asyncio.create_task(self._reconcile(), name="schedules"),
            asyncio.create_task(self._follow_plugins(), name="schedules of plugins"),
        )

    async def stop(self) -> None:
        """Give back what is in hand, for another replica to deal with at once."""
        self._bus.on_back.discard(self._look.set)
        await self._pull.stop()
        await ended(*self._tasks)
        given_back = list(self._dealing.values())
        await ended(*self._dealing)
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            for delivery in given_back:
                await delivery.nak()
        await self._lease.close()

    async def _gained(self, _epoch: int) -> None:
        self._look.set()

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deal(delivery))
        self._dealing[task] = delivery
        task.add_done_callback(self._dealt)

    def _dealt(self, task: asyncio.Task[None]) -> None:
        self._dealing.pop(task, None)
        self._pull.done()

    async def _deal(self, delivery: Delivery) -> None:
        try:
            due = TickDue.model_validate_json(delivery.data)
        except ValidationError:
            log.warning("tick_not_understood", subject=delivery.subject)
            await self._acknowledge(delivery)
            return
        try:
            await self._ticker.tick(due)
        except (errors.PlugarrError, nats.errors.Error) as error:
            log.warning("tick_put_off", subject=delivery.subject, reason=str(error))
            await self._give_back(delivery)
            return
        except Exception:
            # The border: a tick that cannot be dealt with must not come again at once, and for ever.
            log.exception("tick_failed", subject=delivery.subject)
            await self._give_back(delivery)
            return
        await self._acknowledge(delivery)

    async def _acknowledge(self, delivery: Delivery) -> None:
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            await delivery.ack()

    async def _give_back(self, delivery: Delivery) -> None:
        pause = _AGAIN_S[min(delivery.delivered, len(_AGAIN_S)) - 1]
        # Without the bus nothing can be said: it comes again when that is back.
        with contextlib.suppress(errors.Unavailable, nats.errors.Error):
            await delivery.nak(pause)

    async def _reconcile(self) -> None:
        rounds = 0
        while True:
            if self._lease.held:
                await attempted("reconcile", self._schedules.reconcile)
                if rounds % _PRUNE_EVERY == 0:
                    await attempted("prune", self._schedules.prune)
                rounds += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._look.wait()
            self._look.clear()

    async def _follow_plugins(self) -> None:
        while True:
            plugin = await self._switched.get()
            await attempted("switch", partial(self._schedules.plugin_switched, plugin))
