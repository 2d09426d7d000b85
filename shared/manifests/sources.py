"""A plugin's own modules, parsed but never executed, within bounds of size and number."""

import ast
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.manifests.bindings import Bindings, Imported, collect

MAX_SOURCE: Final = 1024 * 1024
"""Bytes of one file: parsing takes about a second and a hundred times as much memory."""
MAX_MODULES: Final = 24


class Unreadable(Exception):
    """A module that cannot be read as it stands, with its line where there is one."""

    def __init__(self, message: str, remedy: str, line: int | None = None, *, broken: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.line = line
        self.broken = broken
        """Whether Python cannot read it either."""


@dataclass(slots=True, eq=False)
class Module:
    """One parsed file."""

    file: Path
    tree: ast.Module
    bindings: Bindings


def parse(file: Path) -> ast.Module:
    """The syntax tree of a file; raises `Unreadable` and nothing else."""
    try:
        if file.stat().st_size > MAX_SOURCE:
            raise Unreadable(
                f"is larger than {MAX_SOURCE // 1024} KiB and was not read",
                "keep large data in files of their own",
                broken=False,
            )
        source = file.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an author's invalid escape is no business of our log
            return ast.parse(source)
    except SyntaxError as error:
        raise Unreadable(f"is not valid Python: {error.msg}", "mend the syntax", error.lineno) from error
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}", "mend the file's permissions") from error
    except ValueError as error:
        raise Unreadable(f"is not valid Python: {error}", "save it as UTF-8 text") from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable("is nested too deeply to be read", "split long expressions", broken=False) from error


class Sources:
    """The modules of one plugin, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = root.resolve()
        self._modules: dict[Path, Module | Unreadable] = {}

    def module(self, file: Path) -> Module:
        """The parsed file; raises `Unreadable`."""
        known = self._modules.get(file)
        if known is None:
            known = self._modules[file] = self._read(file)
        if isinstance(known, Unreadable):
            raise known
        return known

    def imported(self, importer: Path, imported: Imported) -> Module | None:
        """The plugin's module that an import names; None for modules of others and for unreadable ones."""
        file = self._file(importer, imported)
        if file is None:
            return None
        try:
            return self.module(file)
        except Unreadable:
            return None

    def _read(self, file: Path) -> Module | Unreadable:
        if len(self._modules) >= MAX_MODULES:
            return Unreadable("was not read: there are many", "define Plugin in plugin.py", broken=False)
        try:
            tree = parse(file)
            return Module(file, tree, collect(tree.body))
        except Unreadable as unreadable:
            return unreadable
        except RecursionError:
            return Unreadable("is nested too deeply to be read", "split long expressions", broken=False)

    def _file(self, importer: Path, imported: Imported) -> Path | None:
        parts = [part for part in imported.module.split(".") if part]
        if imported.level:
            base = importer.parent
            for _ in range(imported.level - 1):
                base = base.parent
        else:
            if not parts or parts[0] in sys.stdlib_module_names:
                return None
            base = self.root
            if parts[0] == self.root.name:
                parts = parts[1:]
        for candidate in (base.joinpath(*parts[:-1], f"{parts[-1]}.py"),) if parts else ():
            if self._is_own(candidate):
                return candidate
        package = base.joinpath(*parts, "__init__.py")
        return package if self._is_own(package) else None

    def _is_own(self, file: Path) -> bool:
        """Whether the file exists and really lies in the plugin's folder."""
        try:
            return file.is_file() and file.resolve().is_relative_to(self._real_root)
        except (OSError, ValueError):
            return False
