"""A manifest that is larger than its bucket takes goes without what makes it so large, and says it.

It still names the plugin and its package: enabled, the plugin works, and says the rest of itself when loaded.
"""

from typing import Any, Final

from shared.contracts.base import INLINE_LIMIT
from shared.contracts.manifest import ATTRIBUTES, Manifest, Problem

_EMPTY: Final[dict[str, Any]] = {"declared": {}, "extra": {}, "pages": {}, "fields": [], "actions": []}


def fitted(manifest: Manifest) -> bytes:
    """The manifest's bytes, at most 512 KiB of them."""
    data = manifest.to_bytes()
    if len(data) <= INLINE_LIMIT:
        return data
    whole = len(data)
    sizes = {name: len(manifest.model_dump_json(include={name})) for name in _EMPTY}
    left_out: list[str] = []
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        left_out.append(name)
        manifest = manifest.model_copy(update={name: _EMPTY[name]})
        data = _noted(manifest, left_out, whole).to_bytes()
        if len(data) <= INLINE_LIMIT:
            return data
    bare = Manifest.model_validate(
        {"key": manifest.key, "folder": manifest.folder, "name": manifest.key}
        | {name: getattr(manifest, name) for name in ("digest", "package", "previous", "epoch", "generation")}
    )
    return _noted(bare, ["everything"], whole).to_bytes()


def _noted(manifest: Manifest, left_out: list[str], whole: int) -> Manifest:
    problem = Problem(
        path="",
        message=f"says {whole:,} bytes of itself, more than {INLINE_LIMIT:,}: left out are {', '.join(left_out)}",
        remedy="say less in plugin.json and in the class; keep long lists in plugin data",
    )
    unknown = [name for name in left_out if name in ATTRIBUTES and name not in manifest.unknown]
    return manifest.model_copy(
        update={"errors": [problem, *manifest.errors], "unknown": [*manifest.unknown, *unknown]}
    )
