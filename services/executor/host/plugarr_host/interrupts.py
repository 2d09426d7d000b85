"""How a run is told to stop while its code runs."""

import ctypes


class RunInterrupted(BaseException):
    """Raised inside a run that shall stop. No `Exception`, so that `except Exception` lets it through."""


class RunCancelled(RunInterrupted):
    """Somebody cancelled the run."""


class RunTimedOut(RunInterrupted):
    """The run's time limit has passed."""


class RunRetry(BaseException):
    """Raised by `plugarr.retry`: ends this attempt, and asks for another. No `Exception`, as above."""

    def __init__(self, delay_s: float, reason: str | None) -> None:
        super().__init__(reason or "the plugin asked for another attempt")
        self.delay_s = delay_s


def raise_in_thread(thread_id: int, kind: type[RunInterrupted] | None) -> None:
    """Raise in another thread at its next byte code; None takes back what was not yet raised."""
    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), exception)
