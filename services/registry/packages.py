"""A plugin's folder as a package: a ZIP that is the same, byte for byte, wherever and whenever it is made."""

import io
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.registry.models import Entry, Listing
from shared.contracts.base import OBJECT_LIMIT
from shared.contracts.manifest import Problem

MAX_FILES: Final = 2_000
MAX_UNPACKED: Final = 200 * 1024 * 1024
MAX_PACKAGE: Final = OBJECT_LIMIT
MAX_DEPTH: Final = 32
STORED_UP_TO: Final = 8 * 1024 * 1024
"""Bytes up to which nothing is compressed: it is quicker, and the same with every version of zlib."""
LEFT_OUT: Final = frozenset({"__pycache__", ".git"})

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MOST_NOTES: Final = 20


class Unpackable(Exception):
    """Why no package can be made of a folder, and what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = Problem(path="", message=message, remedy=remedy)


def listing(folder: Path) -> Listing:
    """What a package of the folder would hold, in name order. Raises Unpackable, and OSError as it vanishes."""
    entries: list[Entry] = []
    left_out: list[Problem] = []
    root = folder.resolve()
    size = 0
    for entry in _walk(root, root, "", left_out, 0):
        entries.append(entry)
        size += entry.size
        if len(entries) > MAX_FILES:
            raise Unpackable(
                f"has more than {MAX_FILES:,} files", "keep data and environments out of the plugin's folder"
            )
        if size > MAX_UNPACKED:
            raise Unpackable(
                f"is larger than {MAX_UNPACKED // 1024**2} MiB", "keep large data out of the plugin's folder"
            )
    # Not the times of modification: whoever copies or unpacks sets them as he likes.
    newest = max((entry.stamp[1] for entry in entries), default=0) / 1e9
    return Listing(
        tuple(sorted(entries, key=lambda entry: entry.name)), tuple(left_out[:_MOST_NOTES]), newest
    )


def pack(folder: Path, listed: Listing) -> bytes:
    """The package. Raises Unpackable where it is too large, OSError where a file cannot be read."""
    held = io.BytesIO()
    whole = sum(entry.size for entry in listed.entries)
    method = zipfile.ZIP_STORED if whole <= STORED_UP_TO else zipfile.ZIP_DEFLATED
    size = 0
    with zipfile.ZipFile(held, "w", method, compresslevel=6) as archive:
        for entry in listed.entries:
            info = zipfile.ZipInfo(entry.name, _EPOCH)
            info.create_system = 3  # Unix, whatever this machine is
            info.external_attr = entry.mode << 16
            info.compress_type = method
            data = b"" if entry.name.endswith("/") else _read(folder / entry.name)
            size += len(data)
            if size > MAX_UNPACKED or held.tell() > MAX_PACKAGE:
                break
            archive.writestr(info, data)
    if size > MAX_UNPACKED or held.tell() > MAX_PACKAGE:
        raise Unpackable(
            f"makes a package of more than {MAX_PACKAGE // 1024**2} MiB",
            "keep large data out of the plugin's folder",
        )
    return held.getvalue()


def _read(file: Path) -> bytes:
    # A file may have become something else since it was listed: a pipe would never end.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unpackable(f"{file.name} is no longer a regular file", "remove it")
        return opened.read(MAX_UNPACKED + 1)


def _walk(root: Path, folder: Path, prefix: str, left_out: list[Problem], depth: int) -> Iterator[Entry]:
    if depth > MAX_DEPTH:
        raise Unpackable(f"has folders more than {MAX_DEPTH} deep", "flatten them")
    empty = True
    with os.scandir(folder) as found:
        for item in found:
            if item.name in LEFT_OUT:
                continue
            name = prefix + item.name
            note = _why_not(root, item)
            if note is not None:
                left_out.append(Problem(path=_printable(name), message=note, remedy="replace or remove it"))
                continue
            empty = False
            if item.is_dir():
                yield from _walk(root, Path(item.path), f"{name}/", left_out, depth + 1)
            else:
                yield _entry(name, item.stat())
    if empty and prefix:
        yield _entry(prefix, folder.stat())


def _entry(name: str, seen: os.stat_result) -> Entry:
    if name.endswith("/"):
        # What happens inside a directory that counts as empty is nobody's business.
        return Entry(name, stat.S_IFDIR | 0o755, 0, (0, 0, 0))
    mode = stat.S_IFREG | (0o755 if seen.st_mode & 0o100 else 0o644)
    return Entry(name, mode, seen.st_size, (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))


def _why_not(root: Path, item: os.DirEntry[str]) -> str | None:
    """Why something in the folder is not part of the package."""
    if not _is_text(item.name):
        return "has a name that is not UTF-8; it is left out"
    if item.is_symlink():
        try:
            target = Path(item.path).resolve()
        except (OSError, RuntimeError):
            target = root  # a link that leads to itself
        inside = target.is_relative_to(root) and target.is_file()
        return None if inside else "is a link to no file of the plugin; it is left out"
    if item.is_dir(follow_symlinks=False) or item.is_file(follow_symlinks=False):
        return None
    return "is neither a file nor a folder; it is left out"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
