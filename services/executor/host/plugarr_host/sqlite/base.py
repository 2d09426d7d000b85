"""A transaction that is open for too long is rolled back, and its own plugin gets the error.

One plugin that forgets itself inside `transaction.atomic()` would otherwise hold up all others for ever.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from plugarr_host.commits import SendsHeldWrites
from plugarr_host.host_database import LONGEST_S

_EXPIRED: Final = (
    f"this transaction was open for more than {LONGEST_S:g} s and was rolled back: "
    "other plugins cannot write meanwhile. Do what takes long outside of transaction.atomic()."
)


class DatabaseWrapper(SendsHeldWrites, base.DatabaseWrapper):  # type: ignore[misc]  # Django has no types
    """Django's own, with a watch on its transactions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.began: float | None = None
        """When the open transaction began."""
        self._expired = False
        # One statement at a time against the watch: it must not roll back between a look and a statement,
        # which would then stand outside of any transaction.
        self._turn = threading.RLock()
        self.execute_wrappers.append(self._execute_in_turn)

    def _execute_in_turn(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        with self._turn:
            self._look()
            return execute(sql, params, many, context)

    def _look(self) -> None:
        if self._expired:
            raise OperationalError(_EXPIRED)

    def _start_transaction_under_autocommit(self) -> None:
        super()._start_transaction_under_autocommit()
        self.began = time.monotonic()
        _watch.over(self)

    def _commit(self) -> None:
        with self._turn:
            self._look()
            super()._commit()
            self.began = None

    def _rollback(self) -> None:
        with self._turn:
            super()._rollback()
            self.began, self._expired = None, False

    def _close(self) -> None:
        with self._turn:
            super()._close()
            self.began, self._expired = None, False

    def expire(self) -> None:
        """Roll back what is open for too long; the next statement of its thread says so."""
        raw: sqlite3.Connection | None = self.connection
        if raw is not None:
            raw.interrupt()  # a statement that runs just now ends, and lets go of its turn
        with self._turn:
            if self.began is None or time.monotonic() - self.began < LONGEST_S or self.connection is None:
                return
            self._expired = True
            with contextlib.suppress(sqlite3.Error):
                self.connection.rollback()


class _Watch:
    """One thread for all connections of this process; started with the first transaction."""

    def __init__(self) -> None:
        self._open: set[DatabaseWrapper] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def over(self, wrapper: DatabaseWrapper) -> None:
        """Watch a connection that has begun a transaction."""
        with self._lock:
            self._open.add(wrapper)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="plugarr-transactions", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(1.0)
            now = time.monotonic()
            with self._lock:
                self._open = {wrapper for wrapper in self._open if wrapper.began is not None}
                late = [w for w in self._open if w.began is not None and now - w.began >= LONGEST_S]
            for wrapper in late:
                wrapper.expire()


_watch = _Watch()
