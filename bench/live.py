"""Live updates: frames to many clients of one gateway, and how soon a write is told."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from bench.harness import ROOT, Figure, p50, p99, platform
from bench.servers.fanout import TOPIC
from deploy.embedded.process import free_port

_SUBSCRIBE: Final = Frame(Opcode.TEXT, orjson.dumps({"op": "subscribe", "topics": [TOPIC]})).serialize(
    mask=True
)
_UPGRADE: Final = (
    "GET /ws/?token=a.b.c HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MARK: Final = b'"item.changed"'


class _Client(asyncio.Protocol):
    """Counts frames, as cheaply as it can: the client shares the machine with what is measured."""

    def __init__(self, board: "_Board", port: int) -> None:
        self._board = board
        self._port = port
        self._begun = False
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(_UPGRADE.format(port=self._port).encode())

    def data_received(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._transport.write(_SUBSCRIBE)
        # A mark that is cut in two is counted with the next piece.
        found = self._rest + data
        self._rest = found[-len(_MARK) + 1 :]
        if marks := found.count(_MARK):
            self._board.count(marks)


class _Board:
    def __init__(self, wanted: int, server: int) -> None:
        self._left = wanted
        self._server = server
        self.began = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def count(self, marks: int) -> None:
        self.began = self.began or _cpu_s(self._server)
        self._left -= marks
        if self._left <= 0 and not self.ended.done():
            self.ended.set_result(_cpu_s(self._server))


def _cpu_s(process: int) -> float:
    """Seconds that a process has worked: what else runs on the machine does not count."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _deliveries(mode: str, clients: int, frames: int) -> float:
    """Frames that reach clients in each second that the server works."""
    port = free_port()
    numbers = [str(number) for number in (port, clients, frames)]
    server = subprocess.Popen([sys.executable, "-m", "bench.servers.fanout", mode, *numbers], cwd=ROOT)  # noqa: ASYNC220 - starting it is not measured
    try:
        loop = asyncio.get_running_loop()
        board = _Board(clients * frames, server.pid)
        transports = []
        while len(transports) < clients:
            try:
                transport, _ = await loop.create_connection(lambda: _Client(board, port), "127.0.0.1", port)
                transports.append(transport)
            except OSError:
                await asyncio.sleep(0.1)
        async with asyncio.timeout(120):
            ended: float = await board.ended
        for transport in transports:
            transport.close()
        return clients * frames / (ended - board.began)
    finally:
        server.kill()
        server.wait()


async def _latencies(url: str, headers: dict[str, str], http: Any) -> tuple[list[float], list[float]]:
    """Milliseconds of adding an item over HTTP, and until its frame is there; both from the request on."""
    answered, told = [], []
    async with connect(url.replace("http", "ws", 1) + "/ws/", proxy=None) as socket:
        token = headers["Authorization"].partition(" ")[2]
        await socket.send(json.dumps({"op": "auth", "token": token}))
        await socket.recv()
        await socket.send(json.dumps({"op": "subscribe", "topics": ["data.hello.bench"]}))
        await socket.recv()
        for number in range(220):
            began = time.perf_counter()
            posting = asyncio.create_task(
                asyncio.to_thread(
                    http.post, f"{url}/api/plugins/hello/data/bench/", json={"n": number}, timeout=30
                )
            )

            async def frame() -> float:
                await socket.recv()
                return time.perf_counter()

            telling = asyncio.create_task(frame())
            answer = await posting
            answered.append((time.perf_counter() - began) * 1000)
            assert answer.status_code < 300, answer.text
            told.append((await telling - began) * 1000)
    return answered[20:], told[20:]


def measure() -> list[Figure]:
    figures = []
    for clients, frames in ((500, 200), (2000, 100)):
        rates = {
            mode: uvloop.run(_deliveries(mode, clients, frames)) for mode in ("raw", "starlette", "gateway")
        }
        figures += [
            Figure(
                f"Starlette send_text, {clients:,} clients",
                rates["starlette"],
                "per CPU second",
                rates["raw"],
                "bare uvloop",
            ),
            Figure(
                f"the gateway, {clients:,} clients",
                rates["gateway"],
                "per CPU second",
                rates["raw"],
                "bare uvloop",
                "more than send_text; ≥ 0.5 × the floor",
            ),
        ]
    with platform() as running:
        running.plugin(
            "hello", "class Plugin:\n    name = 'Hello'\n    def run(self, *a):\n        return {}\n"
        )
        answered, told = asyncio.run(_latencies(running.url, running.headers, running.http))
    figures += [
        Figure("write to frame, p50", p50(told), "ms", p50(answered), "the HTTP answer", "≤ 3 × the floor"),
        Figure("write to frame, p99", p99(told), "ms", p99(answered), "the HTTP answer"),
    ]
    return figures
