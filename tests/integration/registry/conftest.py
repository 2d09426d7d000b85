"""A registry on a real nats-server, beside the provisioner and a data service that knows configs only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.provisioner.__main__ import Consumers
from services.registry.main import App, create_app
from services.registry.settings import Settings
from shared.contracts import catalog as c
from shared.contracts.base import Timestamp, now
from shared.contracts.data import GetConfig, ListConfigs, ListHead, PluginConfig
from shared.contracts.manifest import Manifest
from shared.contracts.names import token
from shared.contracts.plugins import ImportPlugin, PluginChanged
from shared.contracts.streams import MANIFESTS, PAYLOADS
from shared.messaging.bus import Bus, wait_connected
from shared.messaging.handlers import Handlers
from shared.messaging.kv import Kv
from shared.messaging.objects import Objects
from tests.servers import RunningNats, provision, serving_nats

BusOf = Callable[[str], Awaitable[Bus]]
CODE = """
class Plugin:
    name = "{name}"
    version = "{version}"
    fields = [{{"id": "url", "type": "string", "label": "URL"}}]
    actions = [{{"id": "go", "label": "Go"}}]

    def run(self, action, params, context):
        raise RuntimeError("nobody runs this here")
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def write_plugin(directory: Path, name: str, *, version: str = "1", **files: bytes) -> Path:
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.py").write_text(CODE.format(name=name, version=version))
    for file, data in files.items():
        (folder / file.replace("__", ".")).write_bytes(data)
    return folder


class FakeData:
    """The configs that a data service would hold."""

    def __init__(self) -> None:
        self.configs: dict[str, PluginConfig] = {}

    async def every(self, _command: ListConfigs) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"[" + b",".join(c.model_dump_json().encode() for c in self.configs.values()) + b"]"

        return ListHead(total=len(self.configs)), chunks()

    async def one(self, command: GetConfig) -> PluginConfig:
        return self.configs.get(command.key) or PluginConfig(key=command.key)


class Stage:
    """Everything around the registries of one test, and what they did."""

    def __init__(self, nats: RunningNats, plugins: Path, bus_of: BusOf, stack: AsyncExitStack) -> None:
        self.nats = nats
        self.plugins = plugins
        self.bus_of = bus_of
        self.data = FakeData()
        self._stack = stack

    async def set_up(self) -> None:
        self.gateway = await self.bus_of("gateway")
        self.kv = Kv(self.gateway, MANIFESTS)
        self.changes: list[PluginChanged] = []
        self._news = asyncio.Condition()
        await self.gateway.listen(c.PLUGIN_CHANGED.subject.pattern(), self._heard)
        await self.kv.listen("manifest.*", self._written)
        self.data_bus = await self.bus_of("data")
        handlers = Handlers(self.data_bus.broker, "data")
        handlers.streaming(c.LIST_CONFIGS, self.data.every)
        handlers.command(c.GET_CONFIG, self.data.one)
        await self.data_bus.broker.start()
        self.provisioner = await self.bus_of("provisioner")
        consumers = Consumers(self.provisioner)
        handlers = Handlers(self.provisioner.broker, "provisioner")
        handlers.command(c.ENSURE_CONSUMER, consumers.ensure)
        handlers.command(c.REMOVE_CONSUMER, consumers.remove)
        await self.provisioner.broker.start()

    def app(self, **settings: object) -> App:
        values = {"nats_url": self.nats.url, "secrets_dir": self.nats.secrets, "data_dir": self.nats.folder}
        return create_app(Settings.model_validate({**values, "plugins_dir": self.plugins, **settings}))

    async def start(self, **settings: object) -> App:
        """A registry that runs until the test ends."""
        app = self.app(**settings)
        await self._stack.enter_async_context(running(app))
        return app

    async def manifest(self, key: str) -> Manifest | None:
        held = await self.kv.get(f"manifest.{token(key)}")
        return None if held is None else Manifest.from_bytes(held.data)

    async def until(
        self, key: str, holds: Callable[[Manifest], Any] = bool, timeout_s: float = 15
    ) -> Manifest:
        """Wait until a manifest is there and as it should be."""
        async with asyncio.timeout(timeout_s), self._news:
            while True:
                found = await self.manifest(key)
                if found is not None and holds(found):
                    return found
                await self._news.wait()

    async def until_gone(self, key: str) -> None:
        async with asyncio.timeout(15), self._news:
            while await self.manifest(key) is not None:
                await self._news.wait()

    async def until_changed(self, key: str, change: str) -> PluginChanged:
        async with asyncio.timeout(15), self._news:
            while True:
                for event in self.changes:
                    if (event.key, event.change) == (key, change):
                        return event
                await self._news.wait()

    async def switch(self, key: str, *, enabled: bool, at: Timestamp | None = None) -> None:
        """What the data service does when a plugin is enabled or disabled."""
        self.data.configs[key] = PluginConfig(
            key=key, enabled=enabled, ever_enabled=True, updated_at=at or now(), rev=1
        )
        change = "enabled" if enabled else "disabled"
        event = PluginChanged(key=key, change=change)
        await self.data_bus.store(c.PLUGIN_CHANGED, event, type=f"plugin.{change}", plugin=key)

    async def upload(
        self, data: bytes, filename: str = "plug.zip", *, overwrite: bool = False
    ) -> ImportPlugin:
        reference = await Objects(self.gateway, PAYLOADS).put(data)
        return ImportPlugin(upload=reference, filename=filename, overwrite=overwrite)

    async def answers(self, contract: Any, command: Any) -> Any:
        """Ask, as a caller does, until a lease holder answers."""
        async with asyncio.timeout(15):
            while True:
                try:
                    return await self.gateway.request(contract, command)
                except Exception as error:
                    if "no registry service" not in str(error) and "stands by" not in str(error):
                        raise
                    await asyncio.sleep(0.05)

    async def _heard(self, message: Any) -> None:
        self.changes.append(c.PLUGIN_CHANGED.envelope.model_validate_json(message.data).data)
        await self._tell()

    async def _written(self, _key: str, _message: Any) -> None:
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def running(app: App) -> AsyncIterator[App]:
    await wait_connected(app.bus)
    async with app.work():
        await app.bus.broker.start()
        yield app
    await app.bus.broker.stop()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[RunningNats]:
    """A bus of each test's own: nobody has the right to empty one."""
    with serving_nats(tmp_path / "nats") as running:
        asyncio.run(provision(running))
        yield running


@pytest.fixture
async def stage(nats: RunningNats, tmp_path: Path, bus_of: BusOf) -> AsyncIterator[Stage]:
    """A bus and a plugin directory of the test's own."""
    async with AsyncExitStack() as stack:
        found = Stage(nats, tmp_path / "plugins", bus_of, stack)
        await found.set_up()
        yield found
