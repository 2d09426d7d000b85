"""`event.*`: what plugins tell other plugins, and what they send to open pages."""

import time
from collections.abc import Mapping
from typing import Any, Final

from services.executor.arguments import command, mapping, text
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import INLINE_LIMIT
from shared.contracts.events import DEEPEST, EVENT_LIMIT
from shared.contracts.plugins import WEBSOCKET_EVENT, AppEvent
from shared.messaging.bus import Bus

BURST: Final = 500.0
EVENTS_A_SECOND: Final = 100.0
"""What a plugin may emit for long; `BURST` at once."""


class PluginEvents:
    """Events that plugins publish, and what they send to open pages."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._left: dict[str, tuple[float, float]] = {}
        """Plugin → events that it may still publish, and since when that holds."""

    async def websocket(self, key: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> None:
        payload = {name: args.get(name) for name in ("group", "type", "data")}
        event = command(AppEvent, name=WEBSOCKET_EVENT, payload=payload, plugin=key)
        await self._store(event, INLINE_LIMIT)

    async def emit(self, key: str, run_id: str | None, depth: int, args: Mapping[str, Any]) -> None:
        """Publish an event. Raises PermissionDenied where plugins have called one another too deep."""
        name = text(args, "event")
        if name == WEBSOCKET_EVENT:
            raise errors.PermissionDenied(f"no plugin can publish an event named {name!r}")
        if depth >= DEEPEST:
            raise errors.PermissionDenied(
                f"plugin '{key}' may not emit {name!r}: plugins have called one another {DEEPEST} deep"
            )
        self._count(key)
        payload = mapping(args, "payload")
        event = command(AppEvent, name=name, payload=payload, plugin=key, run_id=run_id, depth=depth)
        await self._store(event, EVENT_LIMIT)

    def _count(self, key: str) -> None:
        """Take one of what a plugin may publish. Raises RateLimited: one plugin must not fill the others' stream."""
        now = time.monotonic()
        left, since = self._left.get(key, (BURST, now))
        left = min(BURST, left + (now - since) * EVENTS_A_SECOND)
        if left < 1:
            raise errors.RateLimited(
                f"plugin '{key}' emits more than {EVENTS_A_SECOND:g} events a second: put several into one"
            )
        self._left[key] = (left - 1, now)

    async def _store(self, event: AppEvent, limit: int) -> None:
        if len(event.model_dump_json()) > limit:
            raise errors.TooLarge(f"an event's payload takes at most {limit:,} bytes", path="payload")
        await self._bus.store(c.APP_EVENT, event, type="app.event", name=event.name)
