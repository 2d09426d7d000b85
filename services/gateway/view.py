"""What this gateway knows of every plugin: manifests, what loaded plugins say, and configs, in memory.

Bodies are encoded when they are first asked for after a change, and then served as they are.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from services.gateway.items import BASE, item
from services.gateway.masking import secret_params
from shared.contracts.data import Placement, PluginConfig
from shared.contracts.manifest import Loaded, Manifest, PluginView, merge
from shared.contracts.ui import navigation_item, opening_page, sorted_items
from shared.plugin_items import shown_page

_BASES: Final = 16
"""Host names for which the list is kept encoded."""


@dataclass(frozen=True, slots=True)
class Body:
    """An encoded answer and its strong entity tag."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, data: bytes) -> "Body":
        return cls(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')


@dataclass
class Plugin:
    """One plugin at one moment; a change makes another."""

    manifest: Manifest
    loaded: Loaded | None
    config: PluginConfig
    _secret_params: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _pages: dict[str, Body] = field(default_factory=dict)

    @cached_property
    def view(self) -> PluginView:
        return merge(self.manifest, self.loaded)

    @property
    def key(self) -> str:
        return self.manifest.key

    @property
    def name(self) -> str:
        return self.view.name or self.manifest.folder

    @property
    def is_current(self) -> bool:
        """Whether its home has loaded, or failed to load, exactly this version."""
        loaded, manifest = self.loaded, self.manifest
        return (
            loaded is not None
            and loaded.digest == manifest.digest
            and loaded.generation == manifest.generation
        )

    @cached_property
    def item(self) -> bytes:
        """Its entry in the list, as administrators see it."""
        return orjson.dumps(item(self.view, self.config, with_settings=True))

    @cached_property
    def bare_item(self) -> bytes:
        """Its entry in the list without settings."""
        return orjson.dumps(item(self.view, self.config, with_settings=False))

    @property
    def placement(self) -> Placement:
        """Where it runs: the operator's word, else the manifest's."""
        return self.config.placement or self.manifest.execution.placement

    def secret_params(self, action: str) -> tuple[str, ...]:
        """Names of an action's params that are passwords."""
        found = self._secret_params.get(action)
        if found is None:
            found = secret_params(self.view, action)
            if len(self._secret_params) < 1000:
                self._secret_params[action] = found
        return found

    def page(self, page_id: str | None) -> Body | None:
        """A page's answer, the opening one's where no id is given; None where there is none."""
        wanted = page_id if page_id is not None else opening_page(self.view.pages)
        if wanted is None or wanted not in self.view.pages:
            return None
        if wanted not in self._pages:
            page = shown_page(self.view.pages[wanted])
            answer = {
                "success": True,
                "plugin": {"key": self.key, "name": self.name},
                "page_id": wanted,
                "page": page,
            }
            self._pages[wanted] = Body.of(orjson.dumps(answer))
        return self._pages[wanted]


class PluginsView:
    """The gateway's own view. Written by what follows the bus (`clients.Feed`), read by every request."""

    def __init__(self) -> None:
        self._manifests: dict[str, Manifest] = {}
        self._loaded: dict[str, Loaded] = {}
        self._configs: dict[str, PluginConfig] = {}
        self._plugins: dict[str, Plugin] = {}
        self._lists: OrderedDict[tuple[bool, str], Body] = OrderedDict()
        self._navigation: Body | None = None
        self._changed = asyncio.Event()
        self.synced_at: float | None = None
        """When everything was last read, by the monotonic clock; None before the first time."""

    # Writing

    def set_manifest(self, key: str, manifest: Manifest | None) -> None:
        """What the registry says of a plugin now; None where it was removed."""
        _set(self._manifests, key, manifest)
        self._touch(key)

    def set_loaded(self, key: str, loaded: Loaded | None) -> None:
        """What a plugin's home says now; None where it is not loaded."""
        _set(self._loaded, key, loaded)
        self._touch(key)

    def set_config(self, key: str, config: PluginConfig | None) -> None:
        """What an administrator chose; an older revision than the known one changes nothing."""
        known = self._configs.get(key)
        if config and known and config.rev < known.rev:
            return
        if config != known:
            _set(self._configs, key, config)
            self._touch(key)

    def keep_configs(self, keys: Iterable[str]) -> None:
        """Forget the configs of all other plugins."""
        for key in self._configs.keys() - set(keys):
            self.set_config(key, None)

    def synced(self) -> None:
        """Note that everything was read."""
        self.synced_at = time.monotonic()
        self._tell()

    # Reading

    def get(self, key: str) -> Plugin | None:
        """A plugin, or None where there is none of that key."""
        found = self._plugins.get(key)
        if found is None:
            manifest = self._manifests.get(key)
            if manifest is None:
                return None
            config = self._configs.get(key) or PluginConfig(key=key)
            found = self._plugins[key] = Plugin(manifest, self._loaded.get(key), config)
        return found

    def loaded(self, key: str) -> Loaded | None:
        """What the home said of a plugin, whether there still is a manifest or not."""
        return self._loaded.get(key)

    def manifest(self, key: str) -> Manifest | None:
        return self._manifests.get(key)

    def config_revs(self) -> dict[str, int]:
        return {key: config.rev for key, config in self._configs.items()}

    def list_body(self, *, with_settings: bool, base: str) -> Body:
        """`{"plugins": […]}` in the order of keys; `base` begins the logos' URLs."""
        found = self._lists.get((with_settings, base))
        if found is None:
            plugins = [plugin for key in sorted(self._manifests) if (plugin := self.get(key))]
            items = [plugin.item if with_settings else plugin.bare_item for plugin in plugins]
            data = b'{"plugins":[' + b",".join(items) + b"]}"
            found = Body.of(_with_base(data, base))
            self._lists[with_settings, base] = found
            if len(self._lists) > _BASES:
                self._lists.popitem(last=False)
        return found

    def item(self, plugin: Plugin, base: str) -> bytes:
        """One entry of the list, as administrators see it."""
        return _with_base(plugin.item, base)

    def enabled(self) -> list[Plugin]:
        """Every plugin that is enabled, by key."""
        found = (self.get(key) for key in sorted(self._manifests))
        return [plugin for plugin in found if plugin is not None and plugin.config.enabled]

    def navigation_body(self) -> Body:
        """`{"success": true, "navigation": […]}`: enabled plugins with an entry, in order."""
        if self._navigation is None:
            plugins = [plugin for key in sorted(self._manifests) if (plugin := self.get(key))]
            items = sorted_items(
                navigation_item(plugin.key, plugin.view.navigation)
                for plugin in plugins
                if plugin.config.enabled and not plugin.manifest.invalid and plugin.view.navigation
            )
            shown = [entry.model_dump(mode="json") for entry in items]
            self._navigation = Body.of(orjson.dumps({"success": True, "navigation": shown}))
        return self._navigation

    async def wait_for(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Whether something holds within that time."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return holds()
        return True

    def _touch(self, key: str) -> None:
        self._plugins.pop(key, None)
        self._lists.clear()
        self._navigation = None
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def _with_base(data: bytes, base: str) -> bytes:
    return data.replace(BASE.encode(), orjson.dumps(base)[1:-1])
