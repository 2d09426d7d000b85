"""The services around an executor, as small as they can be: registry, provisioner, data and gateway in one test."""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nats
import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from deploy.embedded.nats import save_bus_users
from deploy.nats.permissions import BusUser, user_name
from deploy.nats.probe import wait_usable
from deploy.provisioner.apply import ensure_durable, remove_durable
from services.executor.main import Executor
from services.executor.metrics import Metrics
from services.executor.settings import Settings
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.data import GetConfig, ListConfigs, ListHead, PluginConfig, SetSettings
from shared.contracts.manifest import Execution, Loaded, Manifest
from shared.contracts.names import token
from shared.contracts.plugins import PluginChanged, Reloaded, ReloadPlugins
from shared.contracts.runs import Caller, RunRequested, RunResult, RunState
from shared.contracts.streams import (
    ACK_WAIT_S,
    MANIFESTS,
    PACKAGES,
    Durable,
    plugin_durable,
    plugin_filters,
    plugin_task_durable,
)
from shared.messaging.bus import MSG_ID, Bus, connect, wait_connected
from shared.messaging.handlers import Handlers
from shared.messaging.kv import Kv
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects
from tests.integration.executor.fakes import FakeHosts
from tests.servers import RunningNats

BusOf = Callable[[str], Awaitable[Bus]]
MODULE = (
    "class Plugin:\n    name = 'P'\n    def run(self, action, params, context):\n        return {'n': 1}\n"
)


def zipped(files: Mapping[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return held.getvalue()


async def until(check: Callable[[], Awaitable[Any]], within_s: float = 15.0) -> Any:
    """Ask until the answer is true; what is asked lies in another process, so that nothing can be awaited."""
    async with asyncio.timeout(within_s):
        while not (answer := await check()):  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.05)
        return answer


class Running:
    """An executor in this process, with fake hosts."""

    def __init__(self, name: str, executor: Executor, hosts: FakeHosts, bus: Bus) -> None:
        self.name = name
        self.executor = executor
        self.hosts = hosts
        self.bus = bus
        self.stack = contextlib.AsyncExitStack()

    async def close(self) -> None:
        await self.stack.aclose()


class World:
    def __init__(self, server: RunningNats, bus_of: BusOf, folder: Path) -> None:
        self.nats = server
        self.bus_of = bus_of
        self.folder = folder
        self.configs: dict[str, PluginConfig] = {}
        self.results: dict[str, asyncio.Future[RunResult]] = {}
        self.running: list[Running] = []

    async def open(self) -> "World":
        self.registry = await self.bus_of("registry")
        self.provisioner = await self.bus_of("provisioner")
        self.gateway = await self.bus_of("gateway")
        self.data = await self.bus_of("data")
        self.manifests = Kv(self.registry, MANIFESTS)
        self.packages = Objects(self.registry, PACKAGES)
        self.ledger = Ledger(self.data)
        handlers = Handlers(self.data.broker, "data")
        handlers.streaming(c.LIST_CONFIGS, self._list)
        handlers.command(c.GET_CONFIG, self._get)
        handlers.command(c.SET_SETTINGS, self._set)
        await self.data.broker.start()
        answers = Handlers(self.registry.broker, "registry")
        answers.command(c.RELOAD_PLUGINS, self._reload)
        await self.registry.broker.start()
        await self.gateway.listen(c.RUN_ENDED.subject.pattern(kind="gateway", caller="test"), self._ended)
        return self

    async def close(self) -> None:
        for one in reversed(self.running):
            await one.close()
        for key in self.configs:
            await remove_durable(self.provisioner.nc.jetstream(), c.RUN_CMD, plugin_durable(key))

    # executors

    def settings(self, name: str, **more: Any) -> Settings:
        values = {"instance": name, "site": "here", "data_dir": self.folder / "site", "grace_s": 1.0}
        values |= {"nats_url": self.nats.url, "secrets_dir": self.nats.secrets, "handover_s": 1.0, **more}
        return Settings.model_validate(values)

    async def executor(self, name: str = "", **more: Any) -> Running:
        name = name or f"x{new_id()[-8:]}"
        bus = connect(self.nats.settings(instance=name), "executor")
        await wait_connected(bus)
        made: list[FakeHosts] = []

        def make(upcalls: Any) -> FakeHosts:
            made.append(FakeHosts(upcalls, name))
            return made[0]

        metrics = Metrics(CollectorRegistry())
        executor = Executor(bus, self.settings(name, **more), metrics=metrics, make_hosts=make)
        running = Running(name, executor, made[0], bus)
        running.stack.push_async_callback(bus.broker.stop)
        await running.stack.enter_async_context(executor.work())
        self.running.append(running)
        return running

    async def outsider(self, name: str, plugin: str, action: str) -> Client:
        """A bus user who may run that action, logged in."""
        save_bus_users(self.nats.secrets, [BusUser(name, (f"{plugin}.{action}",))])
        self.nats.server.reload()
        user, password = user_name(name), self.nats.password(user_name(name))
        subject = c.RUN_REQUESTED_BY_USER.subject.of(plugin=plugin, action=action, user=name)
        inbox = f"_INBOX_{user}"
        # While the server reads its users again it cuts connections off, new ones too.
        again = self.nats.server.reload
        assert await wait_usable(self.nats.url, user, password, inbox=inbox, subject=subject, again=again)
        return await nats.connect(self.nats.url, user=user, password=password, allow_reconnect=False)

    # plugins

    async def install(
        self, key: str, files: Mapping[str, str] | None = None, *, generation: int = 0, **execution: Any
    ) -> Manifest:
        package = await self.packages.put(zipped(files or {"plugin.py": MODULE}))
        manifest = Manifest(
            key=key,
            folder=key,
            name=key,
            digest=package.digest,
            package=package,
            generation=generation,
            execution=Execution(**execution),
        )
        await self.manifests.put(f"manifest.{token(key)}", manifest.to_bytes())
        await self.changed(key, "updated")
        return manifest

    async def uninstall(self, key: str) -> None:
        await self.manifests.delete(f"manifest.{token(key)}")
        self.configs.pop(key, None)
        await self.changed(key, "removed")

    async def enable(self, key: str, *, enabled: bool = True, **more: Any) -> None:
        known = self.configs.get(key, PluginConfig(key=key))
        update = {"enabled": enabled, "rev": known.rev + 1, "ever_enabled": True, **more}
        self.configs[key] = known.model_copy(update=update)
        js = self.provisioner.nc.jetstream()
        if enabled:
            durable = Durable(
                c.RUN_CMD, plugin_durable(key), plugin_filters(key), ACK_WAIT_S, max_ack_pending=8
            )
            await ensure_durable(js, durable)
            tasks = (c.TASK_REQUESTED.subject.of(plugin=key),)
            await ensure_durable(js, replace(durable, name=plugin_task_durable(key), filters=tasks))
        await self.changed(key, "enabled" if enabled else "disabled")

    async def configure(self, key: str, settings: Mapping[str, Any], *, tell: bool = True) -> int:
        known = self.configs[key]
        self.configs[key] = known.model_copy(update={"settings": dict(settings), "rev": known.rev + 1})
        if tell:
            await self.changed(key, "settings")
        return self.configs[key].rev

    async def changed(self, key: str, change: Any) -> None:
        event = PluginChanged(key=key, change=change)
        await self.registry.store(c.PLUGIN_CHANGED, event, type=f"plugin.{change}", plugin=key)

    async def loaded(self, key: str) -> Loaded | None:
        held = await self.manifests.get(f"loaded.{token(key)}")
        return Loaded.from_bytes(held.data) if held else None

    async def until_loaded(
        self, key: str, *, digest: str | None = None, generation: int | None = None
    ) -> Loaded:
        async def check() -> Loaded | None:
            loaded = await self.loaded(key)
            if loaded is None or (digest and loaded.digest != digest):
                return None
            return loaded if generation is None or loaded.generation == generation else None

        return await until(check)

    async def until_unloaded(self, key: str) -> None:
        async def check() -> bool:
            return await self.loaded(key) is None

        await until(check)

    # runs

    async def request(self, plugin: str, action: str, **more: Any) -> str:
        """Publish a command; the run's id."""
        run_id = more.pop("run_id", None) or new_id()
        values = {"params": {}, "caller": Caller(kind="gateway", id="test"), "actor": "user:admin", **more}
        command = RunRequested(run_id=run_id, plugin=plugin, action=action, **values)
        self.results.setdefault(run_id, asyncio.get_running_loop().create_future())
        subject = c.RUN_REQUESTED.subject.of(plugin=plugin)
        await self.gateway.put(subject, command.model_dump_json().encode(), {MSG_ID: new_id()})
        return run_id

    async def result(self, run_id: str, within_s: float = 20.0) -> RunResult:
        return await asyncio.wait_for(asyncio.shield(self.results[run_id]), within_s)

    async def run(self, plugin: str, action: str = "echo", **more: Any) -> RunResult:
        return await self.result(await self.request(plugin, action, **more))

    async def entry(self, run_id: str) -> RunState | None:
        entry = await self.ledger.last(run_id)
        return entry.state if entry else None

    async def until_state(self, run_id: str, state: str, within_s: float = 20.0) -> RunState:
        async def check() -> RunState | None:
            entry = await self.entry(run_id)
            return entry if entry and entry.state == state else None

        return await until(check, within_s)

    # what answers

    async def _list(self, _command: ListConfigs) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield orjson.dumps([config.model_dump() for config in self.configs.values()])

        return ListHead(total=len(self.configs)), chunks()

    async def _get(self, command: GetConfig) -> PluginConfig:
        return self.configs.get(command.key, PluginConfig(key=command.key))

    async def _reload(self, _command: ReloadPlugins) -> Reloaded:
        return Reloaded(count=len(await self.manifests.entries("manifest.*")))

    async def _set(self, command: SetSettings) -> PluginConfig:
        if command.key not in self.configs:
            raise errors.NotFound(command.key)
        await self.configure(command.key, command.settings)
        return self.configs[command.key]

    async def _ended(self, message: Msg) -> None:
        ended = c.RUN_ENDED.envelope.model_validate_json(message.data).data
        future = self.results.setdefault(ended.run_id, asyncio.get_running_loop().create_future())
        if not future.done():
            future.set_result(ended)
