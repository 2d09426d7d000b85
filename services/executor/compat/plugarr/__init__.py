"""What plugins get beyond the host application's own API. `import plugarr` works in a plugin's process only."""

import math
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from plugarr_host import files, jobs
from plugarr_host.failures import (
    PlatformDenied,
    PlatformError,
    PlatformMissing,
    PlatformRefused,
    PlatformTimeout,
    PlatformUnavailable,
)
from plugarr_host.interrupts import RunCancelled, RunInterrupted, RunRetry, RunTimedOut
from plugarr_host.platform import platform
from plugarr_host.progress import throttle

__all__ = [
    "PlatformDenied",
    "PlatformError",
    "PlatformMissing",
    "PlatformRefused",
    "PlatformTimeout",
    "PlatformUnavailable",
    "RunCancelled",
    "RunInterrupted",
    "RunRetry",
    "RunTimedOut",
    "attempt",
    "cancelled",
    "emit",
    "open_file",
    "progress",
    "retry",
    "run_id",
]

_LONGEST_DELAY_S: Final = 3600.0


def progress(done: float, total: float | None = None, message: str | None = None) -> None:
    """Say how far the run is. Cheap: of many calls in a row only some are shown, the last one always."""
    for number in (done, total):
        if number is not None and not math.isfinite(number):
            raise ValueError("progress: done and total are finite numbers")
    throttle.report(
        float(done), None if total is None else float(total), None if message is None else str(message)
    )


def cancelled() -> bool:
    """Whether the run shall stop, because somebody cancelled it or its time is over.

    A run that has asked this is given 5 s to end by itself before `RunCancelled` is raised in its thread.
    """
    job = jobs.current.get()
    if job is None:
        return False
    job.asks = True
    return job.interrupted is not None


def retry(delay_s: float = 1.0, reason: str | None = None) -> NoReturn:
    """End this attempt here and have the run begin anew after a while (at most an hour).

    The run stays the same run, with its params; `plugarr.attempt` counts. After 101 attempts it has failed.
    """
    job = jobs.current.get()
    if job is None or job.run_id is None:
        raise RuntimeError("retry: only a run can be tried again")
    if not math.isfinite(delay_s) or delay_s < 0:
        raise ValueError("retry: delay_s is a number of seconds from 0")
    raise RunRetry(min(float(delay_s), _LONGEST_DELAY_S), None if reason is None else str(reason))


def emit(event: str, payload: Mapping[str, Any] | None = None) -> None:
    """Publish an event, to which actions of any plugin can be bound."""
    platform.call("event.emit", event=event, payload=payload or {})


def open_file(file: str | Mapping[str, Any]) -> IO[bytes]:
    """Read a file that a user handed to this plugin, by its id or by the value of its field."""
    return files.open_file(file)


def __getattr__(name: str) -> Any:
    if name == "run_id":
        return jobs.current_run()
    if name == "attempt":
        job = jobs.current.get()
        return job.attempt if job is not None else 1
    raise AttributeError(f"module 'plugarr' has no attribute {name!r}")
