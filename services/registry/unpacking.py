"""An upload unpacked, into a folder of its own, within bounds that are counted and not believed."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.registry.archives import Member, open_archive, plan, refuse
from services.registry.directory import sync_tree
from services.registry.packages import MAX_UNPACKED

_PIECE: Final = 256 * 1024
# OSError and ValueError: zipfile seeks wherever an archive says.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A plugin that is ready to be moved into place."""

    key: str
    folder: Path


def unpack(upload: Path, into: Path, filename: str) -> Unpacked:
    """Unpack the plugin that an upload holds. Raises Invalid; blocks until it is on the disk."""
    with upload.open("rb") as file, open_archive(file) as archive:
        chosen = plan(archive, filename)
        folder = into / chosen.key
        folder.mkdir(parents=True)
        left = MAX_UNPACKED
        for member in sorted(chosen.members, key=lambda member: str(member.path)):
            left -= _unpack_member(archive, member, folder, left)
    sync_tree(folder)
    return Unpacked(chosen.key, folder)


def _unpack_member(archive: zipfile.ZipFile, member: Member, folder: Path, left: int) -> int:
    target = folder / member.path
    target.parent.mkdir(parents=True, exist_ok=True)
    # That a file can be executed is all that is taken over of its permissions.
    mode = 0o755 if (member.info.external_attr >> 16) & 0o100 else 0o644
    size = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as written:
        for piece in _pieces(archive, member):
            size += len(piece)
            if size > left:
                raise refuse(f"The archive unpacks to more than {MAX_UNPACKED // 1024**2} MiB.")
            written.write(piece)
        written.flush()
        os.fsync(descriptor)
    return size


def _pieces(archive: zipfile.ZipFile, member: Member) -> Iterator[bytes]:
    """What comes out, a piece at a time. What a damaged archive makes zipfile do is one error."""
    try:
        with archive.open(member.info) as packed:
            while piece := packed.read(_PIECE):
                yield piece
    except _DAMAGE as error:
        raise refuse(f"The archive is damaged at {str(member.path)!r}: {error}.") from error
