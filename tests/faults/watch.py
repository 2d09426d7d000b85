"""Browsers that lose their connection again and again, and go on where they were."""

import asyncio
import json
import random
import time
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.e2e.platform import ADMIN, Platform
from tests.faults.evidence import Told, Watcher
from tests.faults.load import PLUGINS

TOPICS: Final = (
    "runs",
    *(f"data.{plugin}.{name}" for plugin in PLUGINS for name in ("added", "cells", "notes")),
)
_BACK_AFTER_S: Final = 0.2


class Browser:
    """One WebSocket client: what it saw is in its watcher."""

    def __init__(
        self, platform: Platform, watcher: Watcher, chance: random.Random, cut_s: float | None
    ) -> None:
        """`cut_s`: it is cut off every so many seconds, more or less; None: by faults only."""
        self._platform = platform
        self._watcher = watcher
        self._chance = chance
        self._cut_s = cut_s
        self._at: dict[str, str] = {}
        self.following = asyncio.Event()
        """Set once it has its first positions."""

    async def run(self) -> None:
        """Watch until cancelled."""
        token = ""
        while True:
            try:
                token = token or await self._token()
                async with connect(self._url, max_size=None, ping_interval=None) as socket:
                    self._watcher.connections += 1
                    await self._follow(socket, token)
            except (OSError, WebSocketException, httpx.HTTPError, KeyError, TimeoutError) as error:
                closed = getattr(error, "rcvd", None)
                if closed is not None and closed.code in {4401, 4403, 4409, 4429}:
                    token = ""
                    if closed.code != 4401:
                        self._watcher.refused.append(f"{closed.code} {closed.reason}")
            await asyncio.sleep(_BACK_AFTER_S)

    @property
    def _url(self) -> str:
        return self._platform.url.replace("http", "ws", 1) + "/ws/"

    async def _token(self) -> str:
        name, password = ADMIN
        async with httpx.AsyncClient(base_url=self._platform.url, timeout=10) as http:
            answer = await http.post("/api/accounts/token/", json={"username": name, "password": password})
            return str(answer.json()["access"])

    async def _follow(self, socket: ClientConnection, token: str) -> None:
        await socket.send(json.dumps({"op": "auth", "token": token}))
        await socket.send(json.dumps({"op": "subscribe", "topics": TOPICS, "since": self._at}))
        over = time.monotonic() + self._chance.uniform(0.5, 1.5) * (self._cut_s or 1e6)
        while time.monotonic() < over:
            async with asyncio.timeout(max(0.01, over - time.monotonic())):
                self._take(json.loads(await socket.recv()))

    def _take(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "reload", "topic": topic, "at": at}:
                self._watcher.reloads.append(topic)
                self._at[topic] = at
            case {"topic": topic, "at": at, "type": kind, "data": data}:
                self._watcher.frames.append(Told(topic, _seq(at), kind, data.get("id")))
                self._at[topic] = at
            case {"type": "subscribed", "topics": positions}:
                for topic, at in positions.items():
                    self._watcher.since.setdefault(topic, _seq(at))
                    self._at.setdefault(topic, at)
                if len(self._at) == len(TOPICS):
                    self.following.set()
            case {"type": "error", "code": "unavailable" | "timed_out"}:
                raise TimeoutError  # the bus is away for long: connect again, and ask again
            case {"type": "error", "code": code, "message": message}:
                self._watcher.refused.append(f"{code}: {message}")


def _seq(at: str) -> int:
    return int(at.rpartition(":")[2])
