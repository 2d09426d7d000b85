"""The plugins that are known, brought in line with the directory: packages first, then manifests."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, Final, Protocol

from services.registry.directory import Absent, Directory, Folders
from services.registry.models import Found, Known
from services.registry.reader import Reader
from services.registry.reading import key_of
from shared import errors
from shared.contracts.manifest import Problem
from shared.logging import get_logger

_AT_ONCE: Final = 64

log = get_logger(__name__)


class Manifests(Protocol):
    async def take_over(self, epoch: int) -> None: ...
    async def every(self) -> dict[str, Known]: ...
    async def put(self, key: str, known: Known) -> None: ...
    async def delete(self, key: str) -> None: ...
    async def loaded_digests(self) -> set[str]: ...


class Packages(Protocol):
    def forget(self) -> None: ...
    async def has(self, digest: str) -> bool: ...
    async def put(self, digest: str, data: bytes) -> None: ...
    async def drop_all_but(self, keep: Iterable[str], *, at_once: Iterable[str] = ()) -> int: ...


Announce = Callable[..., Awaitable[None]]


class Catalogue:
    """What the lease holder knows, and its only way to the manifests. `lock` is held by whoever changes anything."""

    def __init__(
        self,
        *,
        directory: Directory,
        reader: Reader,
        manifests: Manifests,
        packages: Packages,
        announce: Announce,
    ) -> None:
        self._directory = directory
        self._reader = reader
        self._manifests = manifests
        self._packages = packages
        self._announce = announce
        self._epoch = 0
        self.changed: Callable[[], None] = lambda: None
        """Called after each manifest that was written."""
        self.lock = asyncio.Lock()
        self.known: dict[str, Known] = {}
        self.absent: str | None = None
        """Why the directory cannot be trusted just now: manifests then stay as they are."""

    def get(self, key: str) -> Known | None:
        """A plugin that is known."""
        return self.known.get(key)

    async def take_over(self, epoch: int) -> None:
        """Begin to write under a new epoch. Raises Fenced where there is a newer one."""
        async with self.lock:
            await self._manifests.take_over(epoch)
            self._epoch = epoch
            self._packages.forget()
            self._reader.forget()
            self.known = await self._manifests.every()
            back = await asyncio.to_thread(self._directory.recover)
            if back:
                log.warning("folders_put_back", folders=back)

    async def scan(self, names: Iterable[str] | None = None, *, settle: bool = False) -> set[str]:
        """Look at the whole directory, or at the named folders, and write what changed.

        Returns the folders that were passed over because somebody is writing to them (`settle`).
        """
        async with self.lock:
            return await self.refresh(names, settle=settle)

    async def refresh(self, names: Iterable[str] | None = None, *, settle: bool = False) -> set[str]:
        """`scan` for who holds the lock."""
        try:
            folders = await self.look()
        except Absent as why:
            log.warning("directory_absent", reason=str(why))
            return set()
        winners = folders_by_key(folders)
        keys = {*winners, *self.known} if names is None else {key_of(name) for name in names}
        wanted = sorted(winners[key][0] for key in keys if key in winners)
        async with aclosing(self._read(folders, wanted, settle=settle)) as batches:
            async for batch in batches:
                await self._each(batch, lambda found: self._publish(found, winners[found.key][1:]))
        await self._each([key for key in keys if key not in winners], self._gone)
        return set(self._reader.unsettled)

    async def look(self) -> Folders:
        """The folders that are there. Raises Absent."""
        known = any(not known.missing for known in self.known.values())
        try:
            folders = await asyncio.to_thread(self._directory.look, known=known)
        except OSError as error:
            self.absent = f"the plugin directory cannot be read: {error.strerror}"
            raise Absent(self.absent) from error
        except Absent as why:
            self.absent = str(why)
            raise
        self.absent = None
        return folders

    async def raise_generation(self, keys: Iterable[str]) -> None:
        """Have homes load these plugins anew. For who holds the lock."""

        async def one(key: str) -> None:
            known = self.known[key]
            await self._write(key, known.changed(generation=known.generation + 1, epoch=self._epoch))
            await self._tell(key, "reloaded")

        await self._each(list(keys), one)

    async def forget(self, key: str, *, actor: str | None) -> None:
        """Remove a deleted plugin's manifest and packages. For who holds the lock."""
        await self._manifests.delete(key)
        gone = self.known.pop(key, None)
        await self._tell(key, "removed", actor=actor)
        if gone is not None:
            digests = {digest for digest in (gone.digest, gone.previous) if digest}
            try:
                await self._packages.drop_all_but(await self._in_use(), at_once=digests)
            except errors.PlugarrError as error:
                log.info("packages_not_dropped", reason=error.message)

    async def sweep(self) -> None:
        """Drop the packages that nobody refers to any more."""
        async with self.lock:
            dropped = await self._packages.drop_all_but(await self._in_use())
        if dropped:
            log.info("packages_dropped", number=dropped)

    async def _in_use(self) -> set[str]:
        own = {digest for known in self.known.values() for digest in (known.digest, known.previous) if digest}
        return own | await self._manifests.loaded_digests()

    async def _read(
        self, folders: Folders, names: list[str], *, settle: bool
    ) -> AsyncGenerator[list[Found], None]:
        """Batches from a thread, the next being read while one is written."""
        batches = self._reader.batches(folders, names, settle=settle)
        ahead = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await asyncio.shield(ahead)) is not None:
                ahead = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
                yield batch
        finally:
            # A thread cannot be stopped, and the reader is for one at a time.
            await asyncio.gather(ahead, return_exceptions=True)

    async def _publish(self, found: Found, others: list[str]) -> None:
        key, digest = found.key, found.digest
        old = self.known.get(key)
        if digest is not None and not await self._packages.has(digest):
            package = found.package or await asyncio.to_thread(self._reader.pack, found)
            if package is None:
                raise errors.Unavailable(f"the files of {key!r} are changing just now")
            await self._packages.put(digest, package)
        values: dict[str, Any] = {"epoch": self._epoch, "generation": 0, "previous": None}
        if old is not None:
            previous = old.digest if old.digest and old.digest != digest else old.previous
            values = {"epoch": old.epoch, "generation": old.generation, "previous": previous}
        new = Known.read(found.data).changed(**values)
        if others:
            new = new.changed(warnings=[*new.document.get("warnings", []), _same_key(key, others)])
        if old is not None and old.document == new.document:
            return
        await self._write(key, new.changed(epoch=self._epoch))
        await self._tell(key, "discovered" if old is None else "updated")

    async def _gone(self, key: str) -> None:
        """A plugin whose files went away stays listed; what could only be listed does not."""
        known = self.known.get(key)
        if known is None or known.missing:
            return
        if known.invalid and not known.previous:
            await self._manifests.delete(key)
            del self.known[key]
            await self._tell(key, "removed")
            return
        await self._write(key, known.changed(missing=True, epoch=self._epoch))
        await self._tell(key, "missing")

    async def _write(self, key: str, known: Known) -> None:
        await self._manifests.put(key, known)
        self.known[key] = known
        self.changed()

    async def _tell(self, key: str, change: str, *, actor: str | None = None) -> None:
        log.info("plugin_changed", plugin=key, change=change)
        try:
            await self._announce(key, change, actor=actor)
        except errors.PlugarrError as error:
            # Events are hints: who follows them looks at the manifests too.
            log.warning("event_not_stored", plugin=key, change=change, reason=error.message)

    async def _each(self, items: list[Any], work: Callable[[Any], Awaitable[None]]) -> None:
        """Work on all of them, some at once; the first failure is raised when all are done."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(item: Any) -> None:
            async with slots:
                await work(item)

        results = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]


def folders_by_key(folders: Folders) -> dict[str, list[str]]:
    """Key → its folders in name order: the first is the plugin, the others are only reported."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in folders.plugins:
        found[key_of(name)].append(name)
    return dict(found)


def _same_key(key: str, others: list[str]) -> dict[str, Any]:
    names = ", ".join(repr(name.encode("utf-8", "replace").decode()) for name in others[:3])
    problem = Problem(
        path="", message=f"{names}: gives the key {key!r} too and is not used", remedy="rename or remove it"
    )
    return problem.model_dump()
