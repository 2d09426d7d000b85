"""A gateway with the rest of the platform as small as it can be, and clients of its WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.integration.gateway.conftest import (  # noqa: F401 - fixtures
    Served,
    platform,
    settings_of,
    shared_site,
    site,
)


class Client:
    """One WebSocket client: what it is told comes by `next`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        await self.socket.send(orjson.dumps(frame).decode())

    async def next(self, timeout_s: float = 20) -> Any:
        async with asyncio.timeout(timeout_s):
            return orjson.loads(await self.socket.recv())

    async def subscribe(self, *topics: str, **since: str) -> dict[str, str]:
        more = {"since": since} if since else {}
        await self.say(op="subscribe", topics=topics, **more)
        answer = await self.next()
        assert answer["type"] == "subscribed", answer
        positions: dict[str, str] = answer["topics"]
        return positions

    async def closed(self, timeout_s: float = 20) -> tuple[int, str]:
        """Code and reason with which the gateway ends it; what comes before is dropped."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.next(timeout_s)
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""

    async def leave(self) -> None:
        await self.socket.close()


Join = Callable[..., Any]


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - looks at what has no event for tests
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="module")
async def join() -> AsyncIterator[Join]:
    """`await join(site, "viewer")`: a client that is known; closed with the test."""
    opened: list[Client] = []

    async def open_client(at: Served, level: str | None = "user", query: str = "", **more: Any) -> Client:
        url = at.url.replace("http", "ws", 1) + "/ws/" + query
        client = Client(await connect(url, compression=None, proxy=None, close_timeout=0.5, **more))
        opened.append(client)
        if level:
            await client.say(op="auth", token=at.token(level))
            ready = await client.next()
            assert ready == {"type": "ready", "user": {"username": level, "level": level}}
        return client

    yield open_client
    for client in opened:
        await client.leave()
