"""Events that other systems publish: stored, and followed by the actions that asked for them."""

from typing import Protocol

from services.gateway.view import PluginsView
from shared import errors
from shared.contracts.base import JsonObject, new_id
from shared.contracts.events import follower_run_id, followers
from shared.contracts.plugins import WEBSOCKET_EVENT, AppEvent
from shared.contracts.users import User


class Publishes(Protocol):
    """Where events are stored."""

    async def publish(self, event: AppEvent, event_id: str) -> None: ...


class EventService:
    """Publishes events."""

    def __init__(self, *, view: PluginsView, events: Publishes) -> None:
        self._view = view
        self._events = events

    async def publish(self, name: str, payload: JsonObject, user: User) -> tuple[str, list[str]]:
        """Store an event; its id, and the ids of the runs that it starts. Raises Invalid, Unavailable."""
        if name == WEBSOCKET_EVENT:
            raise errors.Invalid(f"{name!r} is the platform's own name: choose another", path="event")
        event_id = new_id()
        await self._events.publish(
            AppEvent(name=name, payload=payload, actor=f"user:{user.username}"), event_id
        )
        # What the data service will find too; by the ids the runs can be looked at as they come about.
        runs = [
            follower_run_id(event_id, plugin.key, action)
            for plugin in self._view.enabled()
            for action in followers(plugin.view.actions, name)
        ]
        return event_id, runs
