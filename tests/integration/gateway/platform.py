"""The rest of the platform, as small as it can be, on the real bus: data, registry, and one executor."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from deploy.provisioner.apply import ensure_durable
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import plugins as p
from shared.contracts import runs as r
from shared.contracts.base import Done, new_id, now
from shared.contracts.manifest import Loaded, Manifest
from shared.contracts.names import token
from shared.contracts.streams import ACK_WAIT_S, MANIFESTS, Durable, plugin_durable, plugin_filters
from shared.messaging.bus import Bus, Refused
from shared.messaging.handlers import Handlers
from shared.messaging.kv import Kv
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects, by_reference, resolved
from shared.messaging.pull import Delivery, Pull
from shared.messaging.streaming import packed
from tests.integration.gateway.responders import Collections, Users
from tests.integration.gateway.work_responders import Files, Schedules

DIGEST = "0" * 63
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
Run = Callable[[str, Any, d.PluginConfig], Awaitable[Any]]


def manifest(key: str, *, digest: str = DIGEST + "1", generation: int = 0, **more: Any) -> Manifest:
    return Manifest.model_validate(
        {"key": key, "folder": key, "digest": digest, "generation": generation, "epoch": 1, **more}
    )


class Platform:
    """Everything that the gateway talks to."""

    def __init__(self, data: Bus, registry: Bus, executor: Bus, provisioner: Bus) -> None:
        self.data, self.registry, self.executor, self.provisioner = data, registry, executor, provisioner
        self.users = Users()
        self.collections = Collections(Objects(data))
        self.schedules = Schedules()
        self.files = Files()
        self.configs: dict[str, d.PluginConfig] = {}
        self.runs: dict[str, r.Run] = {}
        self.commands: list[r.RunRequested] = []
        self.imports: list[p.ImportPlugin] = []
        self.loads = True
        """Whether enabling a plugin loads it."""
        self.answers = True
        """Whether results are told to their caller, besides being stored."""
        self._manifests = Kv(registry, MANIFESTS)
        self._loaded = Kv(executor, MANIFESTS)
        self._pulls: list[Pull] = []
        self._ledger = Ledger(executor)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        data = Handlers(self.data.broker, "data")
        self.users.bind(data)
        self.collections.bind(data)
        self.schedules.bind(data)
        self.files.bind(data)
        data.streaming(c.LIST_CONFIGS, self.list_configs)
        data.command(c.GET_CONFIG, self.get_config)
        data.command(c.SET_ENABLED, self.set_enabled)
        data.command(c.SET_SETTINGS, self.set_settings)
        data.command(c.DELETE_PLUGIN_CONFIG, self.delete_config)
        data.command(c.LIST_RUNS, self.list_runs)
        data.command(c.GET_RUN, self.get_run)
        data.command(c.GET_RUN_LOG, self.get_log)
        data.command(c.SET_PLACEMENT, self.set_placement)
        data.command(c.GET_SIBLINGS, self.siblings)
        data.command(c.CANCEL_RUN, self.cancel)
        data.command(c.RETRY_RUN, self.retry)
        registry = Handlers(self.registry.broker, "registry")
        registry.command(c.RELOAD_PLUGINS, self.reload)
        registry.command(c.IMPORT_PLUGIN, self.import_plugin)
        registry.command(c.DELETE_PLUGIN, self.delete_plugin)
        registry.command(c.GET_LOGO, self.get_logo)
        await self.data.broker.start()
        await self.registry.broker.start()

    async def stop(self) -> None:
        for pull in self._pulls:
            await pull.stop()
        for task in self._tasks:
            task.cancel()

    # Plugins

    async def install(self, found: Manifest, *, enabled: bool = False, **settings: Any) -> None:
        await self._manifests.put(f"manifest.{token(found.key)}", found.to_bytes())
        if enabled or settings:
            self._configure(found.key, enabled=enabled, ever_enabled=enabled, settings=settings)
        if enabled:
            await self.load(found)

    async def load(self, found: Manifest, **more: Any) -> None:
        loaded = {
            "digest": found.digest,
            "generation": found.generation,
            "executor": "e1",
            "epoch": 1,
            **more,
        }
        await self._loaded.put(f"loaded.{token(found.key)}", Loaded.model_validate(loaded).to_bytes())

    async def unload(self, key: str) -> None:
        await self._loaded.delete(f"loaded.{token(key)}")

    async def manifest(self, key: str) -> Manifest:
        held = await self._manifests.get(f"manifest.{token(key)}")
        if held is None:
            raise errors.NotFound(f"no plugin {key!r}")
        return Manifest.from_bytes(held.data)

    def _configure(self, key: str, **change: Any) -> d.PluginConfig:
        known = self.configs.get(key) or d.PluginConfig(key=key)
        self.configs[key] = known.model_copy(update={**change, "rev": known.rev + 1, "updated_at": now()})
        return self.configs[key]

    async def changed(self, key: str, change: Any) -> None:
        event = p.PluginChanged(key=key, change=change)
        await self.data.store(c.PLUGIN_CHANGED, event, type=f"plugin.{change}", plugin=key)

    async def list_configs(self, _: d.ListConfigs) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        async def each() -> AsyncIterator[bytes]:
            for config in list(self.configs.values()):
                yield config.model_dump_json().encode()

        return d.ListHead(total=len(self.configs)), packed(each())

    async def get_config(self, command: d.GetConfig) -> d.PluginConfig:
        if command.key not in self.configs:
            raise errors.NotFound("no config")
        return self.configs[command.key]

    async def set_enabled(self, command: d.SetEnabled) -> d.PluginConfig:
        known = self.configs.get(command.key)
        ever = command.enabled or bool(known and known.ever_enabled)
        config = self._configure(command.key, enabled=command.enabled, ever_enabled=ever)
        if self.loads and command.enabled:
            await self.load(await self.manifest(command.key))
        elif self.loads:
            await self.unload(command.key)
        await self.changed(command.key, "enabled" if command.enabled else "disabled")
        return config

    async def set_settings(self, command: d.SetSettings) -> d.PluginConfig:
        config = self._configure(command.key, settings=command.settings)
        await self.changed(command.key, "settings")
        return config

    async def set_placement(self, command: d.SetPlacement) -> d.PluginConfig:
        config = self._configure(command.key, placement=command.placement)
        await self.changed(command.key, "placed")
        return config

    async def delete_config(self, command: d.DeletePluginConfig) -> Done:
        self.configs.pop(command.key, None)
        if command.with_data:
            for place in [place for place in self.collections.items if place[0] == command.key]:
                del self.collections.items[place]
        return Done()

    async def reload(self, command: p.ReloadPlugins) -> p.Reloaded:
        keys = list(await self._manifests.entries("manifest.*"))
        for name in keys:
            key = name.partition(".")[2]
            if command.key in (None, key):
                found = await self.manifest(key)
                again = found.model_copy(update={"generation": found.generation + 1})
                await self.install(again)
                if self.configs.get(key) and self.configs[key].enabled:
                    await self.load(again)
        return p.Reloaded(count=len(keys))

    async def import_plugin(self, command: p.ImportPlugin) -> p.Imported:
        self.imports.append(command)
        data = await Objects(self.registry).get(command.upload.digest)
        if not data.startswith(b"PK"):
            raise errors.Invalid("it is no ZIP")
        key = command.filename.removesuffix(".zip")
        known = await self._manifests.get(f"manifest.{token(key)}")
        if known and not command.overwrite:
            raise errors.Conflict(f"plugin {key!r} exists")
        await self.install(manifest(key, name="Imported", digest=command.upload.digest))
        return p.Imported(key=key, replaced=known is not None)

    async def delete_plugin(self, command: p.DeletePlugin) -> Done:
        await self._manifests.delete(f"manifest.{token(command.key)}")
        return Done()

    async def get_logo(self, _: p.GetLogo) -> p.Logo:
        return p.Logo(content=base64.b64encode(PNG).decode(), digest="x")

    # Runs

    @property
    def working(self) -> bool:
        """Whether any plugin's commands are run."""
        return bool(self._pulls)

    async def work(self, plugin: str, run: Run) -> None:
        """Run this plugin's commands, as an executor does."""
        durable = Durable(
            c.RUN_CMD,
            plugin_durable(plugin),
            plugin_filters(plugin),
            ack_wait_s=ACK_WAIT_S,
            max_ack_pending=64,
        )
        await ensure_durable(self.provisioner.nc.jetstream(), durable)

        def handle(delivery: Delivery) -> None:
            task = asyncio.create_task(self._work(delivery, run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: pull.done())

        pull = Pull(self.executor, c.RUN_CMD, durable.name, handle, at_once=64)
        await pull.start()
        self._pulls.append(pull)

    async def _work(self, delivery: Delivery, run: Run) -> None:
        command = r.RunRequested.model_validate_json(delivery.data)
        self.commands.append(command)
        state = r.RunState(
            run_id=command.run_id, plugin=command.plugin, action=command.action, state="running"
        )
        try:
            seq = await self._ledger.append(state, after=0)
        except Refused:
            await delivery.ack()
            return
        objects = Objects(self.executor)
        config = self.configs.get(command.plugin) or d.PluginConfig(key=command.plugin)
        try:
            result = await run(command.action, await resolved(objects, command.params), config)
            end: dict[str, Any] = {"state": "succeeded", "result": await by_reference(objects, result)}
        except errors.RunFailed as error:
            end = {"state": "failed", "cause": error.path or "raised", "error": error.message}
        final = state.model_copy(update={**end, "ended_at": now()})
        await self._ledger.append(final, after=seq)
        if self.answers and command.caller:
            await self._ledger.answer(final, kind=command.caller.kind, caller=command.caller.id)
        await delivery.ack()

    async def list_runs(self, command: r.ListRuns) -> r.RunPage:
        found = [run for run in self.runs.values() if command.plugin in (None, run.plugin)]
        return r.RunPage(runs=tuple(found[command.offset :][: command.limit]), total=len(found))

    def _run(self, run_id: str) -> r.Run:
        if run_id not in self.runs:
            raise errors.NotFound(f"no run {run_id}")
        return self.runs[run_id]

    async def get_run(self, command: r.GetRun) -> r.Run:
        return self._run(command.run_id)

    async def get_log(self, command: r.GetRunLog) -> r.RunLog:
        self._run(command.run_id)
        return r.RunLog(lines=({"seq": 1, "time": now(), "level": "info", "message": "hello"},), last_seq=1)

    async def siblings(self, command: r.GetSiblings) -> r.Siblings:
        mine = self._run(command.run_id)
        found = [run for run in self.runs.values() if run.plugin == mine.plugin and run is not mine]
        return r.Siblings(siblings=tuple(found))

    async def cancel(self, command: r.CancelRun) -> r.CancelAnswer:
        run = self._run(command.run_id)
        return r.CancelAnswer(run=run, ended=run.ended_at is not None)

    async def retry(self, command: r.RetryRun) -> r.Retried:
        run = self._run(command.run_id)
        again = r.RunRequested(
            run_id=new_id(),
            plugin=run.plugin,
            action=run.action,
            caller=command.caller,
            actor=command.actor,
            trigger="retry",
            retry_of=run.run_id,
        )
        await self.data.store(c.RUN_REQUESTED, again, msg_id=again.run_id, plugin=run.plugin)
        return r.Retried(run_id=again.run_id, plugin=run.plugin, action=run.action)


def body(response: Any) -> Any:
    return orjson.loads(response.content)
