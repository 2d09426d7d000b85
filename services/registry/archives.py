"""What is in an uploaded ZIP, decided before anything of it is written.

Nothing that an archive says of itself is believed, and nothing of it is ever imported.
"""

import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from services.registry.packages import MAX_DEPTH, MAX_FILES, MAX_UNPACKED
from shared import errors
from shared.contracts.names import RESERVED_PLUGIN_KEYS
from shared.manifests.static import FILES

MAX_DIRECTORY: Final = 4 * 1024 * 1024
"""Bytes of an archive's table of contents: 2,000 files with names of 2 KB."""
MAX_NAME: Final = 1024
_MAX_FOLDERS: Final = 2 * MAX_FILES
_TAIL: Final = 65_536 + 22 + 76
"""Where the ends of an archive can be: behind them is only a comment."""
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_NO_KEY: Final = re.compile(r"[^a-z0-9_]")
_ENCRYPTED: Final = 0x1 | 0x40


@dataclass(frozen=True, slots=True)
class Member:
    """One file that is to be unpacked."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    """Relative to the plugin's folder."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be unpacked."""

    key: str
    members: tuple[Member, ...]


def refuse(message: str) -> errors.Invalid:
    """Why an upload is refused."""
    return errors.Invalid(message, path="file")


def key_of_import(name: str) -> str:
    """Key, and folder, of an imported plugin: lower case, every character outside `[a-z0-9_]` to `_`."""
    return _NO_KEY.sub("_", name.lower())


def plan(archive: zipfile.ZipFile, filename: str) -> Plan:
    """Check every entry, choose the plugin's folder and its key. Raises Invalid."""
    infos = archive.infolist()
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    folders: set[PurePosixPath] = set()
    if sum(not info.is_dir() for info in infos) > MAX_FILES:
        raise refuse(f"The archive has more than {MAX_FILES:,} files.")
    if len(infos) > MAX_FILES + _MAX_FOLDERS:
        raise refuse("The archive has too many entries.")
    # Only a first look at what it claims: what comes out is counted as it comes.
    if sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise refuse(f"The archive unpacks to more than {MAX_UNPACKED // 1024**2} MiB.")
    for info in infos:
        path = checked_path(info.orig_filename)
        _check_kind(info)
        if info.is_dir():
            folders.add(path)
        elif path in files:
            raise refuse(f"The archive holds {str(path)!r} twice.")
        else:
            files[path] = info
    if not files:
        raise refuse("The archive is empty.")
    _check_collisions(files, folders)
    root = _plugin_folder(list(files))
    key = _checked_key(root.name or _stem(filename))
    members = [
        Member(info, path.relative_to(root)) for path, info in files.items() if path.is_relative_to(root)
    ]
    return Plan(key, tuple(members))


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open an upload. Raises Invalid for what is no ZIP, and for a table of contents beyond all measure."""
    size = file.seek(0, 2)
    if size == 0:
        raise refuse("The file is empty.")
    if _directory_size(file, size) > MAX_DIRECTORY:
        raise refuse("The archive's table of contents is too large.")
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, struct.error) as error:
        raise refuse(f"The file is not a ZIP archive: {error}.") from error


def checked_path(name: str) -> PurePosixPath:
    """An entry's name as a relative path. Raises Invalid for every name that could lead elsewhere."""
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise refuse(f"The archive holds a name that is empty or too long: {shown!r}.")
    if "\\" in name:
        raise refuse(f"The archive holds a name with a backslash: {shown!r}.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise refuse(f"The archive holds a name with control characters: {shown!r}.")
    if name.startswith("/") or _DRIVE.match(name):
        raise refuse(f"The archive holds an absolute path: {shown!r}.")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise refuse(f"The archive holds a path that escapes: {shown!r}.")
    if len(parts) > MAX_DEPTH:
        raise refuse(f"The archive holds folders more than {MAX_DEPTH} deep: {shown!r}.")
    for part in parts:
        if _DEVICE.fullmatch(part.rstrip(". ")):
            raise refuse(f"The archive holds the name of a device: {shown!r}.")
        if len(part.encode()) > 255:
            raise refuse(f"The archive holds a name that is too long: {shown!r}.")
    return PurePosixPath(*parts)


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    name = info.orig_filename[:100]
    if kind == stat.S_IFLNK:
        raise refuse(f"The archive holds a link: {name!r}.")
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (kind == stat.S_IFDIR) > info.is_dir():
        raise refuse(f"The archive holds something that is neither file nor folder: {name!r}.")
    if info.flag_bits & _ENCRYPTED:
        raise refuse(f"The archive is encrypted: {name!r}.")
    if info.compress_type not in _METHODS and not info.is_dir():
        raise refuse(f"The archive uses a compression other than deflate: {name!r}.")


def _check_collisions(files: dict[PurePosixPath, zipfile.ZipInfo], folders: set[PurePosixPath]) -> None:
    """Names that some file systems take for one another, and files that are folders too."""
    seen: dict[str, PurePosixPath] = {}
    within = {parent for path in (*files, *folders) for parent in path.parents}
    for path in sorted({*files, *folders, *within}):
        folded = "/".join(_folded(part) for part in path.parts)
        other = seen.setdefault(folded, path)
        if other != path:
            raise refuse(f"The archive holds names that differ in case only: {str(other)!r}, {str(path)!r}.")
    for path in files:
        if path in within or path in folders:
            raise refuse(f"The archive holds {str(path)!r} as a file and as a folder.")


def _folded(part: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold()).rstrip(". ")


def _plugin_folder(files: list[PurePosixPath]) -> PurePosixPath:
    """The shallowest folder with `plugin.py`, else with `__init__.py`; of several the first in name order."""
    for name in FILES:
        found = [path.parent for path in files if path.name == name]
        if found:
            return min(found, key=lambda path: (len(path.parts), path))
    raise refuse("The archive holds no plugin: no folder in it has plugin.py or __init__.py.")


def _checked_key(name: str) -> str:
    key = key_of_import(name)
    if key in RESERVED_PLUGIN_KEYS:
        raise refuse(f"The key {key!r} is reserved: rename the plugin's folder, e.g. to {key}_plugin.")
    if not key.strip("_") or len(key) > 200:
        raise refuse(f"The name {name[:100]!r} makes no usable key: rename the plugin's folder.")
    return key


def _stem(filename: str) -> str:
    name = re.split(r"[/\\]", filename)[-1]
    return name[:-4] if name.lower().endswith(".zip") else name


def _directory_size(file: BinaryIO, size: int) -> int:
    """What zipfile would read as table of contents, all at once and before anybody could object.

    Where an archive has several ends, which one is meant is for zipfile to say: the largest counts.
    """
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    file.seek(0)
    short = [int.from_bytes(tail[at + 12 : at + 16], "little") for at in _all_of(b"PK\x05\x06", tail)]
    long = [int.from_bytes(tail[at + 40 : at + 48], "little") for at in _all_of(b"PK\x06\x06", tail)]
    # 0xFFFFFFFF stands for "see the longer record".
    return max([*long, *(number for number in short if number != 0xFFFFFFFF or not long)], default=0)


def _all_of(mark: bytes, data: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)
