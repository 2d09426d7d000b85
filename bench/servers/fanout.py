"""`python -m bench.servers.fanout MODE PORT CLIENTS FRAMES`: sends frames to all clients once they are there.

`gateway` is the gateway's own endpoint, session, hub and wire; `starlette` is `send_text` for each client; `raw`
writes finished bytes to bare transports.
"""

import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from services.gateway.live.endpoint import LiveEndpoint
from services.gateway.live.hub import Hub
from services.gateway.live.streams import Message, StreamState, Told
from services.gateway.live.wire import SERVER, LiveProtocol, encoded
from services.gateway.tokens import Claims
from shared.contracts.base import now
from shared.contracts.users import User

SUBJECT = "plugarr.v1.event.data.bench.items"
TOPIC = "data.bench.items"
_DATA = {"plugin": "bench", "collection": "items", "id": 1, "rev": 1}
EVENT = orjson.dumps(
    {"v": 1, "id": "0" * 36, "type": "item.changed", "time": now(), "source": "b", "data": _DATA}
)


class Streams:
    """A stream that tells what it is given."""

    def __init__(self) -> None:
        self.told: Told | None = None

    async def state(self, _stream: str) -> StreamState:
        return StreamState("1", 0, 999)

    async def newest(self, _stream: str, _subject: str) -> int:
        return 0

    async def read(self, _stream: str, _subject: str, _after: int, _limit: int) -> list[Message]:
        return []

    async def listen(self, subject: str, told: Told) -> Callable[[], Awaitable[None]]:
        if subject == SUBJECT:
            self.told = told

        async def stop() -> None:
            return None

        return stop


class Everybody:
    """Lets everybody in."""

    user = User(id="u", username="u", level="viewer", created_at=now())

    def claims_of(self, _token: str) -> Claims:
        return Claims("u", 0, time.time() + 3600, time.time())

    async def of_claims(self, _claims: Claims) -> User:
        return self.user

    async def of(self, _authorization: str | None, _key: str | None) -> User:
        return self.user


async def gateway(port: int, clients: int, frames: int) -> None:
    streams = Streams()
    hub = Hub(streams)
    endpoint = LiveEndpoint(
        hub,
        Everybody(),
        None,  # type: ignore[arg-type]  # nobody comes with a ticket
        public_url="",
        origins=(),
        allowed_hosts=(),
        per_user=clients,
        most=clients,
    )
    app = Starlette(routes=[WebSocketRoute("/ws/", endpoint)])
    async with _served(app, port, LiveProtocol):
        feeds = hub._feeds  # noqa: SLF001 - nobody else asks how many follow a topic

        def followers() -> int:
            return sum(len(one.followers) for feed in feeds.values() for one in feed.channels.values())

        await _until(lambda: followers() == clients)
        await asyncio.sleep(1)
        assert streams.told is not None
        for number in range(frames):
            await streams.told(Message(SUBJECT, 1000 + number, 999 + number, EVENT))
            await asyncio.sleep(0)
        await asyncio.sleep(3600)


async def starlette(port: int, clients: int, frames: int) -> None:
    joined: list[WebSocket] = []

    async def join(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        joined.append(socket)
        await asyncio.sleep(3600)

    app = Starlette(routes=[WebSocketRoute("/ws/", join)])
    async with _served(app, port, "websockets-sansio"):
        await _until(lambda: len(joined) == clients)
        await asyncio.sleep(1)
        frame = {"topic": TOPIC, "at": "1:1000", "type": "item.changed", "id": "0" * 36, "time": now()}
        text = orjson.dumps({**frame, "data": {"id": 1, "rev": 1}}).decode()
        for _ in range(frames):
            for socket in joined:
                await socket.send_text(text)
        await asyncio.sleep(3600)


class _Bare(asyncio.Protocol):
    joined: list[asyncio.Transport] = []  # noqa: RUF012 - of the one server that runs

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._told = False

    def data_received(self, data: bytes) -> None:
        if self._told:
            return
        self._told = True
        key = next(line for line in data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(
            hashlib.sha1(key.partition(b": ")[2] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        )
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._transport.write(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.joined.append(self._transport)


async def raw(port: int, clients: int, frames: int) -> None:
    await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", port, backlog=4096)
    await _until(lambda: len(_Bare.joined) == clients)
    await asyncio.sleep(1)
    frame = {"topic": TOPIC, "at": "1:1000", "type": "item.changed", "id": "0" * 36, "time": now()}
    data = encoded({**frame, "data": {"id": 1, "rev": 1}})
    for _ in range(frames):
        for transport in _Bare.joined:
            transport.write(data)
        await asyncio.sleep(0)
    await asyncio.sleep(3600)


class _served:  # noqa: N801 - reads as what it does
    def __init__(self, app: Any, port: int, ws: Any) -> None:
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, ws=ws, backlog=4096, lifespan="off", **SERVER
        )
        self._server = uvicorn.Server(config)

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._server.serve())

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._task


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - looks at what has no event
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    mode, *numbers = sys.argv[1:]
    uvloop.run({"gateway": gateway, "starlette": starlette, "raw": raw}[mode](*map(int, numbers)))
