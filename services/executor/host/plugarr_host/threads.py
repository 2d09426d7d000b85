"""Threads that a run starts belong to the run: they carry its context, and with it its log."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from plugarr_host.host_database import close_connections

P = ParamSpec("P")
T = TypeVar("T")


def _carrying(thread: threading.Thread, run: Callable[[], None]) -> Callable[[], None]:
    context = copy_context()

    def in_context() -> None:
        # `self.run` of an instance would keep the thread alive through a reference cycle.
        thread.__dict__.pop("run", None)
        try:
            run()
        except SystemExit:
            return
        except BaseException as error:  # noqa: BLE001 - the border: reported inside the context, as a thread does outside
            threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        finally:
            close_connections()

    return lambda: context.run(in_context)


def carry_context() -> None:
    """Make `Thread.start` and `ThreadPoolExecutor.submit` carry the caller's context."""
    start = threading.Thread.start
    submit = ThreadPoolExecutor.submit

    def start_with_context(self: threading.Thread) -> None:
        if not self._started.is_set():  # type: ignore[attr-defined]  # else `start` says what is wrong
            self.run = _carrying(self, self.run)  # type: ignore[method-assign]
        start(self)

    def submit_with_context(
        self: ThreadPoolExecutor, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        run: Any = copy_context().run
        future: Future[T] = submit(self, run, fn, *args, **kwargs)
        return future

    threading.Thread.start = start_with_context  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submit_with_context  # type: ignore[method-assign,assignment]
