"""`files.*`: what plugins read of what users handed to them."""

import base64
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.files import FileId, GetFile, StoredFile
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


def _id(args: Mapping[str, Any]) -> str:
    try:
        return _FILE_ID.validate_python(args.get("id"))
    except ValidationError as error:
        raise errors.Invalid(
            "id must be that of a file, as the value of a file field has it", path="id"
        ) from error


def _absent(plugin: str, file_id: str) -> errors.NotFound:
    return errors.NotFound(f"plugin '{plugin}' has no file {file_id}: it is gone, or was never handed to it")
