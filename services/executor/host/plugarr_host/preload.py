"""What a launcher imports before it forks, so that no host has to.

Of the standard library, and of the host application what the plugin's code names. A plugin that brings its own
version of another package must find it not yet imported.
"""

import importlib
import os
from collections.abc import Sequence
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


_NEEDS: Final = {
    "django": ("apps.channels.models", "apps.epg.models", "apps.m3u.models", "apps.vod.models"),
    "celery": ("dispatcharr.celery", "django_celery_beat.models"),
}


def preload(needs: Sequence[str] = ()) -> None:
    """Import what plugins usually import; a Python built without one of them does without."""
    for name in _USUAL:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for need in needs:
        for name in _NEEDS.get(need, ()):
            try:
                importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 - the border: the plugin may bring packages of its own that do not fit
                os.write(2, f"[{name} cannot be imported: {error}]\n".encode())
