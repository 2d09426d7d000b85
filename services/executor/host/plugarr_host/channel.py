"""The socket to the executor: frames out from any thread, answers in to the thread that waits for them."""

import itertools
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugarr_host import frames, jobs
from plugarr_host.failures import PlatformError, failure_of
from plugarr_host.values import encode

CALL_TIMEOUT_S: Final = 30.0
_READ: Final = json.JSONDecoder().decode
"""Taken before the plugin is loaded: some put a `json.loads` of their own in place."""
_SLICE_S: Final = 0.2
"""A thread that waits looks up this often, since an interrupt only strikes between byte codes."""


class _Pending:
    __slots__ = ("answer", "ready")

    def __init__(self) -> None:
        self.ready = threading.Lock()
        self.ready.acquire()
        self.answer: Mapping[str, Any] = {}


class Channel:
    """One host's end of its socket."""

    def __init__(self, sock: socket.socket, silence_s: float) -> None:
        """`silence_s`: how long the executor may say nothing, not even a heartbeat."""
        self._sock = sock
        self._owner = os.getpid()
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        # A receive time-out in the kernel leaves the socket blocking for the threads that send.
        limit = struct.pack("ll", int(silence_s), int(silence_s % 1 * 1_000_000))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    @property
    def is_ours(self) -> bool:
        """Whether this is the host itself, and not a process that the plugin forked from it."""
        return os.getpid() == self._owner

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """What the executor sends, until it closes the socket or says nothing for too long."""
        decoder = frames.FrameDecoder()
        while True:
            try:
                data = self._sock.recv(256 * 1024)
            except (BlockingIOError, ConnectionError):
                return
            if not data:
                return
            yield from decoder.feed(data)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message whole; blocks while the executor does not read."""
        frame = frames.pack(message)
        with self._sending:
            self._sock.sendall(frame)

    def answered(self, message: Mapping[str, Any]) -> None:
        """Wake the thread that waits for this answer, if it still does."""
        if pending := self._pending.pop(message["id"], None):
            pending.answer = message
            pending.ready.release()

    def call(self, method: str, args: Mapping[str, Any], timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Ask the platform. Raises `PlatformError` in the flavour of the failure, TimeoutError among them."""
        if not self.is_ours:
            raise PlatformError(
                f"{method}: only the plugin's own process can ask the platform, not one it forked"
            )
        job = jobs.current.get()
        number = next(self._numbers)
        pending = self._pending[number] = _Pending()
        try:
            self.send(
                {
                    "t": "call",
                    "id": number,
                    "run": job.run_id if job else None,
                    "depth": job.depth if job else 0,
                    "method": method,
                    "args": encode(args, method),
                }
            )
            self._wait(pending, method, timeout_s)
        finally:
            self._pending.pop(number, None)
        if error := pending.answer.get("error"):
            raise failure_of(error["code"], error["message"], error.get("path"))
        return _READ(pending.answer["value"].decode())

    def _wait(self, pending: _Pending, method: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            if pending.ready.acquire(timeout=max(0.0, min(_SLICE_S, left))):
                return
            if left <= 0:
                raise failure_of("timed_out", f"{method} was not answered within {timeout_s:g} s")
