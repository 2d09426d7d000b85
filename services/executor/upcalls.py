"""What plugins ask of the platform. The executor knows which plugin asks; the plugin cannot choose it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.executor.arguments import command, mapping, text
from services.executor.background import Background
from services.executor.book import Book
from services.executor.children import Children
from services.executor.items import item
from services.executor.loading import Tables
from services.executor.metrics import Metrics
from services.executor.outbox import Outbox
from services.executor.plugin_data import PluginCollections
from services.executor.plugin_events import PluginEvents
from services.executor.plugin_files import PluginFiles
from services.executor.plugin_settings import Masks
from services.executor.site_redis import SiteRedis
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject, now
from shared.contracts.data import PluginConfig, SetSettings
from shared.contracts.events import DEEPEST
from shared.contracts.plugins import PluginChanged, ReloadPlugins
from shared.contracts.runs import RunProgressed
from shared.logging import get_logger
from shared.messaging.bus import Bus

LIMIT_S: Final = 60.0
"""Within which every call is answered, but for runs of other plugins."""
_QUEUE_S: Final = 60.0
_WARNED: Final = 10_000

Handler = Callable[[str, str | None, int, Mapping[str, Any]], Awaitable[Any]]
"""plugin, run id, depth, arguments → answer"""

log = get_logger(__name__)


class BusUpcalls:
    """Implements `services.executor.ports.Upcalls` on the bus."""

    def __init__(
        self,
        bus: Bus,
        *,
        book: Book,
        tables: Tables,
        background: Background,
        redis: SiteRedis,
        collections: PluginCollections,
        files: PluginFiles,
        events: PluginEvents,
        children: Children,
        outbox: Outbox,
        masks: Masks,
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        self._book = book
        self._tables = tables
        self._redis = redis
        self._collections = collections
        self._files = files
        self._children = children
        self._outbox = outbox
        self._masks = masks
        self._metrics = metrics
        self._warned: set[tuple[str, str]] = set()
        self._announcing: set[asyncio.Task[None]] = set()
        self._handlers: Mapping[str, Handler] = {
            **background.verbs,
            "config.get": self._config,
            "config.set_settings": self._set_settings,
            "plugins.list": self._list,
            "plugins.get": self._get,
            "plugins.discover": self._discover,
            "plugins.stop": self._stop,
            "host.database": self._host_database,
            "host.redis": self._host_redis,
            "event.websocket": events.websocket,
            "event.emit": events.emit,
            "files.open": self._open_file,
            "files.read": self._read_file,
        }

    async def call(
        self, key: str, run_id: str | None, depth: int, method: str, args: Mapping[str, Any]
    ) -> Any:
        """Answer a platform call. Raises PlugarrError."""
        if method == "plugins.run":
            return await self._run(key, run_id, depth, args)
        try:
            async with asyncio.timeout(LIMIT_S):
                if method.startswith("data."):
                    owner = await self._own(key, run_id, text(args, "plugin"), "data")
                    if method == "data.write_together":
                        return await self._collections.write_together(owner, args)
                    return await self._collections.call(owner, method.removeprefix("data."), args)
                return await self._handlers[method](key, run_id, depth, args)
        except TimeoutError as error:
            raise errors.TimedOut(f"{method} was not answered within {LIMIT_S:g} s") from error

    def log(self, key: str, run_id: str | None, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take log lines, without what is secret."""
        self._outbox.log(key, run_id, self._masks.of(key, run_id).lines(lines))

    def progress(self, key: str, run_id: str, done: float, total: float | None, message: str | None) -> None:
        """Take a run's progress."""
        shown = self._masks.of(key, run_id).text(message) if message is not None else None
        self._outbox.progress(RunProgressed(plugin=key, run_id=run_id, done=done, total=total, message=shown))

    def host_ended(self, key: str, cause: str) -> None:
        """Tell that a plugin's host ended unasked."""
        self._metrics.host_ended()
        log.warning("host_ended", plugin=key, cause=cause)
        task = asyncio.create_task(self._announce(PluginChanged(key=key, change="host_ended", detail=cause)))
        self._announcing.add(task)
        task.add_done_callback(self._announcing.discard)

    async def _announce(self, event: PluginChanged) -> None:
        try:
            await self._book.announce(event)
        except errors.PlugarrError as error:
            log.info("event_not_sent", plugin=event.key, change=event.change, reason=error.message)

    async def _own(self, key: str, run_id: str | None, named: str, what: str) -> str:
        """The caller's own key, which is what a key that nobody has means, too. Raises PermissionDenied."""
        if named == key:
            return key
        if await self._book.installed(named):
            raise errors.PermissionDenied(f"plugin '{key}' may not touch the {what} of plugin '{named}'")
        if (key, named) not in self._warned and len(self._warned) < _WARNED:
            self._warned.add((key, named))
            message = f"no plugin is called '{named}': the {what} of '{key}' itself is meant"
            line: JsonObject = {"time": now(), "level": "warning", "message": message, "logger": "plugarr"}
            self._outbox.log(key, run_id, [line])
        return key

    async def _config(self, key: str, run_id: str | None, _depth: int, args: Mapping[str, Any]) -> Any:
        config = await self._read_config(await self._own(key, run_id, text(args, "plugin"), "settings"))
        return config.model_dump(include={"key", "enabled", "ever_enabled", "settings", "updated_at"})

    async def _set_settings(self, key: str, run_id: str | None, _depth: int, args: Mapping[str, Any]) -> Any:
        owner = await self._own(key, run_id, text(args, "plugin"), "settings")
        change = command(SetSettings, key=owner, settings=mapping(args, "settings"), actor=f"plugin:{key}")
        config = await self._bus.request(c.SET_SETTINGS, change)
        self._book.keep(config)
        return config.settings

    async def _list(self, key: str, _run: str | None, _depth: int, _args: Mapping[str, Any]) -> Any:
        await self._book.read_configs()
        configs = self._book.configs
        return [
            item(
                manifest,
                loaded,
                configs.get(manifest.key, PluginConfig(key=manifest.key)),
                own=manifest.key == key,
            )
            for manifest, loaded in await self._book.every()
        ]

    async def _get(self, key: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> Any:
        named = text(args, "plugin")
        found = await self._book.listed(named)
        if found is None:
            return None
        return item(*found, await self._read_config(named), own=named == key)

    async def _discover(self, _key: str, _run: str | None, _depth: int, _args: Mapping[str, Any]) -> int:
        # Only looks: a reload of every plugin, the caller too, is what nobody wants here.
        return (await self._bus.request(c.RELOAD_PLUGINS, ReloadPlugins(load=False))).count

    async def _stop(self, key: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> bool:
        named = text(args, "plugin")
        if named != key and await self._book.installed(named):
            raise errors.PermissionDenied(f"plugin '{key}' may not stop plugin '{named}'")
        # A plugin that wants to stop itself is running just now: that it does by returning.
        return False

    async def _run(self, key: str, run_id: str | None, depth: int, args: Mapping[str, Any]) -> Any:
        named, action = text(args, "plugin"), text(args, "action")
        if depth >= DEEPEST:
            raise errors.PermissionDenied(
                f"plugin '{key}' may not run plugin '{named}': plugins have called one another {DEEPEST} deep"
            )
        found = await self._book.listed(named)
        if found is None:
            raise errors.NotFound(f"Plugin '{named}' not found")
        if not (await self._read_config(named)).enabled:
            raise errors.PluginDisabled(f"Plugin '{named}' is disabled")
        return await self._children.run(
            asker=key,
            plugin=named,
            action=action,
            params=mapping(args, "params"),
            parent=run_id,
            depth=depth + 1,
            timeout_s=found[0].execution.timeout_s + _QUEUE_S,
        )

    async def _host_database(
        self, _key: str, _run: str | None, _depth: int, _args: Mapping[str, Any]
    ) -> None:
        await self._tables.ready()

    async def _host_redis(
        self, _key: str, _run: str | None, _depth: int, _args: Mapping[str, Any]
    ) -> dict[str, Any]:
        return await self._redis.ready()

    async def _open_file(self, key: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> Any:
        return await self._files.open(key, args)

    async def _read_file(self, key: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> Any:
        return await self._files.read(key, args)

    async def _read_config(self, key: str) -> PluginConfig:
        try:
            return await self._book.read_config(key)
        except errors.NotFound:
            return PluginConfig(key=key)
