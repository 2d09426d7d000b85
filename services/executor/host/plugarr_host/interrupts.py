"""How a run is told to stop while its code runs."""

import ctypes


class RunInterrupted(BaseException):
    """Raised inside a run that shall stop. No `Exception`, so that `except Exception` lets it through."""


class RunCancelled(RunInterrupted):
    """Somebody cancelled the run."""


class RunTimedOut(RunInterrupted):
    """The run's time limit has passed."""


def raise_in_thread(thread_id: int, kind: type[RunInterrupted] | None) -> None:
    """Raise in another thread at its next byte code; None takes back what was not yet raised."""
    exception = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), exception)
