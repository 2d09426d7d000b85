"""A plugin's working copy: brought up to date from its package, while what the plugin made itself stays."""

import asyncio
import fcntl
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from services.executor.folders import Folder
from shared import errors
from shared.contracts.names import token
from shared.logging import get_logger

MAX_UNPACKED: Final = 256 * 1024 * 1024
_PLUGINS: Final = "plugins"

log = get_logger(__name__)


class Store(Protocol):
    """Packages under their digests."""

    async def get(self, digest: str) -> bytes:
        """Raises PlugarrError."""


@dataclass(slots=True)
class Record:
    """What a working copy has of packages; kept beside it, where no plugin writes."""

    digest: str = ""
    """The package that it was brought up to, or is being brought up to."""
    done: bool = False
    files: dict[str, list[str]] = field(default_factory=dict)
    """Name → digests that a package gave it; several only while a change is under way."""
    folder: str = ""
    """Whose files these are: the working copy's name."""


class WorkingCopies:
    """The plugins' folders, `<files_dir>/plugins/<folder>`."""

    def __init__(self, store: Store, files_dir: Path, records_dir: Path) -> None:
        self._store = store
        self._files_dir = files_dir
        self._records_dir = records_dir

    async def bring_up_to_date(self, key: str, folder: str, digest: str) -> Path:
        """Have the folder hold this package; its path. Raises PlugarrError, or OSError where it cannot be written.

        A kill in the middle heals: the next call finishes what this one began.
        """
        if not _is_name(folder):
            raise errors.Invalid(f"{folder!r} is no name of a folder")
        copy = Folder(self._files_dir, f"{_PLUGINS}/{folder}")
        if not await asyncio.to_thread(self._is_current, key, copy, digest):
            package = await self._store.get(digest)
            await asyncio.to_thread(self._bring, key, copy, digest, package)
        return self._files_dir / _PLUGINS / folder

    async def drop(self, key: str) -> None:
        """Have no working copy of this plugin, nor a record of it; what is not known is none.

        For a plugin that runs nowhere in this site. Raises OSError where something cannot be removed; then the
        record stays.
        """
        await asyncio.to_thread(self._drop, key)

    def _drop(self, key: str) -> None:
        with self._locked(key):
            record = self._read(key)
            if not _is_name(record.folder):
                return
            Folder(self._files_dir, _PLUGINS).remove(record.folder)
            # Last, so that a kill in the middle leaves what says that files are missing.
            (self._records_dir / f"{token(key)}.json").unlink(missing_ok=True)
        log.info("working_copy_dropped", plugin=key)

    def _is_current(self, key: str, copy: Folder, digest: str) -> bool:
        record = self._read(key)
        if record.digest != digest or record.folder != copy.name or not record.done:
            return False
        return all(copy.has(name) for name in record.files)

    def _bring(self, key: str, copy: Folder, digest: str, package: bytes) -> None:
        with self._locked(key):
            if self._is_current(key, copy, digest):
                return
            before = self._read(key)
            wanted = dict(_contents(package))
            digests = {name: hashlib.sha256(data).hexdigest() for name, (data, _) in wanted.items()}
            under_way = {name: list(known) for name, known in before.files.items()}
            for name, made in digests.items():
                if made not in under_way.setdefault(name, []):
                    under_way[name].append(made)
            self._write(key, Record(digest, done=False, files=under_way, folder=copy.name))
            for name in sorted(under_way.keys() - digests.keys()):
                copy.drop(name)
            for name, (data, mode) in wanted.items():
                if name.endswith("/"):
                    copy.make(name)
                    continue
                there = copy.digest(name)
                known = before.files.get(name, [])
                changed_by_plugin = there is not None and there not in known and bool(known)
                changed_by_author = digests[name] not in known
                if there == digests[name] or (changed_by_plugin and not changed_by_author):
                    continue
                copy.put(name, data, mode=mode)
            files = {name: [made] for name, made in digests.items()}
            self._write(key, Record(digest, done=True, files=files, folder=copy.name))
        log.info("working_copy_up_to_date", plugin=key, digest=digest[:12], files=len(wanted))

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Executors of one site share the folder."""
        self._records_dir.mkdir(parents=True, exist_ok=True)
        with (self._records_dir / f"{token(key)}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self, key: str) -> Record:
        try:
            return Record(**json.loads((self._records_dir / f"{token(key)}.json").read_bytes()))
        except FileNotFoundError:
            return Record()
        except (ValueError, TypeError) as error:
            log.warning("record_not_understood", plugin=key, reason=str(error))
            return Record()

    def _write(self, key: str, record: Record) -> None:
        path = self._records_dir / f"{token(key)}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record)))
        temporary.replace(path)


def _is_name(folder: str) -> bool:
    return folder not in {"", ".", ".."} and "/" not in folder and "\0" not in folder


def _contents(package: bytes) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Name → content and mode. Raises Invalid for what is no package."""
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            for info in archive.infolist():
                path = PurePosixPath(info.filename)
                if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in info.filename:
                    raise errors.Invalid(f"the package holds {info.filename!r}, which leaves its folder")
                size += info.file_size
                if size > MAX_UNPACKED:
                    raise errors.TooLarge(f"the package unpacks to more than {MAX_UNPACKED:,} bytes")
                executable = bool((info.external_attr >> 16) & 0o100)
                name = str(path) + ("/" if info.is_dir() else "")
                yield name, (b"" if info.is_dir() else archive.read(info), 0o755 if executable else 0o644)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise errors.Invalid(f"the package is no ZIP: {error}") from error
