"""A bus that could not write is started again: nats-server 2.15 leaves a stream shut until then (ADR 30).

Its log is what tells: each message that it refuses leaves a line, for as long as the stream is shut.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOM_BYTES: Final = 64 * 1024 * 1024
"""With less than this it would soon be shut again."""
_REFUSED: Final = re.compile(rb"JetStream failed to store a msg on stream [^\n]*: write ")
_PAUSE_S: Final = 30.0
_MOST_READ: Final = 256 * 1024


class StorageWatch:
    """Looks at the log, and restarts where writes fail although there is room."""

    def __init__(self, *, log: Path, store: Path, restart: Callable[[], None]) -> None:
        self._log = log
        self._store = store
        self._restart = restart
        self._read_to = _size(log)
        self._had_room = False
        self._restarted_at = float("-inf")

    def look(self) -> None:
        """Look once; every few seconds."""
        said = self._said()
        had_room, self._had_room = self._had_room, _room(self._store) >= ROOM_BYTES
        # There was room before these lines were written, too: they are not of the full disk itself.
        if not (had_room and self._had_room and _REFUSED.search(said)):
            return
        if time.monotonic() - self._restarted_at > _PAUSE_S:
            self._restarted_at = time.monotonic()
            self._restart()

    def _said(self) -> bytes:
        """What was logged since the last look, its end at least."""
        size = _size(self._log)
        begin = self._read_to if self._read_to <= size else 0  # it was begun anew
        self._read_to = size
        try:
            with self._log.open("rb") as file:
                file.seek(max(begin, size - _MOST_READ))
                return file.read(_MOST_READ)
        except OSError:
            return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _room(folder: Path) -> int:
    """Bytes that may still be written there."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
