"""Reading plugins from the disk: only what changed, and nothing of it is ever executed."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from services.registry.directory import Directory, Folders
from services.registry.logos import LOGO, LOGO_BYTES, is_png
from services.registry.models import Found, Listing
from services.registry.packages import Unpackable, listing, pack
from shared.contracts.base import ObjectRef, sha256
from shared.contracts.manifest import Manifest, Problem
from shared.logging import get_logger
from shared.manifests.reader import plugin_key, read_manifest

BATCH_FOLDERS: Final = 32
BATCH_BYTES: Final = 32 * 1024 * 1024
QUIET_S: Final = 0.25
"""A folder that changed more recently is still being written."""

log = get_logger(__name__)


def key_of(folder: str) -> str:
    """The key under which a folder is listed."""
    return plugin_key(folder).encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a folder held when it was read, and what came of it, without the package's bytes."""

    listed: Listing | None
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
        batch: list[Found] = []
        size = 0
        for name in names:
            found = self._outside(name) if name in folders.outside else self.read(name, settle=settle)
            if found is None:
                continue
            batch.append(found)
            size += len(found.package or b"")
            if len(batch) >= BATCH_FOLDERS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def read(self, name: str, *, settle: bool = False) -> Found | None:
        """One folder; None where it has vanished or is passed over. Its package is made only where it changed."""
        folder = self._directory.path / name
        try:
            return self._fresh(name, folder, listing(folder), settle)
        except Unpackable as why:
            return self._refused(name, folder, why.problem)
        except OSError as error:
            if folder.is_dir():
                return self._refused(name, folder, _unreadable(error))
            self._seen.pop(name, None)
            return None

    def _fresh(self, name: str, folder: Path, listed: Listing, settle: bool) -> Found | None:
        before = self._seen.get(name)
        if before is not None and before.listed == listed:
            return before.found
        # A clock that runs ahead (of a file server, say) must not keep a plugin out for ever.
        if settle and 0 <= time.time() - listed.newest < QUIET_S:
            self.unsettled.add(name)
            return None
        found = self._read(folder, listed)
        self._seen[name] = _Seen(listed, replace(found, package=None))
        return found

    def pack(self, found: Found) -> bytes | None:
        """The package of what was read before, or None where the folder is no longer the same."""
        with contextlib.suppress(Unpackable, OSError):
            data = pack(found.folder, listing(found.folder))
            return data if sha256(data) == found.manifest.digest else None
        return None

    def _read(self, folder: Path, listed: Listing) -> Found:
        package = pack(folder, listed)
        manifest = _manifest(folder)
        warnings = [*manifest.warnings, *listed.left_out]
        values: dict[str, Any] = {"warnings": warnings}
        logo = self._directory.file(folder.name, LOGO, LOGO_BYTES) if manifest.has_logo else None
        if manifest.has_logo and (logo is None or not is_png(logo)):
            values["has_logo"] = False
            warnings.append(
                Problem(path=LOGO, message=f"is no PNG of at most {LOGO_BYTES // 1024} KiB and is not shown")
            )
        if manifest.invalid:
            return Found(folder, manifest.model_copy(update=values), None)
        digest = sha256(package)
        values |= {"digest": digest, "package": ObjectRef(digest=digest, size=len(package))}
        return Found(folder, manifest.model_copy(update=values), package)

    def _refused(self, name: str, folder: Path, problem: Problem) -> Found:
        """A plugin that is listed with what is wrong, since no package of it can be made."""
        manifest = _manifest(folder)
        values = {"invalid": True, "errors": [problem, *manifest.errors]}
        found = Found(folder, manifest.model_copy(update=values), None)
        self._seen[name] = _Seen(None, found)
        return found

    def _outside(self, name: str) -> Found:
        problem = Problem(
            path="",
            message="is a link that leaves the plugin directory, and is not followed",
            remedy="copy the folder into the plugin directory, or mount it there",
        )
        key = key_of(name)
        values: dict[str, Any] = {
            "key": key,
            "folder": name.encode("utf-8", "replace").decode(),
            "name": key,
            "invalid": True,
            "errors": [problem],
        }
        return Found(self._directory.path / name, Manifest.model_validate(values), None)


def _manifest(folder: Path) -> Manifest:
    try:
        return read_manifest(folder)
    except Exception as error:
        # The border: one plugin's files, whatever they hold, must not keep the others from being listed.
        log.exception("plugin_not_read", folder=folder.name)
        key = key_of(folder.name)
        problem = Problem(path="", message=f"could not be read: {type(error).__name__}", remedy=None)
        return Manifest.model_validate(
            {"key": key, "folder": folder.name.encode("utf-8", "replace").decode(), "name": key}
            | {"invalid": True, "errors": [problem]}
        )


def _unreadable(error: OSError) -> Problem:
    where = Path(str(error.filename)).name if error.filename else ""
    return Problem(path=where, message=f"cannot be read: {error.strerror}", remedy="mend its permissions")
