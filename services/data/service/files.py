"""Files: whose they are, how long they are kept, and when they go.

A file is one plugin's, from its upload or from the first time it is handed to one. It is kept for some days
after that, and then for as long as the plugin's settings, schedules or documents name it.
"""

import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Final, Protocol

from services.data.repository.configs import Configs
from services.data.repository.files import Files, mentioned_in
from shared import errors
from shared.contracts import files as m
from shared.contracts.base import now
from shared.logging import get_logger

_DAY_S: Final = 86_400.0
_BATCH: Final = 100
_NAMES: Final = 1000
"""Names that one query asks for."""
_UNKNOWN_S: Final = _DAY_S
"""What was uploaded and never made known is dropped after so long."""

log = get_logger(__name__)


class Contents(Protocol):
    """The bucket `files`."""

    def stored(self) -> Awaitable[dict[str, datetime]]: ...

    def remove(self, digest: str) -> Awaitable[None]: ...

    def drop_unfinished(self, before: datetime) -> Awaitable[int]: ...


class FileService:
    """Decides about files; their contents are only dropped here."""

    def __init__(self, *, files: Files, configs: Configs, contents: Contents, kept_days: float) -> None:
        self._files = files
        self._configs = configs
        self._contents = contents
        self._kept_s = kept_days * _DAY_S

    async def add(self, command: m.AddFile) -> m.StoredFile:
        """Make known a file whose content is stored."""
        values = command.model_dump(exclude={"actor"})
        file = m.StoredFile(**values, created_at=now(), created_by=command.actor)
        await self._files.insert(file, keep_until_s=time.time() + self._kept_s)
        return file

    async def get(self, command: m.GetFile) -> m.StoredFile:
        """A file; for a plugin one of its own. Raises NotFound, also for what is another's."""
        found = await self._files.get(command.id)
        if found is None or command.plugin not in (None, found.plugin):
            raise errors.NotFound(f"no file {command.id}")
        return found

    async def use(self, command: m.UseFiles) -> m.UsedFiles:
        """Hand files to a plugin; what is gone, or another plugin's, is refused one by one."""
        until = time.time() + self._kept_s
        found = await self._files.use(command.plugin, command.ids, keep_until_s=until)
        used: list[m.FileValue] = []
        refused: list[m.RefusedFile] = []
        for file_id in command.ids:
            file = found.get(file_id)
            if file is None:
                refused.append(m.RefusedFile(id=file_id, reason="there is no such file: upload it again"))
            elif file.plugin != command.plugin:
                reason = f"the file is plugin {file.plugin!r}'s: upload it for {command.plugin!r}"
                refused.append(m.RefusedFile(id=file_id, reason=reason))
            else:
                used.append(file.value)
        return m.UsedFiles(files=tuple(used), refused=tuple(refused))

    async def sweep(self) -> int:
        """Drop the files that nothing names any more; how many."""
        dropped = 0
        while True:
            expired = await self._files.expired(time.time(), _BATCH)
            if not expired:
                return dropped + await self._sweep_unknown()
            for plugin in {file.plugin for file in expired}:
                ids = {file.id for file in expired if file.plugin == plugin}
                dropped += await self._sweep_of(plugin, ids)

    async def _sweep_of(self, plugin: str | None, ids: set[str]) -> int:
        named: set[str] = set()
        if plugin is not None:
            named = mentioned_in((await self._configs.get(plugin)).settings, ids)
            try:
                named |= await self._files.named_by(plugin, ids - named)
            except errors.TimedOut as error:
                # The others' are swept all the same; these are looked at again in a day.
                log.warning("files_not_looked_for", plugin=plugin, reason=error.message)
                named = ids
        await self._files.keep(named, until_s=time.time() + _DAY_S)
        dropped = 0
        for file_id in ids - named:
            # First what makes it known: a content without is dropped some time later.
            if await self._files.forget(file_id, time.time()):
                await self._contents.remove(file_id)
                dropped += 1
        return dropped

    async def _sweep_unknown(self) -> int:
        before = datetime.fromtimestamp(time.time() - _UNKNOWN_S, UTC)
        old = {name for name, stored_at in (await self._contents.stored()).items() if stored_at < before}
        names, unknown = sorted(old), set[str]()
        for first in range(0, len(names), _NAMES):
            some = names[first : first + _NAMES]
            unknown |= set(some) - await self._files.known(some)
        for name in unknown:
            await self._contents.remove(name)
        return len(unknown) + await self._contents.drop_unfinished(before)
