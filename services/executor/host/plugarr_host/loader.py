"""Imports a plugin's folder by the rules that plugins rely on, and finds its `Plugin`."""

import importlib.util
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from plugarr_host import alias
from plugarr_host.names import is_free, package_name


class LoadError(Exception):
    """The plugin cannot be loaded; the message is one line, `details` the tracebacks."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def load(key: str, folder: Path, plugins_dir: Path) -> Any:
    """Import the plugin and make its one instance. Raises `LoadError`, whatever the plugin raises."""
    package = package_name(key)
    if is_free(folder.name, plugins_dir):
        alias.register(folder.name, folder)
    attempts: list[tuple[str, Callable[[], ModuleType]]] = []
    if (folder / "plugin.py").is_file():
        attempts.append(("plugin.py", lambda: _load_module(package, folder)))
    if (folder / "__init__.py").is_file():
        attempts.append(("__init__.py", lambda: _load_package(package, folder)))
    if not attempts:
        raise LoadError("the plugin's folder has neither plugin.py nor __init__.py")
    return _first_instance(attempts)


def _first_instance(attempts: Sequence[tuple[str, Callable[[], ModuleType]]]) -> Any:
    faults: list[str] = []
    details: list[str] = []
    for name, attempt in attempts:
        try:
            plugin = getattr(attempt(), "Plugin", None)
            if plugin is None:
                faults.append(f"{name} has no Plugin")
                continue
            return plugin()
        except BaseException as error:  # noqa: BLE001 - the border: a plugin may raise anything, SystemExit too
            faults.append(f"{name}: {one_line(error)}")
            details.append("".join(traceback.format_exception(error)))
    raise LoadError("; ".join(faults), "\n".join(details))


def _load_module(package: str, folder: Path) -> ModuleType:
    """`<package>.plugin` from plugin.py; `__init__.py` lends its place to a package that runs nothing."""
    bare = ModuleType(package)
    bare.__path__ = [str(folder)]
    bare.__package__ = package
    bare.__spec__ = ModuleSpec(package, None, is_package=True)
    bare.__spec__.submodule_search_locations = bare.__path__
    sys.modules[package] = bare
    module = _execute(f"{package}.plugin", folder / "plugin.py", None)
    bare.plugin = module  # type: ignore[attr-defined]  # as the import system binds a submodule
    return module


def _load_package(package: str, folder: Path) -> ModuleType:
    return _execute(package, folder / "__init__.py", [str(folder)])


def _execute(name: str, file: Path, search: list[str] | None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} cannot be loaded as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    # A module may put something else in its own place, as it may anywhere in Python.
    return sys.modules.get(name, module)


def forget_byte_code(folder: Path) -> None:
    """Remove compiled modules: they are matched by second and size, which two versions can share."""
    for base, folders, _ in os.walk(folder):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            shutil.rmtree(Path(base, "__pycache__"), ignore_errors=True)


def text_of(error: BaseException) -> str:
    """`str(error)`, which a plugin's exception may itself refuse."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the border: __str__ is the plugin's
        text = ""
    return text.encode(errors="replace").decode()[:16_384]


def one_line(error: BaseException) -> str:
    """Kind and text of an exception in one line."""
    text = " ".join(text_of(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
