"""A call into the plugin, and the guard that lets it be interrupted up to its end and not after."""

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar

from plugarr_host.interrupts import RunCancelled, RunInterrupted, RunTimedOut, raise_in_thread

T = TypeVar("T")

_KINDS: Final[dict[str, type[RunInterrupted]]] = {"cancelled": RunCancelled, "timed_out": RunTimedOut}


class Job:
    """One call; threads that it starts carry it in their context."""

    def __init__(self, number: int, run_id: str | None, depth: int, attempt: int = 1) -> None:
        self.number = number
        self.run_id = run_id
        self.depth = depth
        self.attempt = attempt
        self.asks = False
        """Whether its code has looked at its flag: then it is given time to end by itself."""
        self.interrupted: str | None = None
        """`cancelled` or `timed_out`, once somebody asked."""
        self.message: Mapping[str, Any] = {}
        """What it was called with."""
        self._thread_id: int | None = None
        self._over = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Say that this thread now runs the plugin's code."""
        with self._lock:
            self._thread_id = threading.get_ident()
            if self.interrupted is not None:
                raise _KINDS[self.interrupted]

    def interrupt(self, reason: str, *, gentle: bool = False) -> bool:
        """Raise in the job's thread, unless gentle and it looks at its flag; whether this is the first time.

        Harmless when it is over, and may be repeated if the plugin swallows it.
        """
        with self._lock:
            if self._over:
                return False
            first = self.interrupted is None
            self.interrupted = self.interrupted or reason
            if self._thread_id is not None and not (gentle and self.asks):
                raise_in_thread(self._thread_id, _KINDS[self.interrupted])
            return first

    def end(self) -> None:
        """Let nothing be raised in this thread any more: it may take another job."""
        with self._lock:
            self._over = True
            raise_in_thread(threading.get_ident(), None)


current: ContextVar[Job | None] = ContextVar("plugarr_job", default=None)
"""The job whose code runs; None for what a plugin does on its own account."""


class Outcome(Generic[T]):
    """What a guarded call gave: a value, or an exception of any kind."""

    __slots__ = ("error", "value")

    def __init__(self, value: T | None, error: BaseException | None) -> None:
        self.value = value
        self.error = error


def guarded(job: Job, work: Callable[[], T]) -> Outcome[T]:
    """Call, contain whatever is raised, and end the job. An interrupt may strike between any two lines here."""
    outcome: Outcome[T] | None = None
    while True:
        try:
            if outcome is None:
                try:
                    job.begin()
                    outcome = Outcome(work(), None)
                except BaseException as error:  # noqa: BLE001 - the border: a plugin may raise anything
                    outcome = Outcome(None, error)
            job.end()
        except RunInterrupted as late:
            outcome = outcome or Outcome(None, late)
        else:
            return outcome


def current_run() -> str | None:
    """The run in whose context this is; None for what the plugin does on its own account."""
    job = current.get()
    return job.run_id if job is not None else None
