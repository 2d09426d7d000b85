"""One plugin's folder read from the disk: its manifest and its package, with nothing of it executed."""

from pathlib import Path
from typing import Any

from services.registry.fitting import fitted
from services.registry.logos import LOGO, LOGO_BYTES, is_png
from services.registry.models import Found, Listing
from services.registry.packages import Unpackable, listing, pack
from shared.contracts.base import ObjectRef, sha256
from shared.contracts.manifest import Manifest, Problem
from shared.logging import get_logger
from shared.manifests.reader import plugin_key, read_manifest

log = get_logger(__name__)


def key_of(folder: str) -> str:
    """The key under which a folder is listed."""
    return _printable(plugin_key(folder))


def read_folder(folder: Path, listed: Listing) -> Found:
    """The plugin as it is now. What keeps it from being used is said in it, and never raised."""
    try:
        package = pack(folder, listed)
    except Unpackable as why:
        return refused(folder, why.problem)
    except OSError as error:
        return refused(folder, unreadable(error))
    manifest = _manifest(folder)
    warnings = [*manifest.warnings, *listed.left_out]
    values: dict[str, Any] = {"warnings": warnings}
    if manifest.has_logo and not _has_logo(folder, listed):
        values["has_logo"] = False
        message = f"is no PNG of at most {LOGO_BYTES // 1024} KiB and is not shown"
        warnings.append(Problem(path=LOGO, message=message))
    if manifest.invalid:
        return _found(folder, manifest.model_copy(update=values), manifest.errors[0])
    digest = sha256(package)
    values |= {"digest": digest, "package": ObjectRef(digest=digest, size=len(package))}
    manifest = manifest.model_copy(update=values)
    return Found(folder.name, manifest.key, fitted(manifest), digest=digest, package=package)


def refused(folder: Path, problem: Problem) -> Found:
    """A plugin that is listed with what is wrong, since no package of it can be made."""
    manifest = _manifest(folder)
    values = {"invalid": True, "errors": [problem, *manifest.errors]}
    return _found(folder, manifest.model_copy(update=values), problem)


def outside(folder: Path) -> Found:
    """A link that leaves the plugin directory: listed, never followed."""
    problem = Problem(
        path="",
        message="is a link that leaves the plugin directory, and is not followed",
        remedy="copy the folder into the plugin directory, or mount it there",
    )
    return _found(folder, _bare(folder, problem), problem)


def unreadable(error: OSError) -> Problem:
    """What the disk refused."""
    where = _printable(Path(str(error.filename)).name) if error.filename else ""
    return Problem(path=where, message=f"cannot be read: {error.strerror}", remedy="mend its permissions")


def repacked(folder: Path, digest: str | None) -> bytes | None:
    """The package of what was read before, or None where the folder is no longer the same."""
    try:
        data = pack(folder, listing(folder))
    except (Unpackable, OSError):
        return None
    return data if sha256(data) == digest else None


def _found(folder: Path, manifest: Manifest, refusal: Problem) -> Found:
    return Found(folder.name, manifest.key, fitted(manifest), refusal=refusal)


def _manifest(folder: Path) -> Manifest:
    try:
        return read_manifest(folder)
    except Exception as error:
        # The border: one plugin's files, whatever they hold, must not keep the others from being listed.
        log.exception("plugin_not_read", folder=folder.name)
        return _bare(folder, Problem(path="", message=f"could not be read: {type(error).__name__}"))


def _bare(folder: Path, problem: Problem) -> Manifest:
    key = key_of(folder.name)
    values: dict[str, Any] = {"key": key, "folder": _printable(folder.name), "name": key, "legacy": True}
    return Manifest.model_validate(values | {"invalid": True, "errors": [problem]})


def _has_logo(folder: Path, listed: Listing) -> bool:
    if not any(entry.name == LOGO and entry.size <= LOGO_BYTES for entry in listed.entries):
        return False
    try:
        with (folder / LOGO).open("rb") as opened:
            return is_png(opened.read(16))
    except OSError:
        return False


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
