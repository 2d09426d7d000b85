"""What the gateway itself makes of events: who is told of a change and asks at once gets what changed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from services.gateway.live.endpoint import LiveEndpoint
from services.gateway.live.hub import Hub
from services.gateway.live.topics import Event, Origin, topic_of
from shared import errors
from shared.contracts import catalog as c
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.tasks import ended

_SOON_S: Final = 1.0
"""So long a frame waits for the gateway's own view."""
_AGAIN_S: Final = 1.0

log = get_logger(__name__)


class View(Protocol):
    """What reads of plugins again (`clients.Feed`). Everything raises Unavailable and TimedOut."""

    async def refresh_plugin(self, key: str) -> None: ...

    async def refresh_config(self, key: str) -> None: ...


class Users(Protocol):
    """What believes for a while who users are (`identity.Identity`)."""

    def changed(self, user_id: str) -> None: ...


class Insight:
    """Keeps the gateway's own knowledge no older than the frames that it sends."""

    def __init__(self, view: View, users: Users) -> None:
        self._view = view
        self._users = users
        self._hub: Hub | None = None
        self._endpoint: LiveEndpoint | None = None
        self._bus: Bus | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, bus: Bus, hub: Hub, endpoint: LiveEndpoint) -> None:
        """Begin, and follow what concerns the gateway itself as soon as the bus allows."""
        self._bus, self._hub, self._endpoint = bus, hub, endpoint
        bus.on_back.add(hub.look)
        self._task = asyncio.create_task(self._follow(hub), name="live insight")

    async def stop(self) -> None:
        await ended(self._task)
        if self._bus and self._hub:
            self._bus.on_back.discard(self._hub.look)
            await self._hub.stop()

    async def prepare(self, origin: Origin, event: Event) -> None:
        """Before a frame tells of a change, the gateway's own view shows it."""
        data = event["data"]
        refresh = {c.EVENTS_PLUGINS: self._view.refresh_plugin}.get(origin.stream)
        if event["type"].startswith("config."):
            refresh = self._view.refresh_config
        key = data.get("key")
        if refresh is None or not isinstance(key, str):
            return
        try:
            async with asyncio.timeout(_SOON_S):
                await refresh(key)
        except (errors.PlugarrError, TimeoutError) as error:
            log.info("view_behind", plugin=key, reason=str(error) or "timed out")

    async def _follow(self, hub: Hub) -> None:
        steps: list[Callable[[], Awaitable[None]]] = [
            hub.start,
            lambda: hub.watch(topic_of("configs").origin, _ignore),
            lambda: hub.watch(topic_of("users").origin, self._user_changed),
        ]
        while steps:
            try:
                await steps[0]()
            except errors.PlugarrError as error:
                log.warning("live_not_started", reason=error.message)
                await asyncio.sleep(_AGAIN_S)
            else:
                steps.pop(0)

    def _user_changed(self, event: Event) -> None:
        user_id = event["data"].get("id")
        if isinstance(user_id, str):
            self._users.changed(user_id)
            if self._endpoint:
                self._endpoint.user_changed(user_id)


def _ignore(_event: Event) -> None:
    """Configs are followed for `prepare`."""
