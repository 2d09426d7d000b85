"""One client's connection: frames that are encoded already are written to its transport as they are.

Through ASGI every frame would be encoded, masked with a task switch and checked once per client.
"""

import asyncio
from typing import Any, Final, Protocol

import orjson
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

SCOPE_WIRE: Final = "plugarr.wire"
SCOPE_QUERY: Final = "plugarr.query"
_LINGER_S: Final = 5.0
"""How long a client may take to read what was sent before a close, and to answer it."""

SERVER: Final[dict[str, Any]] = {
    "ws_per_message_deflate": False,  # it would halve what one gateway sends, and save little on small frames
    "ws_max_size": 64 * 1024,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
}
"""How uvicorn is to serve WebSockets, besides `ws=LiveProtocol`."""


def encoded(frame: Any) -> bytes:
    """A frame as it goes over the wire, whoever gets it."""
    return Frame(Opcode.TEXT, orjson.dumps(frame)).serialize(mask=False)


class Wire(Protocol):
    """What a session needs of a connection."""

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet."""

    def write(self, data: bytes) -> None:
        """Write an encoded frame; nothing happens where the connection is gone."""

    async def drained(self) -> None:
        """Wait until the client has taken most of what was written, or has gone."""

    def close(self, code: int, reason: str) -> None:
        """Say that this is the end; what was written before is still sent."""


class LiveProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with the wire in the scope and close codes of our own."""

    def __init__(self, config: Config, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        # At the level `debug` it would log every frame, and with it tokens.
        self.conn.debug = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # uvicorn logs the query, in which there may be a token.
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]
            scope[SCOPE_QUERY], scope["query_string"] = scope["query_string"], b""
            scope[SCOPE_WIRE] = self

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        self.close(4408, "no pong")

    @property
    def backlog(self) -> int:
        return self.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    async def drained(self) -> None:
        await self.writable.wait()

    def close(self, code: int, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:  # the client's own close is being answered
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            # The client's answer is to be read.
            self.read_paused = False
            self.transport.resume_reading()
        loop = asyncio.get_running_loop()
        # Not `close`: that would wait for ever for a client that reads nothing.
        self.close_timer = loop.call_later(_LINGER_S, self.transport.abort)
