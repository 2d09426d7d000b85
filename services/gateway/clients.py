"""What lies outside: the view's sources on the bus, and the results of runs."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from nats.aio.msg import Msg
from pydantic import TypeAdapter, ValidationError

from services.gateway.view import PluginsView
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.data import GetConfig, ListConfigs, PluginConfig
from shared.contracts.manifest import Loaded, Manifest
from shared.contracts.names import token, untoken
from shared.contracts.plugins import AppEvent, Home
from shared.contracts.streams import LEASES, MANIFESTS
from shared.logging import get_logger
from shared.messaging.bus import MSG_ID, Bus, Held
from shared.messaging.kv import Kv

SYNC_EVERY_S: Final = 30.0
_AGAIN_S: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
"""A change is told when it is sent, which may be before it is stored, or refused: look again after so long."""
_YIELD_EVERY: Final = 20

_CONFIGS: Final = TypeAdapter(tuple[PluginConfig, ...])

log = get_logger(__name__)


class Feed:
    """Keeps the view of plugins up to date: told of each change, and read whole every 30 s.

    What is told is a hint to read again; so a lost hint costs seconds, and nothing that the bus refused is shown.
    """

    def __init__(self, bus: Bus, view: PluginsView) -> None:
        self._bus = bus
        self._view = view
        self._kv = Kv(bus, MANIFESTS)
        self._leases = Kv(bus, LEASES)
        self._seqs: dict[str, int] = {}
        """Sequence of the entry that the view shows, by key of the bucket."""
        self._hints: asyncio.Queue[tuple[str, bytes | None, int]] = asyncio.Queue()
        """Key, what was told of it, and how often it was looked at since."""
        self._resync = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._stops: list[Callable[[], Awaitable[None]]] = []

    async def start(self) -> None:
        """Listen, and read everything in the background until it succeeds; again when the bus is back."""
        self._bus.on_back.add(self._resync.set)
        self._stops = [
            await self._kv.listen(">", self._manifest_told),
            await self._bus.listen(c.PLUGIN_CHANGED.subject.pattern(), self._plugin_told),
        ]
        self._tasks = [asyncio.create_task(self._keep_synced()), asyncio.create_task(self._follow_hints())]

    async def stop(self) -> None:
        self._bus.on_back.discard(self._resync.set)
        # Said besides being cancelled: what waits for the bus may swallow a cancellation (`wait_for`, Python 3.11).
        self._stopping = True
        self._resync.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stop in self._stops:
            with contextlib.suppress(Exception):  # the connection may be gone, and the subscription with it
                await stop()

    async def refresh_plugin(self, key: str) -> None:
        """Read again what is stored of one plugin. Raises Unavailable or TimedOut."""
        for kind in ("manifest", "loaded"):
            await self._read(f"{kind}.{token(key)}")
        await self._read_config(key)

    async def refresh_config(self, key: str) -> None:
        """Read a plugin's config again. Raises Unavailable or TimedOut."""
        await self._read_config(key)

    async def sync(self) -> None:
        """Read everything. Raises Unavailable or TimedOut."""
        before, revs = dict(self._seqs), self._view.config_revs()
        entries = await self._kv.entries()
        for number, (key, held) in enumerate(entries.items()):
            await self._show(key, held)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        for key, seq in before.items():
            if key not in entries and self._seqs.get(key) == seq:
                await self._show(key, None)
        await self._sync_configs(revs)
        self._view.synced()

    # Being told

    async def _manifest_told(self, key: str, message: Msg) -> None:
        deleted = (message.headers or {}).get("KV-Operation") in {"DEL", "PURGE"}
        self._hints.put_nowait((key, None if deleted else message.data, 0))

    async def _plugin_told(self, message: Msg) -> None:
        try:
            event = c.PLUGIN_CHANGED.envelope.model_validate_json(message.data).data
        except ValidationError as error:
            log.warning("event_not_understood", subject=message.subject, error=str(error))
            return
        if event.change in {"enabled", "disabled", "settings", "placed", "removed"}:
            self._hints.put_nowait((f"config.{token(event.key)}", b"", 0))

    async def _follow_hints(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            key, told, looked = await self._hints.get()
            kind, _, name = key.partition(".")
            try:
                if kind == "config":
                    await self._read_config(untoken(name))
                    continue
                held = await self._read(key)
            except (errors.PlugarrError, ValueError) as error:
                log.warning("view_not_refreshed", key=key, error=str(error))
                self._resync.set()
                continue
            if (held.data if held else None) != told and looked < len(_AGAIN_S):
                loop.call_later(_AGAIN_S[looked], self._hints.put_nowait, (key, told, looked + 1))

    async def _keep_synced(self) -> None:
        while not self._stopping:
            try:
                await self.sync()
                wait = SYNC_EVERY_S
            except errors.PlugarrError as error:
                log.warning("view_not_synced", error=str(error))
                wait = 1.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._resync.wait()
                self._resync.clear()

    # Reading

    async def _read(self, key: str) -> Held | None:
        held = await self._kv.get(key)
        await self._show(key, held)
        return held

    async def _show(self, key: str, held: Held | None) -> None:
        kind, _, name = key.partition(".")
        try:
            plugin = untoken(name)
        except ValueError:
            return
        if held is not None and self._seqs.get(key, 0) >= held.seq:
            return
        shows = {"manifest": self._show_manifest, "loaded": self._show_loaded}.get(kind)
        try:
            # What was refused is looked at again the next time: whose word counts may have changed.
            settled = shows is None or await shows(plugin, held)
        except (ValidationError, orjson.JSONDecodeError) as error:
            log.warning("document_not_understood", key=key, error=str(error)[:500])
            settled = True
        if held is not None and settled:
            self._seqs[key] = held.seq
        else:
            self._seqs.pop(key, None)

    async def _show_manifest(self, plugin: str, held: Held | None) -> bool:
        manifest = Manifest.from_bytes(held.data) if held else None
        known = self._view.manifest(plugin)
        if manifest and known and manifest.epoch < known.epoch:
            log.warning("old_epoch_refused", plugin=plugin, epoch=manifest.epoch, known=known.epoch)
            return False
        self._view.set_manifest(plugin, manifest)
        return True

    async def _show_loaded(self, plugin: str, held: Held | None) -> bool:
        loaded = Loaded.from_bytes(held.data) if held else None
        known = self._view.loaded(plugin)
        if loaded and known and loaded.epoch < known.epoch and not await self._is_home(plugin, loaded):
            log.warning("old_epoch_refused", plugin=plugin, epoch=loaded.epoch, known=known.epoch)
            return False
        self._view.set_loaded(plugin, loaded)
        return True

    async def _is_home(self, plugin: str, loaded: Loaded) -> bool:
        """Whether the plugin has moved to an executor whose lease is older than the last home's."""
        held = await self._leases.get(f"home.{token(plugin)}")
        if held is None:
            return False
        home = Home.model_validate_json(held.data)
        return (home.executor, home.epoch) == (loaded.executor, loaded.epoch)

    async def _read_config(self, key: str) -> None:
        try:
            config = await self._bus.request(c.GET_CONFIG, GetConfig(key=key))
        except errors.NotFound:
            self._view.set_config(key, None)
        else:
            self._view.set_config(key, config)

    async def _sync_configs(self, revs: dict[str, int]) -> None:
        _, chunks = await self._bus.stream(c.LIST_CONFIGS, ListConfigs())
        found: set[str] = set()
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                for config in _CONFIGS.validate_json(chunk):
                    found.add(config.key)
                    self._view.set_config(config.key, config)
        now = self._view.config_revs()
        self._view.keep_configs(found | {key for key, rev in now.items() if revs.get(key) != rev})


class Results:
    """Results of the runs that this gateway asked for: one subscription for all of them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[str, list[asyncio.Future[dict[str, Any] | None]]] = {}
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        pattern = c.RUN_ENDED.subject.pattern(kind="gateway", caller=self._bus.instance)
        self._stop = await self._bus.listen(pattern, self._ended)

    async def stop(self) -> None:
        if self._stop:
            with contextlib.suppress(Exception):  # the connection may be gone, and the subscription with it
                await self._stop()

    def expect(self, run_id: str) -> asyncio.Future[dict[str, Any] | None]:
        """A future of the run's result, JSON-shaped as `RunResult`; None if the gateway stops before."""
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, []).append(future)
        return future

    def forget(self, run_id: str, future: asyncio.Future[dict[str, Any] | None]) -> None:
        """Nobody waits for this future any more."""
        waiting = self._waiting.get(run_id)
        if waiting and future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(run_id, None)

    def release(self) -> None:
        """Let everybody who waits go: their runs go on without them."""
        for futures in self._waiting.values():
            _resolve(futures, None)

    async def _ended(self, message: Msg) -> None:
        futures = self._waiting.pop(message.subject.rpartition(".")[2], None)
        if not futures:
            return
        try:
            # Not validated: only executors and data may publish there, and this is the hot path.
            _resolve(futures, orjson.loads(message.data)["data"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("result_not_understood", subject=message.subject, error=str(error))


class AppEvents:
    """Events as the bus keeps them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def publish(self, event: AppEvent, event_id: str) -> None:
        """Store an event under an id of the caller's; stored twice it is one."""
        envelope = c.APP_EVENT.envelope(id=event_id, type="app.event", source=self._bus.source, data=event)
        await self._bus.put(
            c.APP_EVENT.subject.of(name=event.name), envelope.model_dump_json().encode(), {MSG_ID: event_id}
        )


def _resolve(futures: list[asyncio.Future[dict[str, Any] | None]], value: dict[str, Any] | None) -> None:
    for future in futures:
        if not future.done():
            future.set_result(value)


def age_s(view: PluginsView) -> float | None:
    """Seconds since the view was last read whole."""
    return None if view.synced_at is None else time.monotonic() - view.synced_at
