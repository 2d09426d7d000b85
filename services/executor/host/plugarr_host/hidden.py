"""Keeps the platform's own packages out of a plugin's reach, where they lie in site-packages.

An installed Plugarr shares site-packages with its dependencies, which hosts need. A plugin may have a
package of its own called `shared` or `tests`, so a name is hidden in those folders only.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Final

NAMES: Final = frozenset({"services", "shared", "deploy", "tests"})


class HiddenPackages(MetaPathFinder):
    """Looks for the platform's names everywhere but in the folders given."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = frozenset(folders)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname not in NAMES:
            return None
        spec = PathFinder.find_spec(fullname, [p for p in sys.path if p not in self._folders], target)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec


def hide(folders: Sequence[str]) -> None:
    """Hide the platform's packages in these entries of `sys.path`."""
    sys.meta_path.insert(0, HiddenPackages(folders))
