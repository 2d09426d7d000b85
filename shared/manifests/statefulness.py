"""What in a plugin's code speaks against running it in several places at once: a heuristic on its text."""

import ast
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from shared.manifests.sources import Unreadable, parse

_MODULES: Final = frozenset(
    {
        "asyncio",
        "concurrent",
        "fcntl",
        "gevent",
        "multiprocessing",
        "sched",
        "shelve",
        "shutil",
        "signal",
        "socket",
        "socketserver",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
    }
)
_FILE_CALLS: Final = frozenset(
    {"write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink", "rename", "remove", "rmtree"}
)
_MOST_FILES: Final = 24
_MOST_BYTES: Final = 128 * 1024
_HOOKS: Final = frozenset({"stop", "on_enable", "on_disable"})

Reason = tuple[int, str]
"""Line, and what stands there."""


def seems_stateless(folder: Path) -> bool:
    """Whether nothing in a plugin's own modules speaks for one home; False for what is too much to read."""
    files = list(islice(own_files(folder), _MOST_FILES + 1))
    if len(files) > _MOST_FILES:
        return False
    try:
        if sum(file.stat().st_size for file in files) > _MOST_BYTES:
            return False
        return not any(True for file in files for _ in reasons_for_one_home(parse(file)))
    except (OSError, Unreadable, RecursionError, SystemError):  # Python's own parser on nested code
        return False


def own_files(folder: Path) -> Iterator[Path]:
    """A plugin's modules, without what it brings along."""
    for file in sorted(folder.rglob("*.py")):
        inner = file.relative_to(folder)
        if not any(part.startswith(".") or part in {"vendor", "tests"} for part in inner.parts):
            yield file


def reasons_for_one_home(tree: ast.Module) -> Iterator[Reason]:
    """Threads, processes, sockets, files, globals and state of the instance."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from _imports(node.lineno, (alias.name for alias in names))
            case ast.ImportFrom(module=str(module), level=0):
                yield from _imports(node.lineno, (module,))
            case ast.Global(names=names):
                yield node.lineno, f"changes the global {', '.join(names)}"
            case ast.Call(func=ast.Name(id="open")):
                yield node.lineno, "opens a file"
            case ast.Call(func=ast.Attribute(attr=method)) if method in _FILE_CALLS:
                yield node.lineno, f"changes files ({method})"
            case ast.ClassDef(name="Plugin", body=body):
                yield from _instance_state(body)
            case _:
                pass


def _imports(line: int, names: Iterable[str]) -> Iterator[Reason]:
    for name in names:
        if name.split(".", 1)[0] in _MODULES:
            yield line, f"imports {name}"


def _instance_state(body: Iterable[ast.stmt]) -> Iterator[Reason]:
    for method in body:
        if not isinstance(method, ast.FunctionDef) or not method.args.args:
            continue
        if method.name in _HOOKS:
            yield method.lineno, f"has {method.name}()"
        if method.name == "__init__":
            continue
        me = method.args.args[0].arg
        for node in ast.walk(method):
            match node:
                case ast.Attribute(value=ast.Name(id=owner), attr=name, ctx=ast.Store()) if owner == me:
                    yield node.lineno, f"keeps {name} in the instance"
                case _:
                    pass
