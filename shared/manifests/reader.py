"""One folder of the plugin directory made into a manifest, without executing any of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.contracts.manifest import ATTRIBUTES, Manifest, Problem
from shared.contracts.names import RESERVED_PLUGIN_KEYS, token
from shared.manifests.execution import execution
from shared.manifests.findings import Findings
from shared.manifests.normalise import Normaliser
from shared.manifests.plugin_json import Declared, read_plugin_json
from shared.manifests.static import FILES, StaticPlugin, read_static

LOGO: Final = "logo.png"
_MAX_KEY: Final = 240
"""Of the key as a token: consumers and files are named after it, and end at 255."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A manifest with everything that was seen on the way: `plugarr check` shows all of it."""

    manifest: Manifest
    declared: Declared
    static: StaticPlugin
    findings: Findings


def plugin_key(folder: str) -> str:
    """The key of a plugin: its folder's name, spaces to `_`, lower case; dashes stay."""
    return folder.replace(" ", "_").lower()


def is_plugin(folder: Path) -> bool:
    """Whether the folder holds a plugin: `plugin.py` or `__init__.py` is all it takes."""
    return any((folder / name).is_file() for name in FILES)


def plugin_folders(directory: Path) -> Iterator[Path]:
    """The plugins of a directory in name order; everything else in it is ignored."""
    for entry in sorted(directory.iterdir(), key=lambda path: path.name):
        if entry.is_dir() and is_plugin(entry):
            yield entry


def read_manifest(folder: Path) -> Manifest:
    """The manifest of one folder, without digest, package and epoch. Never raises for what is in it."""
    return read(folder).manifest


def read(folder: Path) -> Reading:
    """The manifest with what led to it."""
    findings = Findings()
    declared = read_plugin_json(folder, findings)
    static = read_static(folder)
    findings.errors.extend(static.errors)
    values = _described(declared, static, findings)
    values["name"] = values.get("name") or _printable(folder.name)
    key = _printable(plugin_key(folder.name))
    refusal = _refusal(folder.name, key)
    if refusal is not None:
        findings.errors.insert(0, refusal)
    values |= {
        "key": key,
        "folder": _printable(folder.name),
        "legacy": not declared.usable,
        "invalid": refusal is not None,
        "has_logo": (folder / LOGO).is_file(),
        "declared": declared.said,
        "extra": declared.extra,
        "errors": findings.errors,
        "warnings": findings.warnings,
    }
    manifest = Manifest.model_construct(set(values), **{"fields": [], "actions": [], "pages": {}, **values})
    return Reading(manifest, declared, static, findings)


def _described(declared: Declared, static: StaticPlugin, findings: Findings) -> dict[str, Any]:
    """What `plugin.json` says, completed by what the class says."""
    normaliser = Normaliser(findings)
    values = normaliser.attributes(declared.said)
    for name in ATTRIBUTES:
        raw = static.values.get(name)
        if name in values or raw is None:
            continue
        if name in static.unknown:
            with findings.silence():
                value = normaliser.attribute(name, raw)
        else:
            value = normaliser.attribute(name, raw)
        if value:
            values[name] = value
    said = declared.said.get("execution", static.values.get("execution"))
    values["execution"] = execution(said, findings)
    values["unknown"] = [name for name in static.unknown if name not in declared.said]
    return values


def _refusal(folder: str, key: str) -> Problem | None:
    """Why a plugin of this name can be listed but never enabled."""
    if key in RESERVED_PLUGIN_KEYS:
        return Problem(
            path="", message=f'the key "{key}" is reserved', remedy=f"rename the folder, e.g. to {key}_plugin"
        )
    if _printable(folder) != folder:
        return Problem(path="", message="the folder's name is not UTF-8 text", remedy="rename the folder")
    if not key.strip("._") or len(token(key)) > _MAX_KEY:
        return Problem(path="", message="the folder's name makes no usable key", remedy="rename the folder")
    return None


def _printable(name: str) -> str:
    """A name that JSON can carry: half characters, from names that are no UTF-8, become `?`."""
    return name.encode("utf-8", "replace").decode()
