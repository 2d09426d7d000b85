"""What of the host application a plugin's code names: its launcher imports that once, before hosts are forked."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

Need = Literal["django", "celery"]

_DJANGO: Final = re.compile(
    rb"\bdjango|\bapps\.(?:channels|epg|m3u|vod|accounts)\b|\bcore\.(?:models|scheduling)\b"
    rb"|\bfrom core import|\bfrom apps import|\blog_system_event\b|\bdispatcharr\.|\bcelery\b"
)
_CELERY: Final = re.compile(rb"\bcelery\b|\bcore\.scheduling\b|\bapps\.\w+\.tasks\b")
_MOST_FILES: Final = 2000
_MOST_BYTES: Final = 4 * 1024 * 1024


def needs_of(folder: Path) -> frozenset[Need]:
    """A guess from the text of its files; what it misses is only set up later, and costs the plugin 0.2 s then."""
    found: set[Need] = set()
    for text in _texts(folder):
        if _DJANGO.search(text):
            found.add("django")
        if _CELERY.search(text):
            return frozenset(("django", "celery"))
    return frozenset(found)


def _texts(folder: Path) -> Iterator[bytes]:
    count = 0
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if not name.endswith(".py"):
                continue
            count += 1
            if count > _MOST_FILES:
                return
            try:
                # No link of the plugin's makes us read another's file.
                descriptor = os.open(Path(base, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                with os.fdopen(descriptor, "rb") as file:
                    yield file.read(_MOST_BYTES)
            except OSError:
                continue
