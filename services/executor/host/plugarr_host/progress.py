"""Progress of a run, told at most twenty times a second."""

import threading
import time
from typing import Final

from plugarr_host import jobs
from plugarr_host.logs import clip
from plugarr_host.platform import platform

_INTERVAL_S: Final = 0.05
_Report = tuple[float, float | None, str | None]


class _Throttle:
    """Keeps the newest report of a run until it may be told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._waiting: dict[str, _Report] = {}

    def report(self, done: float, total: float | None, message: str | None) -> None:
        """Tell it now, or keep it if the run told something a moment ago."""
        job = jobs.current.get()
        if job is None or job.run_id is None:
            return
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(job.run_id, 0.0) < _INTERVAL_S and done != total:
                self._waiting[job.run_id] = (done, total, message)
                return
            self._told[job.run_id] = now
            self._waiting.pop(job.run_id, None)
        _tell(done, total, message)

    def finish(self, run_id: str | None) -> None:
        """Tell what is still waiting, in the context of the run that ends."""
        with self._lock:
            if run_id is None or self._told.pop(run_id, None) is None:
                return
            waiting = self._waiting.pop(run_id, None)
        if waiting is not None:
            _tell(*waiting)


def _tell(done: float, total: float | None, message: str | None) -> None:
    platform.tell("progress", done=done, total=total, message=None if message is None else clip(message))


throttle = _Throttle()
