"""`files.*` and `event.emit`: what plugins read of what users handed to them, and what they tell the others."""

import base64
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.executor.arguments import command, mapping, text
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import INLINE_LIMIT
from shared.contracts.events import DEEPEST, EVENT_LIMIT
from shared.contracts.files import FileId, GetFile, StoredFile
from shared.contracts.plugins import WEBSOCKET_EVENT, AppEvent
from shared.messaging.bus import Bus
from shared.messaging.objects import Objects

_FRESH_S: Final = 60.0
_REMEMBERED: Final = 1000
_FILE_ID: Final = TypeAdapter(FileId)


class PluginFiles:
    """Files of a plugin, read piece by piece: a plugin reads its own and no other's."""

    def __init__(self, bus: Bus, contents: Objects) -> None:
        self._bus = bus
        self._contents = contents
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        """Plugin and file → until when it is believed to be that plugin's."""

    async def open(self, plugin: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """`{name, size, type, id, digest}`. Raises NotFound for what is not the plugin's."""
        file_id = _id(args)
        stored = await self._own(plugin, file_id)
        digest = await self._contents.digest(file_id)
        if digest is None:
            raise _absent(plugin, file_id)
        return {**stored.model_dump(include={"name", "size", "type", "id"}), "digest": digest}

    async def read(self, plugin: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """`{data, after}`: a piece of the content, and where the next one begins; no data at the end."""
        file_id = _id(args)
        if self._known.get((plugin, file_id), 0.0) < time.monotonic():
            await self._own(plugin, file_id)
        after = args.get("after")
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**63:
            raise errors.Invalid("after must be a whole number", path="after")
        data, last = await self._contents.piece(file_id, after)
        return {"data": base64.b64encode(data).decode(), "after": last}

    async def _own(self, plugin: str, file_id: str) -> StoredFile:
        try:
            stored = await self._bus.request(c.GET_FILE, GetFile(id=file_id, plugin=plugin))
        except errors.NotFound as error:
            raise _absent(plugin, file_id) from error
        self._known[plugin, file_id] = time.monotonic() + _FRESH_S
        self._known.move_to_end((plugin, file_id))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return stored


class PluginEvents:
    """Events that plugins publish, and what they send to open pages."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

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
        payload = mapping(args, "payload")
        event = command(AppEvent, name=name, payload=payload, plugin=key, run_id=run_id, depth=depth)
        await self._store(event, EVENT_LIMIT)

    async def _store(self, event: AppEvent, limit: int) -> None:
        if len(event.model_dump_json()) > limit:
            raise errors.TooLarge(f"an event's payload takes at most {limit:,} bytes", path="payload")
        await self._bus.store(c.APP_EVENT, event, type="app.event", name=event.name)


def _id(args: Mapping[str, Any]) -> str:
    try:
        return _FILE_ID.validate_python(args.get("id"))
    except ValidationError as error:
        raise errors.Invalid(
            "id must be that of a file, as the value of a file field has it", path="id"
        ) from error


def _absent(plugin: str, file_id: str) -> errors.NotFound:
    return errors.NotFound(f"plugin '{plugin}' has no file {file_id}: it is gone, or was never handed to it")
