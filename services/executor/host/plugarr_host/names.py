"""Module names of plugins."""

import sys
from importlib.machinery import PathFinder
from pathlib import Path


def package_name(key: str) -> str:
    """`_dispatcharr_plugin_<safe key>`: what no identifier has becomes `_`, a leading digit gets `p_`."""
    safe = "".join(char if f"a{char}".isidentifier() else "_" for char in key) or "_"
    if not safe.isidentifier():
        safe = f"p_{safe}"
    return f"_dispatcharr_plugin_{safe}"


def is_free(name: str, plugins_dir: Path) -> bool:
    """Whether a folder's name can stand for its plugin: an identifier that nothing else is imported by."""
    if not name.isidentifier() or name in sys.modules or name in sys.stdlib_module_names:
        return False
    elsewhere = [entry for entry in sys.path if Path(entry) != plugins_dir]
    return PathFinder.find_spec(name, elsewhere) is None
