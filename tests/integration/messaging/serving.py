"""A service that answers on a bus, and what a bus listens to."""

from collections.abc import Awaitable, Callable

from shared.contracts.data import AddItem
from shared.messaging.bus import Bus
from shared.messaging.handlers import Handlers

BusOf = Callable[[str], Awaitable[Bus]]
COMMAND = AddItem(plugin="p", collection="c", data={}, op_id="1")


async def serve(bus: Bus, bind: Callable[[Handlers], None], *, at_once: int = 256) -> Handlers:
    handlers = Handlers(bus.broker, bus.service, at_once=at_once)
    bind(handlers)
    await bus.broker.start()
    await bus.nc.flush()
    await bus.nc.flush()
    return handlers


def subscriptions(bus: Bus) -> int:
    return len(bus.nc._subs)
