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
from shared.contracts import users as u
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

DIGEST = "0" * 63
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
Run = Callable[[str, Any, d.PluginConfig], Awaitable[Any]]


def manifest(key: str, *, digest: str = DIGEST + "1", generation: int = 0, **more: Any) -> Manifest:
    return Manifest.model_validate(
        {"key": key, "folder": key, "digest": digest, "generation": generation, "epoch": 1, **more}
    )


class Users:
    """Users of the data service, in memory."""

    def __init__(self) -> None:
        self.users: dict[str, u.User] = {}
        self.passwords: dict[str, str] = {}
        self.keys: dict[str, tuple[u.ApiKey, str]] = {}
        self.limited = False

    def add(self, name: str, level: u.Level, password: str = "password-1") -> u.User:
        user = u.User(id=new_id(), username=name, level=level, created_at=now())
        self.users[user.id] = user
        self.passwords[user.id] = password
        return user

    def bind(self, handlers: Handlers) -> None:
        for rpc, method in (
            (c.GET_SETUP, self.get_setup),
            (c.CREATE_FIRST_ADMIN, self.create_first),
            (c.LOG_IN, self.log_in),
            (c.GET_USER, self.get_user),
            (c.LIST_USERS, self.list_users),
            (c.CREATE_USER, self.create_user),
            (c.UPDATE_USER, self.update_user),
            (c.DELETE_USER, self.delete_user),
            (c.CREATE_API_KEY, self.create_key),
            (c.LIST_API_KEYS, self.list_keys),
            (c.DELETE_API_KEY, self.delete_key),
            (c.AUTHENTICATE_API_KEY, self.authenticate),
        ):
            handlers.command(rpc, method)

    async def get_setup(self, _: u.GetSetup) -> u.Setup:
        return u.Setup(needed=not any(user.level == "admin" for user in self.users.values()))

    async def create_first(self, command: u.CreateFirstAdmin) -> u.User:
        if any(user.level == "admin" for user in self.users.values()):
            raise errors.Conflict("there is an administrator already")
        return self.add(command.username, "admin", command.password)

    async def log_in(self, command: u.LogIn) -> u.User:
        if self.limited:
            raise errors.RateLimited("too many attempts")
        for user in self.users.values():
            if user.username == command.username and self.passwords[user.id] == command.password:
                return user
        raise errors.Unauthenticated("the name or the password is wrong")

    def _user(self, user_id: str) -> u.User:
        if user_id not in self.users:
            raise errors.NotFound(f"no user {user_id!r}")
        return self.users[user_id]

    async def get_user(self, command: u.GetUser) -> u.User:
        return self._user(command.id)

    async def list_users(self, command: u.ListUsers) -> u.UserPage:
        found = list(self.users.values())
        page = found[command.offset : command.offset + command.limit]
        return u.UserPage(users=tuple(page), total=len(found))

    async def create_user(self, command: u.CreateUser) -> u.User:
        if any(user.username == command.username for user in self.users.values()):
            raise errors.Conflict("the name is taken", path="username")
        return self.add(command.username, command.level, command.password)

    async def update_user(self, command: u.UpdateUser) -> u.User:
        user = self._user(command.id)
        change = command.model_dump(exclude_none=True, exclude={"id", "password"})
        if command.password:
            self.passwords[user.id] = command.password
        raised = user.token_version + (1 if command.password or "active" in change else 0)
        self.users[user.id] = user.model_copy(update={**change, "token_version": raised})
        return self.users[user.id]

    async def delete_user(self, command: u.DeleteUser) -> Done:
        self._user(command.id)
        del self.users[command.id]
        return Done()

    async def create_key(self, command: u.CreateApiKey) -> u.NewApiKey:
        self._user(command.user_id)
        secret = f"pk_{new_id()}"
        key = u.ApiKey(
            id=new_id(), user_id=command.user_id, name=command.name, prefix=secret[:8], created_at=now()
        )
        self.keys[key.id] = (key, secret)
        return u.NewApiKey(key=key, secret=secret)

    async def list_keys(self, command: u.ListApiKeys) -> u.ApiKeyList:
        wanted = command.user_id
        return u.ApiKeyList(keys=tuple(k for k, _ in self.keys.values() if wanted in (None, k.user_id)))

    async def delete_key(self, command: u.DeleteApiKey) -> Done:
        key = self.keys.get(command.id)
        if key is None or command.user_id not in (None, key[0].user_id):
            raise errors.NotFound(f"no API key {command.id!r}")
        del self.keys[command.id]
        return Done()

    async def authenticate(self, command: u.AuthenticateApiKey) -> u.User:
        for key, secret in self.keys.values():
            if secret == command.secret:
                return self._user(key.user_id)
        raise errors.Unauthenticated("the API key is not valid")


class Collections:
    """Plugin data in memory."""

    def __init__(self, objects: Objects) -> None:
        self.items: dict[tuple[str, str], dict[int, d.Record]] = {}
        self.listed: list[d.ListItems] = []
        self.ops: list[str] = []
        self.break_after: int | None = None
        self._objects = objects
        self._last = 0

    def bind(self, handlers: Handlers) -> None:
        handlers.streaming(c.LIST_ITEMS, self.list)
        handlers.streaming(c.REPLACE_COLLECTION, self.replace_all)
        handlers.command(c.GET_ITEM, self.get)
        handlers.command(c.ADD_ITEM, self.add)
        handlers.command(c.REPLACE_ITEM, self.replace)
        handlers.command(c.PATCH_ITEM, self.patch)
        handlers.command(c.DELETE_ITEM, self.delete)
        handlers.command(c.CLEAR_COLLECTION, self.clear)

    def _of(self, command: d.CollectionCommand) -> dict[int, d.Record]:
        return self.items.setdefault((command.plugin, command.collection), {})

    async def _record(self, item_id: int, data: Any) -> d.Record:
        document = {
            key: value for key, value in (await resolved(self._objects, data)).items() if key != "_id"
        }
        return d.Record(id=item_id, data=document, created_at=now(), updated_at=now())

    def _stream(self, records: list[d.Record], total: int) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        async def each() -> AsyncIterator[bytes]:
            for number, record in enumerate(records):
                if self.break_after is not None and number >= self.break_after:
                    raise errors.Unavailable("the database went away")
                yield record.model_dump_json().encode()

        return d.ListHead(total=total), packed(each())

    async def list(self, command: d.ListItems) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        self.listed.append(command)
        found = list(self._of(command).values())
        end = None if command.limit is None else command.offset + command.limit
        return self._stream(found[command.offset : end], len(found))

    async def replace_all(self, command: d.ReplaceCollection) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        items = await resolved(self._objects, command.items)
        kept: dict[int, d.Record] = {}
        for item in items:
            self._last += 1
            kept[self._last] = await self._record(self._last, item)
        self.items[command.plugin, command.collection] = kept
        return self._stream(list(kept.values()), len(kept))

    async def get(self, command: d.GetItem) -> d.RecordAnswer:
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def add(self, command: d.AddItem) -> d.RecordAnswer:
        self.ops.append(command.op_id)
        self._last += 1
        self._of(command)[self._last] = await self._record(self._last, command.data)
        return d.RecordAnswer(record=self._of(command)[self._last])

    async def replace(self, command: d.ReplaceItem) -> d.RecordAnswer:
        if command.id in self._of(command):
            self._of(command)[command.id] = await self._record(command.id, command.data)
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def patch(self, command: d.PatchItem) -> d.RecordAnswer:
        old = self._of(command).get(command.id)
        if old is not None:
            merged = {**old.data, **await resolved(self._objects, command.data)}
            self._of(command)[command.id] = await self._record(command.id, merged)
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def delete(self, command: d.DeleteItem) -> d.Deleted:
        return d.Deleted(deleted=int(self._of(command).pop(command.id, None) is not None))

    async def clear(self, command: d.ClearCollection) -> d.Deleted:
        return d.Deleted(deleted=len(self.items.pop((command.plugin, command.collection), {})))


class Platform:
    """Everything that the gateway talks to."""

    def __init__(self, data: Bus, registry: Bus, executor: Bus, provisioner: Bus) -> None:
        self.data, self.registry, self.executor, self.provisioner = data, registry, executor, provisioner
        self.users = Users()
        self.collections = Collections(Objects(data))
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
        data.streaming(c.LIST_CONFIGS, self.list_configs)
        data.command(c.GET_CONFIG, self.get_config)
        data.command(c.SET_ENABLED, self.set_enabled)
        data.command(c.SET_SETTINGS, self.set_settings)
        data.command(c.DELETE_PLUGIN_CONFIG, self.delete_config)
        data.command(c.LIST_RUNS, self.list_runs)
        data.command(c.GET_RUN, self.get_run)
        data.command(c.GET_RUN_LOG, self.get_log)
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
