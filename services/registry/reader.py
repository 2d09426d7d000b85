"""Many plugins read: only those that changed, and with all cores where they are very many."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from services.registry.crew import read_by_many
from services.registry.directory import Directory, Folders
from services.registry.models import Found, Listing
from services.registry.packages import Unpackable, listing
from services.registry.reading import outside, read_folder, refused, repacked, unreadable

BATCH_FOLDERS: Final = 32
BATCH_BYTES: Final = 32 * 1024 * 1024
QUIET_S: Final = 0.25
"""A folder that changed more recently is still being written."""
MANY: Final = 200
"""From so many folders on, processes of their own are worth starting."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a folder held when it was read, and what came of it, without the package's bytes."""

    listed: Listing
    found: Found


class Reader:
    """Reads plugin folders, and remembers what it has read. Blocks: to be called in a thread, one at a time."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: dict[str, _Seen] = {}
        self.unsettled: set[str] = set()
        """Folders that the latest look passed over, since somebody is writing to them just now."""

    def forget(self) -> None:
        """Read everything anew the next time."""
        self._seen.clear()

    def batches(self, folders: Folders, names: Iterable[str], *, settle: bool) -> Iterator[list[Found]]:
        """The named folders as they are now, in batches bounded by the size of the packages in them.

        `settle`: pass over those that are just being written.
        """
        self.unsettled.clear()
        yield from _batched(self._all(folders, names, settle=settle))

    def read(self, name: str) -> Found | None:
        """One folder; None where it has vanished."""
        return next(self._all(Folders((name,), frozenset()), [name], settle=False), None)

    def pack(self, found: Found) -> bytes | None:
        """The package of what was read before, or None where the folder is no longer the same."""
        return repacked(self._directory.path / found.name, found.digest)

    def _all(self, folders: Folders, names: Iterable[str], *, settle: bool) -> Iterator[Found]:
        changed: dict[str, Listing] = {}
        for name in names:
            if name in folders.outside:
                yield outside(self._directory.path / name)
                continue
            looked = self._look(name, settle=settle)
            if isinstance(looked, Found):
                yield looked
            elif looked is not None:
                changed[name] = looked
        for found in self._read(changed):
            self._seen[found.name] = _Seen(changed[found.name], replace(found, package=None))
            yield found

    def _look(self, name: str, *, settle: bool) -> Found | Listing | None:
        """What is known of a folder that did not change; else what is in it now; None where it is passed over."""
        folder = self._directory.path / name
        try:
            listed = listing(folder)
        except Unpackable as why:
            return refused(folder, why.problem)
        except OSError as error:
            self._seen.pop(name, None)
            return refused(folder, unreadable(error)) if folder.is_dir() else None
        before = self._seen.get(name)
        if before is not None and before.listed == listed:
            return before.found
        # A clock that runs ahead (of a file server, say) must not keep a plugin out for ever.
        if settle and 0 <= time.time() - listed.newest < QUIET_S:
            self.unsettled.add(name)
            return None
        return listed

    def _read(self, changed: dict[str, Listing]) -> Iterator[Found]:
        if len(changed) >= MANY:
            return read_by_many(self._directory.path, changed)
        return (read_folder(self._directory.path / name, listed) for name, listed in changed.items())


def _batched(every: Iterator[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    size = 0
    for found in every:
        batch.append(found)
        size += len(found.package or b"")
        if len(batch) >= BATCH_FOLDERS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
