"""What the executor follows on the bus, bound to what deals with it. No decision here."""

from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg
from pydantic import ValidationError

from services.executor.keeper import Keeper
from services.executor.service import ExecutorService
from shared.contracts import catalog as c
from shared.logging import get_logger
from shared.messaging.bus import Bus

log = get_logger(__name__)


async def bind(bus: Bus, service: ExecutorService, keeper: Keeper) -> list[Callable[[], Awaitable[None]]]:
    """Follow wishes about runs and changes of plugins; returns what ends it."""

    async def controlled(message: Msg) -> None:
        try:
            wish = c.RUN_CONTROLLED.envelope.model_validate_json(message.data).data
        except ValidationError:
            log.warning("wish_not_understood", subject=message.subject)
            return
        if wish.wish == "cancel":
            await service.cancel(wish.run_id)

    async def changed(message: Msg) -> None:
        try:
            event = c.PLUGIN_CHANGED.envelope.model_validate_json(message.data).data
        except ValidationError:
            log.warning("event_not_understood", subject=message.subject)
            return
        keeper.changed(event)

    return [
        await bus.listen(c.RUN_CONTROLLED.subject.pattern(), controlled),
        await bus.listen(c.PLUGIN_CHANGED.subject.pattern(), changed),
    ]
