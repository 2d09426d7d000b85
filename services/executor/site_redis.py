"""The Redis that plugins of this site share: a real one by URL, else a small server that one executor has."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from services.executor.redis_server import SOCKET
from shared import errors

_STARTS_FOR_S: Final = 20.0
_LOOK_S: Final = 0.05
_LONGEST_PATH: Final = 100
"""Bytes; kernels take some more."""


class SiteRedis:
    """Has the server there when a plugin asks for it the first time."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self.process: subprocess.Popen[bytes] | None = None
        self._one = asyncio.Lock()

    async def ready(self) -> dict[str, Any]:
        """Where it is: `url`, or `socket`, a name in the folder that plugins see. Raises Unavailable."""
        if self._url:
            return {"url": self._url}
        path = str(self._folder / SOCKET)
        if len(path.encode()) > _LONGEST_PATH:
            raise errors.Unavailable(f"a socket cannot have so long a path: {path}; set PLUGARR_REDIS_URL")
        async with self._one:
            deadline = asyncio.get_running_loop().time() + _STARTS_FOR_S
            while not await asyncio.to_thread(self._answers):
                if asyncio.get_running_loop().time() > deadline:
                    raise errors.Unavailable("the Redis of this site does not start; set PLUGARR_REDIS_URL")
                if self.process is None or self.process.poll() is not None:
                    await asyncio.to_thread(self._start)
                await asyncio.sleep(_LOOK_S)
        return {"socket": SOCKET}

    def close(self) -> None:
        """End the server, if it is ours: another executor's starts when it is asked for."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()

    def _start(self) -> None:
        # Its standard input is what it ends by; nothing is ever written to it.
        self.process = subprocess.Popen(  # noqa: S603 - a command line of our own
            [sys.executable, "-m", "services.executor.redis_server", str(self._folder.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
        )

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self._folder / SOCKET))
                connection.sendall(b"*1\r\n$4\r\nPING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False
