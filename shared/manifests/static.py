"""What the text of a plugin says of its `Plugin` class, without executing any of it.

Where a list of fields or actions is known in part only, the entries that are known are listed, an entry
of which id, type, label and options are known stays without its other keys, the rest is left out and the
attribute is named in `unknown`. Every other attribute is known whole or not at all. Whatever is wrong
here is set right when the plugin is enabled and says so itself.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared.contracts.manifest import ATTRIBUTES, Problem
from shared.manifests.classes import Located, PluginClass, find_class
from shared.manifests.names import NotKnown
from shared.manifests.scopes import World
from shared.manifests.sources import Module, Sources, Unreadable

FILES: Final = ("plugin.py", "__init__.py")
"""Where a plugin may be, in this order: the second only where the first has no `Plugin`."""
READ: Final = (*ATTRIBUTES, "execution")
_IN_PARTS: Final = {
    "fields": frozenset({"id", "type", "label", "options"}),
    "actions": frozenset({"id", "label"}),
}
_MOST_PARTS: Final = 2_000


@dataclass(slots=True)
class StaticPlugin:
    """What could be read."""

    values: dict[str, Any] = field(default_factory=dict)
    """Raw values by attribute, not yet normalised."""
    unknown: list[str] = field(default_factory=list)
    """Attributes that cannot be known, or not wholly."""
    errors: list[Problem] = field(default_factory=list)
    located: dict[str, tuple[str, ast.expr]] = field(default_factory=dict)
    """File and expression of each attribute that was found."""
    file: str | None = None
    """The file that has `Plugin`, relative to the folder."""
    kind: PluginClass | None = None
    """The class, where it could be followed."""
    modules: list[Module] = field(default_factory=list)


def read_static(folder: Path) -> StaticPlugin:
    """Read a plugin's class from its folder. Never raises, whatever the files hold."""
    plugin, sources = StaticPlugin(), Sources(folder)
    for name in FILES:
        if (folder / name).is_file():
            try:
                if _read_file(plugin, sources, name):
                    plugin.file = name
                    break
            except (RecursionError, MemoryError):
                plugin.unknown = list(READ)
                break
    else:
        if not plugin.errors:
            plugin.errors.append(
                Problem(
                    path=next((name for name in FILES if (folder / name).is_file()), FILES[0]),
                    message="has no class Plugin",
                    remedy="write `class Plugin:` with a name and a method run(self, action, params, context)",
                )
            )
    return plugin


def _read_file(plugin: StaticPlugin, sources: Sources, name: str) -> bool:
    """Whether the file has a `Plugin`, as far as its text tells."""
    world = World(sources)
    try:
        module = sources.module(sources.root / name)
        plugin.modules.append(module)
        kind = find_class(world.scope(module), "Plugin")
    except Unreadable as unreadable:
        where = f"{name}:{unreadable.line}" if unreadable.line else name
        if not unreadable.broken:
            plugin.unknown = list(READ)
        plugin.errors.append(Problem(path=where, message=unreadable.message, remedy=unreadable.remedy))
        return not unreadable.broken
    except NotKnown:
        plugin.unknown = list(READ)
        return True
    if kind is None:
        return False
    plugin.kind, plugin.unknown = kind, []
    for attribute in READ:
        _read_attribute(plugin, world, kind, attribute)
    return True


def _read_attribute(plugin: StaticPlugin, world: World, kind: PluginClass, name: str) -> None:
    located: Located | None = None
    try:
        located = kind.locate(name)
        if located is None:
            return
        plugin.located[name] = (_file_of(kind), located.node)
        plugin.values[name] = world.evaluator.value(located.node, located.names)
    except NotKnown:
        plugin.unknown.append(name)
        if located is not None and name in _IN_PARTS:
            known = list(_known_entries(world, located, _IN_PARTS[name], [_MOST_PARTS]))
            if known:
                plugin.values[name] = known


def _file_of(kind: PluginClass) -> str:
    return str(kind.scope.module.file.relative_to(kind.scope.world.sources.root))


def _known_entries(  # noqa: C901 - one case per way to write a list
    world: World, located: Located, needed: frozenset[str], left: list[int]
) -> Iterator[Any]:
    """The known entries of a list that is written out, also across `+`, `*rest` and names."""
    left[0] -= 1
    if left[0] < 0:
        return
    names = located.names
    match located.node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for element in elements:
                if isinstance(element, ast.Starred):
                    yield from _known_entries(world, Located(element.value, names), needed, left)
                    continue
                try:
                    yield world.evaluator.value(element, names)
                except NotKnown:
                    entry = _known_keys(world, Located(element, names), needed)
                    if entry is not None:
                        yield entry
        case ast.BinOp(op=ast.Add(), left=before, right=after):
            yield from _known_entries(world, Located(before, names), needed, left)
            yield from _known_entries(world, Located(after, names), needed, left)
        case ast.Name(id=name) if (written := names.written(name)) is not None:
            yield from _known_entries(world, Located(*written), needed, left)
        case node:
            try:
                value = world.evaluator.value(node, names)
            except NotKnown:
                return
            if isinstance(value, list):
                yield from value


def _known_keys(world: World, located: Located, needed: frozenset[str]) -> dict[str, Any] | None:
    """The keys of an entry that are known, if those that it needs are."""
    if not isinstance(located.node, ast.Dict):
        return None
    known: dict[str, Any] = {}
    for key, value in zip(located.node.keys, located.node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        try:
            known[key.value] = world.evaluator.value(value, located.names)
        except NotKnown:
            if key.value in needed:
                return None
    return known
