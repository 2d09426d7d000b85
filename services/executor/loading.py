"""Loading a plugin: its package, its libraries, its host, and what it then says of itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from services.executor.attempts import Policy
from services.executor.book import Book
from services.executor.hosts.needs import needs_of
from services.executor.metrics import Metrics
from services.executor.packages import WorkingCopies
from services.executor.plugin_settings import Masks, secrets_of, with_defaults
from services.executor.ports import Hosts, LoadedPlugin, PluginSpec
from services.executor.service import PluginNow
from shared import errors
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import Loaded, Manifest
from shared.contracts.plugins import PluginChanged
from shared.contracts.ui import FieldSpec
from shared.logging import get_logger
from shared.manifests.normalise import loaded_document
from shared.manifests.statefulness import seems_stateless

LOADS_AT_ONCE: Final = 16
"""Few enough for a start with hundreds of plugins."""
SLOT_S: Final = 2.0
"""How long a load counts among those: enough for most, and plugins that hang while they load hold up no other."""
_NO_FILES: Final = "its files are missing"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """What makes a plugin be loaded anew: other files, or a reload."""

    digest: str | None
    generation: int


def version_of(manifest: Manifest) -> Version:
    """The version that a manifest asks for; None for one whose files cannot be had."""
    usable = not manifest.missing and not manifest.invalid and manifest.package is not None
    return Version(manifest.digest if usable else None, manifest.generation)


class Libraries(Protocol):
    """Plugins' own requirements."""

    async def install(self, key: str, folder: Path) -> Path | None:
        """The folder with what `requirements.txt` asks for, None where there is none. Raises PlugarrError."""


class Tables(Protocol):
    """The host application's tables."""

    async def ready(self) -> None:
        """Return when plugins can use them. Raises PlugarrError."""


@dataclass(slots=True)
class _Here:
    """A plugin that was loaded, or failed to."""

    manifest: Manifest
    loaded: LoadedPlugin
    attributes: dict[str, Any]
    document: Loaded
    published: tuple[int, int] | None = None
    """Epoch and revision of what was last written about it."""
    revision: int = 0
    """Counts what it said of itself."""
    now: PluginNow | None = None
    config: PluginConfig | None = None
    actions: dict[str, Any] = field(default_factory=dict)


class Loader:
    """Loads plugins into hosts, and knows how each of them stands."""

    def __init__(
        self,
        *,
        book: Book,
        copies: WorkingCopies,
        libraries: Libraries,
        tables: Tables,
        hosts: Hosts,
        masks: Masks,
        metrics: Metrics,
        executor: str,
        site: str = "",
        sandbox: str | None = None,
    ) -> None:
        self._book = book
        self._copies = copies
        self._libraries = libraries
        self._tables = tables
        self._hosts = hosts
        self._masks = masks
        self._metrics = metrics
        self._executor = executor
        self._site = site
        self._sandbox = sandbox
        self._here: dict[str, _Here] = {}
        self._stateless: dict[str, bool] = {}
        self._slots = asyncio.Semaphore(LOADS_AT_ONCE)

    async def load(self, manifest: Manifest, *, lead: bool) -> bool:
        """Load a plugin; whether it did. Raises PlugarrError or OSError where that may be tried again."""
        key = manifest.key
        config = self._book.configs.get(key) or await self._book.read_config(key)
        self._masks.set_plugin(key, secrets_of(config.settings, manifest.fields))
        async with self._slot():
            loaded = await self._load(manifest, with_defaults(config.settings, manifest.fields))
        here = _Here(manifest, loaded, dict(loaded.attributes), self._document(manifest, loaded))
        self._here[key] = here
        self._settle(here, config)
        self._metrics.loaded(ok=loaded.ok)
        if loaded.ok and lead:
            before = await self._book.loaded(key)
            # Disabling takes away what was said of the plugin; so where nothing is said, it was enabled since.
            if before is None or not before.ok:
                await self._hosts.hook(key, "on_enable", self._settings(key))
        return loaded.ok

    async def publish(self, key: str, manifest: Manifest, epoch: int) -> None:
        """Write what the plugin says of itself, where that is new. Raises PlugarrError."""
        here = self._here[key]
        if here.published == (epoch, here.revision) or manifest.digest is None:
            return
        revision = here.revision
        here.document.epoch = epoch
        await self._book.say_loaded(key, here.document)
        first = here.published is None
        here.published = (epoch, revision)
        if first:
            change = PluginChanged(
                key=key, change="loaded" if here.loaded.ok else "load_failed", detail=here.document.error
            )
            await self._book.announce(change)

    async def unpublish(self, key: str) -> None:
        """The plugin is not loaded any more. Raises PlugarrError."""
        await self._book.unsay_loaded(key)
        await self._book.announce(PluginChanged(key=key, change="unloaded"))

    async def unload(self, key: str, reason: str, *, lead: bool) -> None:
        """Stop the plugin. Never raises for what it does."""
        here = self._here.get(key)
        if here is None:
            return
        if reason in {"disable", "delete"} and lead and here.loaded.ok:
            await self._hosts.hook(key, "on_disable", self._settings(key))
        await self._hosts.stop(key, reason, self._settings(key))

    async def drop_deleted(self, key: str) -> None:
        """Drop the files of a plugin that is stopped, if it is being deleted: not of one that only seems gone."""
        config = self._book.configs.get(key)
        if config is not None and config.deleting:
            await self.drop(key)

    async def drop(self, key: str) -> None:
        """Drop the files of a plugin that is stopped. Never raises for what is in them."""
        try:
            await self._copies.drop(key)
        except OSError as error:
            log.warning("working_copy_not_dropped", plugin=key, reason=str(error))

    def forget(self, key: str) -> None:
        self._here.pop(key, None)
        self._stateless.pop(key, None)
        self._masks.drop_plugin(key)

    def settings(self) -> dict[str, Mapping[str, Any]]:
        """The settings of every plugin that is loaded."""
        return {key: self._settings(key) for key in self._here}

    def said(self, key: str, refreshed: Mapping[str, Any]) -> bool:
        """Take navigation and pages as they are now; whether there is something to be written."""
        here = self._here.get(key)
        if here is None or not here.loaded.ok:
            return False
        here.attributes.update(refreshed)
        epoch = here.document.epoch
        here.document = self._document(here.manifest, here.loaded, here.attributes)
        here.document.epoch = epoch
        here.revision += 1
        return True

    async def now(self, key: str, config_rev: int) -> PluginNow:
        """How a plugin stands, with a config at least as new as that. Raises PlugarrError."""
        config = self._book.configs.get(key)
        if config is None or config.rev < config_rev:
            config = await self._book.read_config(key)
        here = self._here.get(key)
        if here is None:
            return PluginNow(enabled=config.enabled, loaded=False, timeout_s=1.0)
        if here.now is None or here.config is not config:
            self._settle(here, config)
        assert here.now is not None
        return here.now

    def _settings(self, key: str) -> Mapping[str, Any]:
        here = self._here[key]
        config = self._book.configs.get(key)
        if config is not None and here.config is not config:
            self._settle(here, config)
        return here.now.settings if here.now is not None else {}

    def _settle(self, here: _Here, config: PluginConfig) -> None:
        fields = _fields(here)
        settings = with_defaults(config.settings, fields)
        if not here.actions:
            actions = here.document.actions or here.manifest.actions
            here.actions = {action.id: action.document() for action in actions}
        here.config = config
        here.now = PluginNow(
            enabled=config.enabled,
            loaded=here.loaded.ok,
            timeout_s=here.manifest.execution.timeout_s,
            settings=settings,
            actions=here.actions,
            policy=Policy(here.manifest.execution.retries, here.manifest.execution.backoff_s),
        )
        self._masks.set_plugin(here.manifest.key, secrets_of(settings, fields))

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of the loads at once, until this one has ended or has taken its time."""
        await self._slots.acquire()
        with contextlib.ExitStack() as held:
            held.callback(self._slots.release)
            # Closing it twice releases once.
            timer = asyncio.get_running_loop().call_later(SLOT_S, held.close)
            try:
                yield
            finally:
                timer.cancel()

    async def _load(self, manifest: Manifest, settings: Mapping[str, Any]) -> LoadedPlugin:
        version = version_of(manifest)
        if version.digest is None or manifest.package is None:
            return LoadedPlugin(ok=False, error=_NO_FILES)
        key = manifest.key
        path = await self._copies.bring_up_to_date(key, manifest.folder, manifest.package.digest)
        self._stateless[key] = await asyncio.to_thread(seems_stateless, path)
        try:
            libraries = await self._libraries.install(key, path)
        except errors.PlugarrError as error:
            return LoadedPlugin(ok=False, error=error.message)
        needs = await asyncio.to_thread(needs_of, path)
        if needs:
            await self._tables.ready()
        spec = PluginSpec(
            key=key,
            folder=manifest.folder,
            path=path,
            digest=version.digest,
            declared=manifest.declared,
            libraries=libraries,
            concurrency=manifest.execution.concurrency,
            memory=manifest.execution.memory,
            needs=needs,
        )
        return await self._hosts.load(spec, settings)

    def _document(
        self, manifest: Manifest, loaded: LoadedPlugin, attributes: Mapping[str, Any] | None = None
    ) -> Loaded:
        document = loaded_document(
            digest=manifest.digest or "",
            epoch=0,
            executor=self._executor,
            site=self._site,
            sandbox=self._sandbox,
            stateless=self._stateless.get(manifest.key, False),
            attributes=loaded.attributes if attributes is None else attributes,
            ok=loaded.ok,
            error=loaded.error,
            warnings=loaded.warnings,
        )
        document.generation = manifest.generation
        return document


def _fields(here: _Here) -> list[FieldSpec]:
    return here.document.fields or here.manifest.fields
