"""Threads for calls: idle ones are used again, and a hung one never holds back another call."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

_IDLE_AT_MOST: Final = 16


class Workers:
    """A pool that grows by need. How many calls run at once is the executor's to bound."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._count = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Do the work in a thread that is free, or in a new one. `work` raises nothing."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            else:
                self._count += 1
                # Started with an empty context: a call shares nothing with the one that made its thread.
                threading.Thread(target=self._serve, name=f"plugarr-run-{self._count}", daemon=True).start()
            self._queue.put(work)

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            del work  # what a call held is free before the next one comes
            with self._lock:
                if self._idle >= _IDLE_AT_MOST:
                    return
                self._idle += 1
