"""A gateway as a server of its own thread's loop, with the rest of the platform on the real bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn

from services.gateway.main import Gateway, create_app
from services.gateway.settings import Settings
from shared.contracts.streams import MANIFESTS
from shared.messaging.bus import Bus
from shared.messaging.kv import Kv
from tests.integration.gateway.platform import Platform
from tests.servers import RunningNats

SECRET = "a secret for tests, long enough to sign with"


@dataclass
class Served:
    """A gateway and how to reach it."""

    gateway: Gateway
    url: str
    platform: Platform
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False)
        self._clients.append(client)
        return client

    def as_(self, level: str) -> httpx.AsyncClient:
        """A client of the user `admin`, `user` or `viewer`."""
        user = next(u for u in self.platform.users.users.values() if u.username == level)
        token = self.gateway.accounts._tokens.pair(user)["access"]
        return self.client(authorization=f"Bearer {token}")

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def served(platform: Platform, settings: Settings, *, view_s: float = 5.0) -> AsyncIterator[Served]:
    gateway = create_app(settings, view_s=view_s)
    config = uvicorn.Config(
        gateway.app, port=0, host="127.0.0.1", log_config=None, lifespan="on", http="httptools", loop="none"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve(None))
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done(), task
    port = server.servers[0].sockets[0].getsockname()[1]
    found = Served(gateway, f"http://127.0.0.1:{port}", platform)
    try:
        assert await gateway.view.wait_for(lambda: gateway.view.synced_at is not None, 10)
        yield found
    finally:
        await found.close()
        gateway.results.release()
        server.should_exit = True
        await task


@pytest.fixture
async def platform(bus_of: Callable[[str], Awaitable[Bus]]) -> AsyncIterator[Platform]:
    found = Platform(*[await bus_of(name) for name in ("data", "registry", "executor", "provisioner")])
    # The server is the module's: what another test left is not this one's.
    for name, writer in (("manifest", found.registry), ("loaded", found.executor)):
        kv = Kv(writer, MANIFESTS)
        for key in await kv.entries(f"{name}.*"):
            await kv.delete(key)
    for level in ("viewer", "user", "admin"):
        found.users.add(level, level)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def settings_of(nats: RunningNats) -> Callable[..., Settings]:
    def make(**more: object) -> Settings:
        return Settings.model_validate(
            {
                "nats_url": nats.url,
                "secrets_dir": nats.secrets,
                "data_dir": nats.folder,
                "jwt_secret": SECRET,
                "ui_dir": nats.folder / "no-ui",
                **more,
            }
        )

    return make


@pytest.fixture
async def site(platform: Platform, settings_of: Callable[..., Settings]) -> AsyncIterator[Served]:
    """A gateway with no plugins."""
    async with served(platform, settings_of()) as found:
        yield found
