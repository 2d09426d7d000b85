"""What a launcher imports before it forks, so that no host has to.

Of the standard library only: a plugin that brings its own version of a package must find it not yet imported.
"""

import importlib
from typing import Final

_USUAL: Final = (
    "concurrent.futures",
    "csv",
    "datetime",
    "decimal",
    "email.message",
    "hashlib",
    "http.client",
    "logging.handlers",
    "random",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "urllib.request",
    "uuid",
    "xml.etree.ElementTree",
    "zoneinfo",
)


def preload() -> None:
    """Import what plugins usually import; a Python built without one of them does without."""
    for name in _USUAL:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
