"""Writing into a folder that plugins write into too: no link of theirs leads a file of ours elsewhere."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_LINK: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | _NO_LINK


class Folder:
    """A directory, entered by descriptors: each step refuses links, and what stands in the way is removed.

    `root` is ours and is trusted; plugins can put links in the place of everything below it, also of the
    directories on the way to `within`.
    """

    def __init__(self, root: Path, within: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._within = within

    @property
    def name(self) -> str:
        """Its own name, without what it lies in."""
        return self._within.rpartition("/")[2]

    def has(self, name: str) -> bool:
        """Whether there is anything of this name, without following a link to it."""
        with self._parent(name, make=False) as (parent, last):
            if parent is None:
                return False
            try:
                os.stat(last, dir_fd=parent, follow_symlinks=False)
            except OSError:
                return False
            return True

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file, None where there is no regular file of that name."""
        with self._parent(name, make=False) as (parent, last):
            if parent is None:
                return None
            try:
                descriptor = os.open(last, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=parent)
            except OSError:
                return None
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                return None
            with os.fdopen(descriptor, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

    def put(self, name: str, data: bytes, *, mode: int) -> None:
        """Have a file of this name, whole or not at all, whatever was there."""
        with self._parent(name, make=True) as (parent, last):
            assert parent is not None
            temporary = f".{last[:100]}.plugarr-new"
            _remove(temporary, parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
            with os.fdopen(os.open(temporary, flags, mode, dir_fd=parent), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode)
            if _is_folder(last, parent):
                _remove(last, parent)
            os.replace(temporary, last, src_dir_fd=parent, dst_dir_fd=parent)
            _drop_compiled(last, parent)

    def make(self, name: str) -> None:
        """Have a directory of this name."""
        with self._parent(f"{name.rstrip('/')}/x", make=True):
            pass

    def drop(self, name: str) -> None:
        """Have no file of this name, and none of the directories that are empty without it."""
        with self._parent(name, make=False) as (parent, last):
            if parent is None:
                return
            if not _is_folder(last, parent):
                _remove(last, parent)
                _drop_compiled(last, parent)
        folder = name.rstrip("/").rpartition("/")[0]
        while folder:
            with self._parent(folder, make=False) as (parent, last):
                if parent is None:
                    return
                try:
                    os.rmdir(last, dir_fd=parent)
                except OSError:
                    return
            folder = folder.rpartition("/")[0]

    def remove(self, name: str) -> None:
        """Have nothing of this name, whatever it is and holds. Raises OSError where something cannot be removed."""
        with self._parent(name, make=False) as (parent, last):
            if parent is None:
                return
            try:
                _remove(last, parent)
            except RecursionError as error:
                raise OSError("its directories lie too deep within one another") from error

    @contextmanager
    def _parent(self, name: str, *, make: bool) -> Iterator[tuple[int | None, str]]:
        *folders, last = f"{self._within}/{name.rstrip('/')}".split("/")
        current: int | None = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                below = _enter(current, folder, make=make)
                os.close(current)  # type: ignore[arg-type]  # it is a number while there is something to enter
                current = below
                if current is None:
                    break
            yield current, last
        finally:
            if current is not None:
                os.close(current)


def _enter(parent: int | None, name: str, *, make: bool) -> int | None:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except OSError:
        if not make:
            return None
    assert parent is not None
    _remove(name, parent)
    os.mkdir(name, 0o755, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


def _is_folder(name: str, parent: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _remove(name: str, parent: int) -> None:
    if _is_folder(name, parent):
        shutil.rmtree(name, dir_fd=parent)
        return
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _drop_compiled(name: str, parent: int) -> None:
    """Forget the byte code of a source: Python tells versions apart by second and size only."""
    if not name.endswith(".py"):
        return
    try:
        cache = os.open("__pycache__", _FOLDER, dir_fd=parent)
    except OSError:
        return
    try:
        for found in os.listdir(cache):  # noqa: PTH208 - a descriptor has no path
            if found.startswith(f"{name[:-3]}.") and found.endswith(".pyc"):
                _remove(found, cache)
    finally:
        os.close(cache)
