"""The plugin directory: what lies in it, and changes to it that are whole or have not happened."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.contracts.base import Name
from shared.manifests.reader import is_plugin

OWN: Final = ".plugarr"
"""Our own folder in the plugin directory: marks it as the one we know, and holds what is half done."""
_OLD: Final = "old"


class Absent(Exception):
    """The plugin directory is not there, or is not the one whose plugins are known."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The plugin folders of the directory, in name order."""

    plugins: tuple[str, ...]
    outside: frozenset[str]
    """Those that are links out of the directory: listed, never followed."""


class Directory:
    """The plugin directory of this machine. Its methods block; they raise OSError as the disk does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ensure(self) -> None:
        """Make it where it is absent."""
        self.path.mkdir(parents=True, exist_ok=True)

    def fault(self) -> str | None:
        """What is wrong with it, where it cannot even be listed."""
        try:
            with os.scandir(self.path):
                return None
        except OSError as error:
            return f"the plugin directory {self.path} cannot be read: {error.strerror}"

    def identity(self) -> tuple[int, int] | None:
        """Which directory it is now: another one means a mount, or that it was moved."""
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_dev, seen.st_ino

    def look(self, *, known: bool) -> Folders:
        """What is there. Raises Absent, rather than say that all plugins are gone, where it cannot be trusted.

        `known`: whether plugins were there before. An empty directory that does not bear our mark is then a
        mount that is missing.
        """
        fault = self.fault()
        if fault is not None:
            raise Absent(fault)
        names, outside = [], set()
        root = self.path.resolve()
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name == OWN or not entry.is_dir() or not is_plugin(Path(entry.path)):
                    continue
                names.append(entry.name)
                if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                    outside.add(entry.name)
        if names or not known:
            # Where it cannot be written there is no mark, and emptiness is never believed.
            with contextlib.suppress(OSError):
                (self.path / OWN).mkdir(exist_ok=True)
        elif not (self.path / OWN).is_dir():
            raise Absent(
                f"the plugin directory {self.path} is empty and not the one that was known: is it mounted? "
                f"If its plugins were removed on purpose, make the folder {self.path / OWN}"
            )
        return Folders(tuple(sorted(names)), frozenset(outside))

    def file(self, folder: Name, name: str, limit: int) -> bytes | None:
        """The contents of a plugin's file, or None where there is none of at most `limit` bytes."""
        path = self.path / folder / name
        try:
            if not path.resolve().is_relative_to(self.path.resolve()) or not path.is_file():
                return None
            with path.open("rb") as opened:
                data = opened.read(limit + 1)
        except (OSError, ValueError):
            return None
        return data if len(data) <= limit else None

    def workspace(self) -> Path:
        """A new folder on the same file system, for what is to be moved into place."""
        own = self.path / OWN
        own.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(dir=own))

    def recover(self) -> list[str]:
        """Undo what a predecessor left half done: put back what was moved away, drop the rest. Says what came back."""
        back = []
        for workspace in _folders(self.path / OWN):
            for old in _folders(workspace / _OLD):
                target = self.path / old.name
                if not os.path.lexists(target):
                    old.rename(target)
                    back.append(old.name)
            discard(workspace)
        return back


class Exchange:
    """A plugin's folder replaced, made or removed in one step, and back again until it is kept."""

    def __init__(self, directory: Directory, workspace: Path, name: str) -> None:
        self._directory = directory
        self._workspace = workspace
        self._target = directory.path / name
        self._old = workspace / _OLD / name
        self._placed = False

    def do(self, new: Path | None) -> None:
        """Move away what is there, and the new folder into its place. Raises OSError having changed nothing."""
        try:
            if os.path.lexists(self._target):
                self._old.parent.mkdir()
                self._target.rename(self._old)
            if new is not None:
                new.rename(self._target)
                self._placed = True
        except OSError:
            self.undo()
            raise
        _sync(self._directory.path)

    def undo(self) -> None:
        """Put back what was there."""
        if self._placed:
            self._target.rename(self._workspace / "failed")
            self._placed = False
        if os.path.lexists(self._old):
            self._old.rename(self._target)
        _sync(self._directory.path)

    def keep(self) -> None:
        """Nothing will be put back any more, whatever happens to this process."""
        if os.path.lexists(self._old.parent):
            self._old.parent.rename(self._workspace / "gone")


def discard(workspace: Path) -> None:
    """Remove a workspace; what cannot be removed is left to the next recovery."""
    shutil.rmtree(workspace, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Have a folder's directories on the disk, the innermost first; its files are synced as they are written."""
    for found, _, _ in os.walk(folder, topdown=False):
        _sync(Path(found))


def _folders(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(path.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
