"""How much one client, and one user, may ask for."""

import time
from collections.abc import Callable
from typing import Final

from shared.contracts.live import MAX_TOPICS

MOST_TOPICS: Final = MAX_TOPICS
BACKLOG: Final = 1024 * 1024
"""Bytes that a client may leave unread; more, and it is told so and let go."""
AUTHENTICATE_WITHIN_S: Final = 10.0
RECHECK_EVERY_S: Final = 30.0
"""So often it is asked again whether the user may still be here; sooner where the user changes."""


class Bucket:
    """A token bucket: so many at once, and so many a second."""

    def __init__(self, per_s: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left = burst
        self._at = clock()

    def take(self, count: float = 1) -> bool:
        """Whether so many are allowed now; they are then counted."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < count:
            return False
        self._left -= count
        return True
