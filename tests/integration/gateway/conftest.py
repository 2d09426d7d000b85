"""A gateway as a server of its own thread's loop, with the rest of the platform on the real bus."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
import pytest_asyncio
import uvicorn

from services.gateway.live.wire import SERVER as WS_SERVER
from services.gateway.live.wire import LiveProtocol
from services.gateway.main import Gateway, create_app
from services.gateway.settings import Settings
from shared.contracts.streams import MANIFESTS
from shared.messaging.bus import connect, wait_connected
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
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, verify=False)
        self._clients.append(client)
        return client

    def as_(self, level: str) -> httpx.AsyncClient:
        """A client of the user `admin`, `user` or `viewer`."""
        return self.client(authorization=f"Bearer {self.token(level)}")

    def token(self, level: str) -> str:
        """An access token of the user `admin`, `user` or `viewer`."""
        user = next(u for u in self.platform.users.users.values() if u.username == level)
        return self.gateway.accounts._tokens.pair(user)["access"]

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def served(platform: Platform, settings: Settings, *, view_s: float = 5.0) -> AsyncIterator[Served]:
    gateway = create_app(settings, view_s=view_s)
    config = uvicorn.Config(
        gateway.app,
        port=0,
        host="127.0.0.1",
        log_config=None,
        lifespan="on",
        http="httptools",
        loop="none",
        ws=LiveProtocol,
        **WS_SERVER,
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


def gateway_settings(nats: RunningNats, **more: object) -> Settings:
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


@asynccontextmanager
async def running_platform(nats: RunningNats) -> AsyncIterator[Platform]:
    buses = [connect(nats.settings(), name) for name in ("data", "registry", "executor", "provisioner")]
    for bus in buses:
        await wait_connected(bus)
    found = Platform(*buses)
    # The server is the module's: what another test left is not this one's.
    for name, writer in (("manifest", found.registry), ("loaded", found.executor)):
        kv = Kv(writer, MANIFESTS)
        for key in await kv.entries(f"{name}.*"):
            await kv.delete(key)
    for level in ("viewer", "user", "admin"):
        found.users.add(level, level)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
        for bus in buses:
            await bus.broker.stop()


@pytest.fixture
async def platform(nats: RunningNats) -> AsyncIterator[Platform]:
    async with running_platform(nats) as found:
        yield found


@pytest.fixture
def settings_of(nats: RunningNats) -> Callable[..., Settings]:
    return partial(gateway_settings, nats)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site(nats: RunningNats) -> AsyncIterator[Served]:
    """One gateway for all tests of a module, which must not mind one another."""
    async with running_platform(nats) as platform, served(platform, gateway_settings(nats)) as found:
        yield found


@pytest.fixture
async def site(platform: Platform, settings_of: Callable[..., Settings]) -> AsyncIterator[Served]:
    """A gateway with no plugins."""
    async with served(platform, settings_of()) as found:
        yield found
