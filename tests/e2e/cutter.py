"""A way to the gateway that breaks where a test says so."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

Breaks = Callable[[str], bool]
"""Whether the answer to a request for this path breaks off."""


@dataclass(eq=False)
class _Connection:
    near: socket.socket
    far: socket.socket
    path: str
    passed: int = 0
    """Bytes that its client has been sent."""

    def end(self) -> None:
        for one in (self.near, self.far):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class Cutter:
    """Passes connections on to a port, and ends them without a word."""

    def __init__(self, port: int, breaks: Breaks = lambda _path: False, *, half: bool = False) -> None:
        """`half`: what breaks does so before the answer's last byte, else before its first."""
        self._target = port
        self._breaks = breaks
        self._half = half
        self._changed = threading.Condition()
        self._open: list[_Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.websockets = 0
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, passed: int) -> None:
        """Wait for a WebSocket over which its client has got so many bytes, and end every connection."""
        with self._changed:
            there = self._changed.wait_for(lambda: any(self._listens(one, passed) for one in self._open), 30)
            assert there, f"no WebSocket that has passed {passed} bytes"
            self._end_all()

    def close(self) -> None:
        self._listener.close()
        with self._changed:
            self._end_all()

    @staticmethod
    def _listens(one: _Connection, passed: int) -> bool:
        return one.path.startswith("/ws/") and one.passed >= passed

    def _end_all(self) -> None:
        while self._open:
            self._open.pop().end()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            first = near.recv(65536)
            if not first:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                one = _Connection(near, far, first.split(b" ", 2)[1].decode())
                with self._changed:
                    self._open.append(one)
                    self.websockets += one.path.startswith("/ws/")
                asking = threading.Thread(target=self._ask, args=(one, first), daemon=True)
                asking.start()
                try:
                    if self._breaks(one.path):
                        self._break(one)
                    else:
                        self._answer(one)
                finally:
                    one.end()
                    asking.join()

    @staticmethod
    def _ask(one: _Connection, data: bytes) -> None:
        with contextlib.suppress(OSError):
            while data:
                one.far.sendall(data)
                data = one.near.recv(65536)
        one.end()

    def _answer(self, one: _Connection) -> None:
        while data := one.far.recv(65536):
            one.near.sendall(data)
            with self._changed:
                one.passed += len(data)
                self._changed.notify_all()

    def _break(self, one: _Connection) -> None:
        answer = b""
        while not answer.partition(b"\r\n\r\n")[2]:
            data = one.far.recv(65536)
            if not data:
                return
            answer += data
        if self._half:
            one.near.sendall(answer[:-1])
        with self._changed:
            self.broken += 1
            self._end_all()
