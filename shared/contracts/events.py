"""Events that actions follow: which actions of a plugin, under which run ids, with which params."""

from collections.abc import Iterable
from typing import Final

from shared.contracts.base import JsonObject, derived_id
from shared.contracts.plugins import WEBSOCKET_EVENT
from shared.contracts.ui import Action

DEEPEST: Final = 8
"""How many plugins may call one another, by runs and by events, before this is taken for a loop."""
EVENT_LIMIT: Final = 256 * 1024
"""Bytes of JSON that an event's payload may take."""


def followers(actions: Iterable[Action], event: str) -> list[str]:
    """Ids of the actions that are run when that event is published, each once."""
    if event == WEBSOCKET_EVENT:
        return []
    return list(dict.fromkeys(action.id for action in actions if event in (action.events or ())))


def follower_run_id(event_id: str, plugin: str, action: str) -> str:
    """The id of the run of one action for one event: the same whoever computes it, and however often."""
    return derived_id(event_id, "event", event_id, plugin, action)


def follower_params(event: str, payload: JsonObject) -> JsonObject:
    """What such a run gets as params."""
    return {"event": event, "payload": payload}
