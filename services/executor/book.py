"""What this executor knows of plugins: manifests, configs, and what homes say of loaded ones."""

import asyncio
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.contracts import catalog as c
from shared.contracts.base import INLINE_LIMIT
from shared.contracts.data import GetConfig, ListConfigs, PluginConfig
from shared.contracts.manifest import Loaded, Manifest, Problem
from shared.contracts.names import token, untoken
from shared.contracts.plugins import PluginChanged
from shared.contracts.streams import MANIFESTS
from shared.logging import get_logger
from shared.messaging.bus import Bus, Held
from shared.messaging.kv import Kv

_CONFIGS: Final = TypeAdapter(list[PluginConfig])
_AT_ONCE: Final = 64

log = get_logger(__name__)


class Book:
    """Read from the bus again and again; what is told in between is only a hint."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kv = Kv(bus, MANIFESTS)
        self._revisions: dict[str, int] = {}
        self._reading: dict[str, asyncio.Task[PluginConfig]] = {}
        self.configs: dict[str, PluginConfig] = {}
        self.manifests: dict[str, Manifest] = {}
        """Of enabled plugins only; the others are read when they are asked for."""

    async def read_configs(self) -> None:
        """Read every config. Raises PlugarrError."""
        _, chunks = await self._bus.stream(c.LIST_CONFIGS, ListConfigs())
        found = [config async for chunk in chunks for config in _CONFIGS.validate_json(chunk)]
        keys = {config.key for config in found}
        self.configs = {key: known for key, known in self.configs.items() if key in keys}
        for config in found:
            self.keep(config)

    async def read_config(self, key: str) -> PluginConfig:
        """Read one config; several who ask at once share the answer. Raises PlugarrError."""
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(task)

    async def read_manifests(self) -> None:
        """Read the manifests of enabled plugins anew. Raises PlugarrError."""
        enabled = [key for key, config in self.configs.items() if config.enabled]
        for start in range(0, len(enabled), _AT_ONCE):
            await asyncio.gather(*(self.read_manifest(key) for key in enabled[start : start + _AT_ONCE]))
        for key in self.manifests.keys() - set(enabled):
            self.forget(key)

    async def read_manifest(self, key: str) -> Manifest | None:
        """Read one manifest. Raises PlugarrError."""
        held = await self._kv.get(f"manifest.{token(key)}")
        if held is None:
            self.forget(key)
            return None
        if self._revisions.get(key) != held.seq:
            manifest = _manifest(held)
            if manifest is None:
                return self.manifests.get(key)
            self._revisions[key] = held.seq
            self.manifests[key] = manifest
        return self.manifests[key]

    def forget(self, key: str) -> None:
        self.manifests.pop(key, None)
        self._revisions.pop(key, None)

    async def installed(self, key: str) -> bool:
        """Whether there is a plugin of that key. Raises PlugarrError."""
        if key in self.manifests:
            return True
        return await self._kv.get(f"manifest.{token(key)}") is not None

    async def every(self) -> list[tuple[Manifest, Loaded | None]]:
        """All plugins that are listed, in the order of their keys. Raises PlugarrError."""
        held = await self._kv.entries("*.*")
        pairs: list[tuple[Manifest, Loaded | None]] = []
        for name in sorted(held):
            kind, _, key = name.partition(".")
            manifest = _manifest(held[name]) if kind == "manifest" else None
            if manifest is not None:
                said = held.get(f"loaded.{key}")
                pairs.append((manifest, _loaded(said) if said is not None else None))
        return pairs

    async def listed(self, key: str) -> tuple[Manifest, Loaded | None] | None:
        """One plugin, or None. Raises PlugarrError."""
        held = await self._kv.get(f"manifest.{token(key)}")
        manifest = _manifest(held) if held is not None else None
        return (manifest, await self.loaded(key)) if manifest is not None else None

    # What homes say

    async def loaded(self, key: str) -> Loaded | None:
        """What a plugin's home says of it. Raises PlugarrError."""
        held = await self._kv.get(f"loaded.{token(key)}")
        return _loaded(held) if held is not None else None

    async def loaded_by(self) -> dict[str, tuple[str, int]]:
        """Key → executor and epoch of whoever says that a plugin is loaded. Raises PlugarrError."""
        found: dict[str, tuple[str, int]] = {}
        for name, held in (await self._kv.entries("loaded.*")).items():
            # Nothing else of these documents is looked at, and some are large.
            document = orjson.loads(held.data)
            holder = str(document.get("executor", "")), int(document.get("epoch", 0))
            found[untoken(name.removeprefix("loaded."))] = holder
        return found

    async def say_loaded(self, key: str, loaded: Loaded) -> None:
        """Write what a plugin says of itself. Raises PlugarrError."""
        body = loaded.to_bytes()
        if len(body) > INLINE_LIMIT:
            size = len(body)
            loaded.pages = {}
            loaded.errors = [
                *loaded.errors,
                Problem(
                    path="pages",
                    message=f"what the plugin says of itself takes {size:,} bytes, more than {INLINE_LIMIT:,}",
                    remedy="keep the rows of tables and lists in collections",
                ),
            ]
            body = loaded.to_bytes()
        await self._kv.put(f"loaded.{token(key)}", body)

    async def unsay_loaded(self, key: str) -> None:
        """The plugin is loaded no more. Raises PlugarrError."""
        if await self._kv.get(f"loaded.{token(key)}") is not None:
            await self._kv.delete(f"loaded.{token(key)}")

    async def announce(self, event: PluginChanged) -> None:
        """Tell that something about a plugin changed. Raises PlugarrError."""
        await self._bus.store(c.PLUGIN_CHANGED, event, type=f"plugin.{event.change}", plugin=event.key)

    async def _ask(self, key: str) -> PluginConfig:
        config = await self._bus.request(c.GET_CONFIG, GetConfig(key=key))
        self.keep(config)
        return self.configs[key]

    def keep(self, config: PluginConfig) -> None:
        """Take a config, unless a newer one is known."""
        known = self.configs.get(config.key)
        # Answers overtake one another; and a config that was forgotten begins anew with rev 0.
        if known is None or config.rev >= known.rev or config.rev == 0:
            self.configs[config.key] = config


def _manifest(held: Held) -> Manifest | None:
    try:
        return Manifest.from_bytes(held.data)
    except ValidationError as error:
        log.warning("manifest_not_understood", subject=held.subject, reason=str(error)[:500])
        return None


def _loaded(held: Held) -> Loaded | None:
    try:
        return Loaded.from_bytes(held.data)
    except ValidationError as error:
        log.warning("loaded_not_understood", subject=held.subject, reason=str(error)[:500])
        return None
