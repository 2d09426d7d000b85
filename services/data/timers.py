"""What schedules reach on the bus: the timers."""

from collections.abc import AsyncIterator
from typing import Final

import orjson
from pydantic import ValidationError

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.schedules import TickDue
from shared.logging import get_logger
from shared.messaging.bus import Bus

_SCHEDULE: Final = "Nats-Schedule"
_TARGET: Final = "Nats-Schedule-Target"

log = get_logger(__name__)


class Timers:
    """One timer a schedule at most: a message that the server stores again, as a tick, when it is due.

    By `@at` and not by `@every` or cron: what was due while the server was down is told as soon as it is up,
    where the others pass it over in silence; and the time that is shown is the time that is kept.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def set(self, tick: TickDue) -> None:
        """Set a schedule's timer, in place of the one that it had. A time that has passed is due at once."""
        headers = {
            _SCHEDULE: f"@at {tick.due}",
            _TARGET: c.TICKED.subject.of(schedule_id=tick.schedule_id),
        }
        subject = c.TIMER_SET.subject.of(schedule_id=tick.schedule_id)
        await self._bus.put(subject, tick.model_dump_json().encode(), headers)

    async def every(self) -> AsyncIterator[TickDue]:
        """Every timer that is set."""
        async for held in self._bus.walk(c.TICKS, c.TIMER_SET.subject.pattern()):
            try:
                yield TickDue.model_validate_json(held.data)
            except ValidationError:
                log.warning("timer_not_understood", subject=held.subject)

    async def drop(self, schedule_id: str) -> None:
        """Take a schedule's timer away, and a tick that nobody has dealt with."""
        for contract in (c.TIMER_SET, c.TICKED):
            body = orjson.dumps({"filter": contract.subject.of(schedule_id=schedule_id)})
            api = f"$JS.API.STREAM.PURGE.{c.TICKS}"
            late = "the bus did not drop a timer in time"
            reply = await self._bus.ask(api, body, timeout_s=5.0, nobody="run the provisioner", late=late)
            fault = orjson.loads(reply.data).get("error")
            if fault is not None:
                raise errors.Internal(f"the bus refused to drop a timer: {fault.get('description')}")
