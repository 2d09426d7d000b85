"""`import <folder>.helper`: the plugin's folder as a package of its own name, a second copy of its modules."""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


class AliasPackage(ModuleType):
    """A package that runs the folder's `__init__.py` only for a name that nothing else in the folder gives.

    Importing a helper by the folder's name must not start what `__init__.py` starts: where `plugin.py` is
    the plugin, `__init__.py` is not run at all.
    """

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.__path__ = [str(folder)]
        self.__package__ = name
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self.__spec__.submodule_search_locations = self.__path__
        init = folder / "__init__.py"
        self.__dict__["_plugarr_init"] = init if init.is_file() else None
        if init.is_file():
            self.__file__ = str(init)

    def __getattr__(self, name: str) -> Any:
        init = self.__dict__["_plugarr_init"]
        is_module = PathFinder.find_spec(f"{self.__name__}.{name}", self.__path__) is not None
        if init is not None and not name.startswith("__") and not is_module:
            self.__dict__["_plugarr_init"] = None
            exec(compile(init.read_bytes(), str(init), "exec"), self.__dict__)  # noqa: S102 - the plugin's own code, in its own process
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def register(name: str, folder: Path) -> None:
    """Make the folder importable by its name."""
    sys.modules[name] = AliasPackage(name, folder)
