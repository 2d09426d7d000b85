"""A small Redis for the plugins of one site, where there is no real one: fakeredis behind a Unix socket.

A program of its own: `python -m services.executor.redis_server FOLDER`. One of the site's executors has it as a
child; it ends when that executor does, and another one starts the next. What was in it is then gone, as with any
cache. It keeps to itself: the folder can be seen by plugins of this site only.
"""

import fcntl
import itertools
import os
import select
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

SOCKET: Final = "redis.sock"
_SLOWEST_S: Final = 30.0
"""A client that takes nothing of its answer for so long is cut off."""


class _Patient:
    """Writes to a socket that fakeredis has made non-blocking: large answers do not fit at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._connection.send(rest) :]
            except BlockingIOError:
                _, writable, _ = select.select([], [self._connection], [], _SLOWEST_S)
                if not writable:
                    raise ConnectionAbortedError("it takes nothing of its answer") from None

    def flush(self) -> None:
        """Nothing is held back."""


def lock_of(folder: Path) -> Path:
    """What whoever serves there holds: outside of the folder, which plugins see."""
    return folder.with_name(f"{folder.name}.lock")


def serve(folder: Path) -> None:
    """Serve until the parent ends; at once done where another process serves here."""
    # Half a second that an executor's import need not take.
    from fakeredis import TcpFakeServer  # noqa: PLC0415
    from fakeredis._clients._tcp_server import TCPFakeRequestHandler  # noqa: PLC0415
    from redis import ResponseError  # noqa: PLC0415

    class Handler(TCPFakeRequestHandler):  # type: ignore[misc]  # fakeredis is untyped here
        def setup(self) -> None:
            super().setup()
            self.writer.writer = _Patient(self.connection)
            read = self.current_client.read_response

            def answer(*args: Any, **kwargs: Any) -> Any:
                # Raised, an error would be sent and the connection closed: redis-py's locks begin with one.
                try:
                    return read(*args, **kwargs)
                except ResponseError as error:
                    return error

            self.current_client.read_response = answer

    class Server(TcpFakeServer):  # type: ignore[misc]  # fakeredis is untyped here
        address_family = socket.AF_UNIX

        def __init__(self, path: str) -> None:
            self._numbers = itertools.count(1)
            super().__init__(path)
            self.RequestHandlerClass = Handler
            self.daemon_threads = True

        def server_bind(self) -> None:
            self.socket.bind(self.server_address)

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, _ = self.socket.accept()
            # Clients are told apart by their address, and those of a Unix socket have none.
            return connection, ("plugin", next(self._numbers))

    lock = lock_of(folder).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server = Server(str(path))
    server.serve_forever()


def _end_with_parent() -> None:
    """Its end of our standard input closes when it ends, however it does."""
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
