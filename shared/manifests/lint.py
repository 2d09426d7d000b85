"""Everything that is wrong with a plugin, for its author: file, line, path in the document, remedy."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

from shared.contracts.manifest import Problem
from shared.contracts.ui import validate_values
from shared.manifests.plugin_json import FILE
from shared.manifests.reader import Reading, is_plugin, read
from shared.manifests.sources import Unreadable, parse
from shared.manifests.statefulness import own_files, reasons_for_one_home
from shared.manifests.static import FILES

Severity = Literal["error", "warning", "hint"]
_ORDER: Final = {"error": 0, "warning": 1, "hint": 2}
_MOST_FILES: Final = 500
_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[]+)")
_PORTABLE: Final = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend (`error`: it has no effect or fails), to look at (`warning`), or to know (`hint`)."""

    severity: Severity
    file: str
    line: int | None
    path: str
    message: str
    remedy: str | None

    def document(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


def lint(folder: Path) -> list[Finding]:
    """The findings of one plugin folder, worst first. Nothing of the plugin is executed."""
    if not is_plugin(folder):
        remedy = f"write {FILES[0]} with a class Plugin (`plugarr new` makes one)"
        return [Finding("error", FILES[0], None, "", "is missing: this folder is no plugin", remedy)]
    reading = read(folder)
    trees, broken = _own_modules(folder)
    found = [
        *_told(reading, "error", [*reading.manifest.errors, *reading.manifest.warnings]),
        *_told(reading, "warning", reading.findings.hints),
        *(finding for finding in broken if not _is_told(reading, finding)),
        *_class(reading),
        *_defaults(reading),
        *_modals(reading),
        *_imports(trees),
        *_placement(reading, trees),
    ]
    return sorted(found, key=lambda one: (_ORDER[one.severity], one.file, one.line or 0))


def _told(reading: Reading, severity: Severity, problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        file, line = _place(reading, problem.path)
        path = "" if problem.path.startswith(file) else problem.path
        yield Finding(severity, file, line, path, problem.message, problem.remedy)


def _is_told(reading: Reading, finding: Finding) -> bool:
    return any(problem.path.split(":", 1)[0] == finding.file for problem in reading.manifest.errors)


def _place(reading: Reading, path: str) -> tuple[str, int | None]:
    """File and line that a path speaks of, as near as literals allow."""
    file, _, line = path.partition(":")
    if file == FILE or file.endswith(".py"):
        return file, int(line) if line.isdigit() else None
    root = re.split(r"[.\[]", path, maxsplit=1)[0]
    if root in reading.declared.said or root in reading.declared.extra:
        return FILE, None
    if root in reading.static.located:
        where, node = reading.static.located[root]
        return where, _deepest(node, path[len(root) :]).lineno
    return reading.static.file or FILES[0], None


def _deepest(node: ast.expr, path: str) -> ast.expr:
    """The expression that a path below a literal leads to, as far as it is written out."""
    for index, key in _STEP.findall(path):
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements) if index and int(index) < len(elements):
                node = elements[int(index)]
            case ast.Dict(keys=keys, values=values):
                at = [i for i, k in enumerate(keys) if isinstance(k, ast.Constant) and k.value == key]
                if not at:
                    return node
                node = values[at[-1]]
            case _:
                return node
    return node


def _class(reading: Reading) -> Iterator[Finding]:
    static, manifest = reading.static, reading.manifest
    file = static.file or FILES[0]
    if static.kind is not None and static.kind.has("run") is False:
        yield Finding(
            "error", file, static.kind.node.lineno, "run", "is missing: no action can be run",
            "write `def run(self, action, params, context): …` that returns a dict",
        )  # fmt: skip
    if "name" not in {*static.values, *static.unknown, *reading.declared.said}:
        yield Finding(
            "warning", file, None, "name", "is missing: the folder's name is shown", 'write name = "…"'
        )
    if _PORTABLE.fullmatch(manifest.key) is None:
        yield Finding(
            "warning", ".", None, "", f'the key "{manifest.key}" changes when the plugin is imported as ZIP',
            "name the folder with a-z, 0-9 and _ only",
        )  # fmt: skip
    for name in manifest.unknown:
        severity: Severity = "error" if name == "execution" else "hint"
        remedy = "write a literal" if name == "execution" else f"write a literal, or say it in {FILE}"
        where, line = _place(reading, name)
        yield Finding(severity, where, line, name, "is known only when the plugin runs", remedy)
    if manifest.legacy:
        remedy = f"write {FILE} with name, version, description, author"
        yield Finding("hint", FILE, None, "", "is missing: the plugin is listed as a legacy one", remedy)


def _defaults(reading: Reading) -> Iterator[Finding]:
    """Defaults that a user could not have entered."""
    for index, field in enumerate(reading.manifest.fields):
        if field.default is None:
            continue
        alone = field.model_copy(update={"default": None, "required": False})
        for below, message in validate_values([alone], {field.id: field.default}):
            path = f"fields[{index}].default{below[len(field.id) :]}"
            file, line = _place(reading, path)
            yield Finding("warning", file, line, path, message, "give a default that fits the field")


def _modals(reading: Reading) -> Iterator[Finding]:
    for name, page in reading.manifest.pages.items():
        nodes = list(_nodes(page.document(), f"pages.{name}"))
        modals = {node.get("id") for _, node in nodes if node.get("type") in {"modal", "drawer"}}
        for path, node in nodes:
            opens = node.get("opens")
            if isinstance(opens, str) and opens not in modals:
                file, line = _place(reading, f"{path}.opens")
                message = f'there is no modal or drawer "{opens}" on this page'
                yield Finding(
                    "warning", file, line, f"{path}.opens", message, "add it, or name one that is there"
                )


def _nodes(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, below in value.items():
            yield from _nodes(below, f"{path}.{key}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _nodes(below, f"{path}[{index}]")


def _own_modules(folder: Path) -> tuple[dict[str, ast.Module], list[Finding]]:
    """The plugin's modules without what it brings along, and those that cannot be read."""
    trees: dict[str, ast.Module] = {}
    broken: list[Finding] = []
    for file in islice(own_files(folder), _MOST_FILES):
        inner = file.relative_to(folder)
        try:
            trees[str(inner)] = parse(file)
        except Unreadable as unreadable:
            severity: Severity = "error" if unreadable.broken else "hint"
            broken.append(
                Finding(severity, str(inner), unreadable.line, "", unreadable.message, unreadable.remedy)
            )
    return trees, broken


def _imports(trees: dict[str, ast.Module]) -> Iterator[Finding]:
    for file, tree in trees.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if any(name == "apps.proxy" or name.startswith("apps.proxy.") for name in names):
                assert isinstance(node, ast.Import | ast.ImportFrom)
                yield Finding(
                    "error", file, node.lineno, "", "imports apps.proxy, the live stream proxy, which no plugin reaches here",
                    "guard the import and do without",
                )  # fmt: skip


def _placement(reading: Reading, trees: dict[str, ast.Module]) -> Iterator[Finding]:
    """Whether the plugin could run everywhere, or says so although it should not."""
    reasons = [(file, line, why) for file, tree in trees.items() for line, why in reasons_for_one_home(tree)]
    anywhere = reading.manifest.execution.placement == "any"
    if anywhere:
        for file, line, why in reasons[:5]:
            message = f'{why}, but the plugin says "placement": "any"'
            yield Finding(
                "warning", file, line, "execution.placement", message, 'say "home", or keep no state'
            )
    elif not reasons and reading.static.kind is not None:
        yield Finding(
            "hint", FILE, None, "execution.placement",
            "the plugin seems to keep no state: it could run on every executor",
            'say "execution": {"placement": "any"}',
        )  # fmt: skip
