"""What administrators do with plugins: enable, configure, reload, import, delete."""

from typing import Any, Final

from services.gateway.files import FileService
from services.gateway.identity import Asks
from services.gateway.masking import masked, unmasked
from services.gateway.problems import BadRequest, Faults
from services.gateway.runs import Payloads, Reads
from services.gateway.view import Plugin, PluginsView
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject
from shared.contracts.data import (
    DeletePluginConfig,
    GetConfig,
    Placement,
    PluginConfig,
    SetEnabled,
    SetPlacement,
    SetSettings,
)
from shared.contracts.plugins import DeletePlugin, Imported, ImportPlugin, Reloaded, ReloadPlugins
from shared.contracts.ui import validate_values
from shared.contracts.users import User

VIEW_S: Final = 15.0
"""For so long an answer waits until this gateway's own view shows what was done."""


class PluginService:
    """Commands to the registry and to data, answered when the view has their effect."""

    def __init__(
        self,
        *,
        view: PluginsView,
        asks: Asks,
        reads: Reads,
        payloads: Payloads,
        files: FileService,
        view_s: float = VIEW_S,
    ) -> None:
        self._files = files
        self._view = view
        self._asks = asks
        self._reads = reads
        self._payloads = payloads
        self._view_s = view_s

    async def find(self, key: str) -> Plugin:
        """A plugin, looked for on the bus too before it is said to be absent. Raises NotFound."""
        plugin = self._view.get(key)
        if plugin is None:
            await self._reads.refresh_plugin(key)
            plugin = self._view.get(key)
        if plugin is None:
            raise errors.NotFound(f"no plugin {key!r}")
        return plugin

    async def set_enabled(self, key: str, user: User, *, enabled: bool) -> Plugin:
        """Enable or disable; the plugin when its home has followed, or after 15 s as it then stands."""
        plugin = await self.find(key)
        if enabled and plugin.manifest.invalid:
            reason = "; ".join(problem.message for problem in plugin.view.errors[:3]) or "it is invalid"
            raise errors.Conflict(f"plugin {key!r} cannot be enabled: {reason}")
        if enabled and plugin.manifest.missing:
            raise errors.Conflict(f"plugin {key!r} cannot be enabled: its files are missing")
        await self._store_enabled(key, user, enabled=enabled)
        if enabled:
            await self._settled(key)
        else:
            await self._unloaded(key)
        return await self.find(key)

    async def set_settings(self, key: str, settings: JsonObject, user: User) -> JsonObject:
        """Replace the settings; what is stored then, passwords masked. Raises Invalid with the fields' paths."""
        plugin = await self.find(key)
        fields = plugin.view.fields
        stored = await self._config(key)
        meant = unmasked(fields, settings, stored.settings)
        problems = validate_values(fields, meant)
        if problems:
            raise Faults([(f"settings.{path}", message) for path, message in problems])
        meant = await self._files.handed(key, meant, "settings", fields)
        command = SetSettings(key=key, settings=meant, actor=f"user:{user.username}")
        config: PluginConfig = await self._asks.request(c.SET_SETTINGS, command)
        self._view.set_config(key, config)
        return masked(fields, config.settings)

    async def set_placement(self, key: str, placement: Placement | None, user: User) -> Plugin:
        """Say where a plugin runs, over its manifest's word; the plugin when it is loaded there."""
        await self.find(key)
        command = SetPlacement(key=key, placement=placement, actor=f"user:{user.username}")
        config: PluginConfig = await self._asks.request(c.SET_PLACEMENT, command)
        self._view.set_config(key, config)
        return await self.find(key)

    async def reload(self, user: User, key: str | None = None) -> int:
        """Look at the directory again, and load every enabled plugin, or one, anew; how many there are."""
        del user  # who asked is not part of the command
        if key is not None:
            await self.find(key)
        answer: Reloaded = await self._asks.request(c.RELOAD_PLUGINS, ReloadPlugins(key=key))
        if key is None:
            await self._reads.sync()
        else:
            await self._reads.refresh_plugin(key)
            await self._settled(key)
        return answer.count

    async def import_zip(
        self, data: bytes, filename: str, user: User, *, overwrite: bool
    ) -> tuple[Plugin, Imported]:
        """Install a plugin from a ZIP. Raises BadRequest for every ZIP that cannot be installed."""
        upload = await self._payloads.put(data)
        command = ImportPlugin(
            upload=upload, filename=filename[-255:], overwrite=overwrite, actor=f"user:{user.username}"
        )
        try:
            imported: Imported = await self._asks.request(c.IMPORT_PLUGIN, command)
        except (errors.Invalid, errors.Conflict, errors.TooLarge) as error:
            raise BadRequest(error.message, path=error.path or "file") from error
        await self._reads.refresh_plugin(imported.key)
        await self._view.wait_for(lambda: self._view.get(imported.key) is not None, self._view_s)
        await self._settled(imported.key)
        return await self.find(imported.key), imported

    async def delete(self, key: str, user: User, *, with_data: bool) -> None:
        """Stop the plugin, remove its folder, packages and config, and its data where asked."""
        plugin = await self.find(key)
        actor = f"user:{user.username}"
        if plugin.config.enabled:
            await self._store_enabled(key, user, enabled=False, deleting=True)
        await self._unloaded(key)
        await self._asks.request(c.DELETE_PLUGIN, DeletePlugin(key=key, actor=actor))
        await self._asks.request(
            c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=key, with_data=with_data, actor=actor)
        )
        await self._reads.refresh_plugin(key)
        await self._view.wait_for(lambda: self._view.get(key) is None, self._view_s)

    async def _store_enabled(self, key: str, user: User, *, enabled: bool, deleting: bool = False) -> None:
        actor = f"user:{user.username}"
        command = SetEnabled(key=key, enabled=enabled, deleting=deleting, actor=actor)
        config: PluginConfig = await self._asks.request(c.SET_ENABLED, command)
        self._view.set_config(key, config)

    async def _settled(self, key: str) -> None:
        """Wait until an enabled plugin's home has loaded its present version, or failed to."""

        def settled() -> bool:
            plugin = self._view.get(key)
            return plugin is None or not plugin.config.enabled or plugin.is_current

        await self._view.wait_for(settled, self._view_s)

    async def _unloaded(self, key: str) -> None:
        await self._view.wait_for(lambda: self._view.loaded(key) is None, self._view_s)

    async def _config(self, key: str) -> PluginConfig:
        try:
            config: PluginConfig = await self._asks.request(c.GET_CONFIG, GetConfig(key=key))
        except errors.NotFound:
            return PluginConfig(key=key)
        return config


_WORDS: Final[dict[Any, bool]] = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "t"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "f"), False),
}


def read_flag(value: Any) -> bool:
    """True or false as Dispatcharr's tools write it. Raises BadRequest for anything else."""
    if isinstance(value, bool | int | str):
        found = _WORDS.get(str(value).strip().lower())
        if found is not None:
            return found
    raise BadRequest("must be true or false, 1 or 0, yes or no, on or off", path="enabled")
