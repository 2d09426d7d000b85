"""What the specification holds, found by parsing it: each element with an id that outlives its line."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SPECIFICATION = REPOSITORY.parent / "shared" / "spec" / "plugin-architecture.md"

_STATUS = re.compile(r'"status": "(\w+)"')
_ENDPOINT = re.compile(r"`?\b(GET|POST|PUT|PATCH|DELETE)\b`?[ |]+`?(/api/[^` )|]+)")
_ROUTE = re.compile(r"`(/plugins/:[^`]+)`")
_CONTEXT = re.compile(r"^\s+- (\w+): ")


@dataclass(frozen=True)
class Element:
    id: str
    """`kind:where:what`, numbered where the same stands twice."""
    line: int
    kind: str
    text: str
    """The element's own text; of a block the whole code."""


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def completed(code: str) -> str:
    """A fragment completed by the least wrapper: a line that is only `...` in a dict is left out."""
    try:
        ast.parse(code)
    except SyntaxError:
        code = "\n".join(line for line in code.splitlines() if line.strip() != "...")
        ast.parse(code)
    return code


def elements(text: str) -> list[Element]:
    """Every Python block, table row, key, parameter, endpoint, status and checkbox, in order."""
    found: list[tuple[str, str, int, str]] = []
    section, lines, index = "", text.splitlines(), 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("#"):
            section = slug(re.sub(r"^#+\s*(\d+\.)?", "", line))
        elif match := re.match(r"\*\*(\w+)\*\* - ", line):
            section = slug(match[1])
        if line.strip() == "```python":
            end = lines.index("```", index)
            found += _block(section, index + 1, lines[index + 1 : end])
            index = end
        else:
            found += _prose(section, index + 1, line, lines[index + 1] if index + 1 < len(lines) else "")
        index += 1
    seen: Counter[str] = Counter()
    made = []
    for kind, where, line_number, what in found:
        base = f"{kind}:{where}:{slug(what) if kind == 'checkbox' else what.split(chr(10))[0].strip()}"
        base = f"block:{where}" if kind == "block" else base
        seen[base] += 1
        made.append(Element(base if seen[base] == 1 else f"{base}#{seen[base]}", line_number, kind, what))
    return made


def _prose(section: str, number: int, line: str, following: str) -> Iterator[tuple[str, str, int, str]]:
    if re.match(r"- \[[ x]\] ", line):
        yield "checkbox", section, number, line[6:]
    elif (
        line.startswith("|")
        and not re.match(r"\|[-\s|]+\|$", line)
        and not re.match(r"\|[-\s|]+\|$", following)
    ):
        yield "row", section, number, " ".join(cell.strip(" `") for cell in line.strip("|").split("|")[:2])
    for method, path in _ENDPOINT.findall(line):
        yield "endpoint", section, number, f"{method} {path}"
    for route in _ROUTE.findall(line):
        yield "endpoint", section, number, route


def _block(section: str, first: int, code: list[str]) -> Iterator[tuple[str, str, int, str]]:
    yield "block", section, first, "\n".join(code)
    tree = ast.parse(completed("\n".join(code)))
    seen: set[tuple[str, str]] = set()
    for kind, line, what in (*_keys(tree, ()), *_parameters(tree)):
        if (kind, what) not in seen:
            seen.add((kind, what))
            yield kind, section, first + line, what
    for number, line in enumerate(code, first + 1):
        for status in _STATUS.findall(line):
            yield "status", section, number, status
        if match := _CONTEXT.match(line):
            yield "parameter", section, number, f"context.{match[1]}"


def _keys(node: ast.AST, path: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """Keys of dicts below the names that they are assigned to: `row_actions.confirm`."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield "key", key.lineno, ".".join((*path, str(key.value)))
                yield from _keys(value, (*path, str(key.value)))
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield from _keys(node.value, (*path, node.targets[0].id))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield from _keys(node.value, (*path, "return"))
    else:
        for child in ast.iter_child_nodes(node):
            yield from _keys(child, path)


def _parameters(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """What functions take, and what the platform's functions are called with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for argument in node.args.args:
                if argument.arg != "self":
                    yield "parameter", argument.lineno, f"{node.name}({argument.arg})"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.split(".")[0].split("(")[0] in {"self", "str", "url"}:
                continue  # the example's own
            yield "parameter", node.lineno, f"{called}()"
            for number, given in enumerate(node.args, 1):
                name = given.id if isinstance(given, ast.Name) else f"#{number}"
                yield "parameter", given.lineno, f"{called}({name})"
            for keyword in node.keywords:
                yield "parameter", keyword.value.lineno, f"{called}({keyword.arg}=)"
