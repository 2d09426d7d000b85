"""Plugins imported and deleted: whole, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from services.registry.catalogue import Catalogue, folders_by_key
from services.registry.directory import Absent, Directory, Exchange, discard
from services.registry.models import Found
from services.registry.unpacking import Unpacked, unpack
from shared import errors
from shared.contracts.plugins import DeletePlugin, Imported, ImportPlugin
from shared.logging import get_logger

_AT_ONCE = 2

T = TypeVar("T")

log = get_logger(__name__)


class Uploads(Protocol):
    async def fetch(self, digest: str, file: Path) -> int: ...


class Installs:
    """Changes to the plugin directory. Uploads are unpacked side by side, and put into place one by one."""

    def __init__(
        self,
        *,
        directory: Directory,
        catalogue: Catalogue,
        uploads: Uploads,
        read: Callable[[str], Found | None],
        remove_consumer: Callable[[str], Awaitable[None]],
        require_lease: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._catalogue = catalogue
        self._uploads = uploads
        self._read = read
        self._remove_consumer = remove_consumer
        self._require_lease = require_lease
        self._unpacking = asyncio.Semaphore(_AT_ONCE)

    async def import_plugin(self, command: ImportPlugin) -> Imported:
        """Put an uploaded plugin into the directory. Raises Invalid with what is wrong with the upload."""
        self._require_lease()
        await self._folders()
        workspace = await _disk(self._directory.workspace)
        try:
            async with self._unpacking:
                unpacked = await self._unpack(command, workspace)
            async with self._catalogue.lock:
                return await self._place(command, unpacked, workspace)
        finally:
            await asyncio.to_thread(discard, workspace)

    async def delete_plugin(self, command: DeletePlugin) -> None:
        """Remove folder, manifest and packages. Raises NotFound; on any failure the folder is back in its place."""
        key = command.key
        self._require_lease()
        async with self._catalogue.lock:
            names = (await self._folders()).get(key, [])
            if not names and key not in self._catalogue.known:
                raise errors.NotFound(f"no plugin {key!r}")
            await self._remove_consumer(key)
            workspace = await _disk(self._directory.workspace)
            try:
                exchange = Exchange(self._directory, workspace, names[0] if names else "none")
                if names:
                    await _disk(lambda: exchange.do(None))
                try:
                    await self._catalogue.forget(key, actor=command.actor)
                except BaseException:
                    await asyncio.shield(asyncio.to_thread(exchange.undo))
                    raise
                await _disk(exchange.keep)
            finally:
                await asyncio.to_thread(discard, workspace)
            if names[1:]:
                # The next folder of that key is the plugin from now on.
                await self._catalogue.refresh(names[1:])

    async def _unpack(self, command: ImportPlugin, workspace: Path) -> Unpacked:
        upload = workspace / "upload.zip"
        try:
            await self._uploads.fetch(command.upload.digest, upload)
        except errors.NotFound as error:
            raise errors.Invalid("The upload is no longer there: send it again.", path="file") from error
        unpacked = await _disk(lambda: unpack(upload, workspace / "new", command.filename))
        await _disk(upload.unlink)
        return unpacked

    async def _place(self, command: ImportPlugin, unpacked: Unpacked, workspace: Path) -> Imported:
        key = unpacked.key
        self._require_lease()
        names = (await self._folders()).get(key)
        name = names[0] if names else key
        replaced = await asyncio.to_thread((self._directory.path / name).exists)
        if replaced and not command.overwrite:
            raise errors.Invalid(
                f"Plugin '{key}' exists already: overwrite it, or delete it first.", path="overwrite"
            )
        before = self._catalogue.known.get(key)
        exchange = Exchange(self._directory, workspace, name)
        await _disk(lambda: exchange.do(unpacked.folder))
        try:
            await self._accept(name)
            await self._catalogue.refresh([name])
        except BaseException:
            await asyncio.shield(self._put_back(exchange, name))
            raise
        await _disk(exchange.keep)
        log.info("plugin_imported", plugin=key, replaced=replaced, actor=command.actor)
        return Imported(key=key, was_managed=before is not None and before.is_managed, replaced=replaced)

    async def _accept(self, name: str) -> None:
        """Raise Invalid where what was put into place could only be listed."""
        found = await asyncio.to_thread(self._read, name)
        if found is None:
            raise errors.Unavailable(f"the folder {name!r} is changing just now")
        problem = found.refusal
        if problem is not None:
            raise errors.Invalid(
                f"The plugin cannot be used: {problem.message}. {problem.remedy or ''}", path="file"
            )

    async def _put_back(self, exchange: Exchange, name: str) -> None:
        await asyncio.to_thread(exchange.undo)
        try:
            # Whether the new manifest was stored may be unknown: what is on the disk decides.
            await self._catalogue.refresh([name])
        except errors.PlugarrError as error:
            log.warning("manifest_not_restored", folder=name, reason=error.message)

    async def _folders(self) -> dict[str, list[str]]:
        try:
            return folders_by_key(await self._catalogue.look())
        except Absent as why:
            raise errors.Unavailable(str(why)) from why


async def _disk(work: Callable[[], T]) -> T:
    """Something that blocks, in a thread; what the disk refuses is said to the caller."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise errors.Unavailable(
            f"the plugin directory cannot be written: {error.strerror or error}"
        ) from error
