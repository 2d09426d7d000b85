"""The other services, as the registry speaks to them."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal

from nats.aio.msg import Msg
from pydantic import TypeAdapter, ValidationError

from services.registry.models import Width
from shared.contracts import catalog as c
from shared.contracts.base import Timestamp
from shared.contracts.data import GetConfig, ListConfigs, PluginConfig
from shared.contracts.plugins import EnsureConsumer, PluginChanged, RemoveConsumer
from shared.logging import get_logger
from shared.messaging.bus import Bus

Change = Literal["discovered", "updated", "missing", "removed", "reloaded"]

_CONFIGS: Final = TypeAdapter(list[PluginConfig])

log = get_logger(__name__)


class Announcements:
    """Plugin events: published as hints, and followed as such."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def changed(
        self, key: str, change: Change, *, actor: str | None = None, detail: str | None = None
    ) -> None:
        """Tell that something about a plugin changed."""
        event = PluginChanged(key=key, change=change, actor=actor, detail=detail)
        await self._bus.store(c.PLUGIN_CHANGED, event, type=f"plugin.{change}", plugin=key)

    async def follow(self, switched: Callable[[str], None]) -> Callable[[], Awaitable[None]]:
        """Have `switched(key)` called when a plugin is enabled or disabled; returns what ends it."""

        async def tell(message: Msg) -> None:
            try:
                event = c.PLUGIN_CHANGED.envelope.model_validate_json(message.data).data
            except ValidationError:
                log.warning("event_not_understood", subject=message.subject)
                return
            if event.change in {"enabled", "disabled"}:
                switched(event.key)

        return await self._bus.listen(c.PLUGIN_CHANGED.subject.pattern(), tell)


class Configs:
    """Plugin configs, owned by the data service."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def every(self) -> list[PluginConfig]:
        """All of them. Raises Unavailable or TimedOut."""
        _, chunks = await self._bus.stream(c.LIST_CONFIGS, ListConfigs())
        return [config async for chunk in chunks for config in _CONFIGS.validate_json(chunk)]

    async def one(self, key: str) -> PluginConfig:
        """One of them, with defaults where nothing was chosen yet."""
        return await self._bus.request(c.GET_CONFIG, GetConfig(key=key))


class Durables:
    """Consumers of run commands, made by the provisioner."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ensure(self, plugin: str, width: Width, since: Timestamp | None) -> None:
        """Make it, or change its limit."""
        command = EnsureConsumer(plugin=plugin, max_ack_pending=width.actions, tasks=width.tasks, since=since)
        await self._bus.request(c.ENSURE_CONSUMER, command)

    async def remove(self, plugin: str) -> None:
        """Remove it; that there is none is fine."""
        await self._bus.request(c.REMOVE_CONSUMER, RemoveConsumer(plugin=plugin))
