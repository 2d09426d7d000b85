"""Plugin configs: written, then told of. What is told never carries settings."""

from collections.abc import AsyncIterator, Awaitable, Callable

from services.data.clients import Platform
from services.data.repository.configs import Configs
from services.data.repository.files import Files
from services.data.repository.places import Places
from services.data.repository.task_values import TaskValues
from shared.contracts import data as m
from shared.contracts.base import Done
from shared.contracts.plugins import PluginChanged
from shared.documents import check_document
from shared.messaging.streaming import packed


class ConfigService:
    """Enabling, disabling, settings and placement of plugins."""

    def __init__(
        self,
        configs: Configs,
        places: Places,
        platform: Platform,
        *,
        files: Files,
        task_values: TaskValues,
        disabled: Callable[[str], None],
        switched: Callable[[str], None],
        forgotten: Callable[[str], Awaitable[None]],
    ) -> None:
        self._configs = configs
        self._places = places
        self._platform = platform
        self._disabled = disabled
        """Called with a plugin's key: has what is queued for it ended."""
        self._files = files
        self._task_values = task_values
        self._switched = switched
        """Called with a plugin's key: has its schedules wait, or go on."""
        self._forgotten = forgotten
        """Called with a plugin's key: removes its schedules."""

    async def list_configs(self, _command: m.ListConfigs) -> tuple[m.ListHead, AsyncIterator[bytes]]:
        found = await self._configs.every()

        async def encoded() -> AsyncIterator[bytes]:
            for config in found:
                yield config.model_dump_json().encode()

        return m.ListHead(total=len(found)), packed(encoded())

    async def get(self, command: m.GetConfig) -> m.PluginConfig:
        """The config; `rev` is 0 where nothing was ever chosen for the plugin."""
        return await self._configs.get(command.key)

    async def set_enabled(self, command: m.SetEnabled) -> m.PluginConfig:
        deleting = command.deleting and not command.enabled
        config = await self._configs.set_enabled(command.key, enabled=command.enabled, deleting=deleting)
        change: PluginChanged = PluginChanged(
            key=command.key, change="enabled" if command.enabled else "disabled", actor=command.actor
        )
        await self._platform.announce(change)
        if not command.enabled:
            self._disabled(command.key)
        self._switched(command.key)
        return config

    async def set_settings(self, command: m.SetSettings) -> m.PluginConfig:
        check_document(command.settings, "settings")
        config = await self._configs.set_settings(command.key, command.settings)
        await self._platform.announce(PluginChanged(key=command.key, change="settings", actor=command.actor))
        return config

    async def set_placement(self, command: m.SetPlacement) -> m.PluginConfig:
        config = await self._configs.set_placement(command.key, command.placement)
        await self._platform.announce(PluginChanged(key=command.key, change="placed", actor=command.actor))
        return config

    async def delete(self, command: m.DeletePluginConfig) -> Done:
        """Forget the config, and the data where asked; as often as one likes."""
        if command.with_data:
            await self._places.forget(command.key)
            await self._files.release(command.key)
            await self._task_values.forget(command.key)
            await self._forgotten(command.key)
        if await self._configs.delete(command.key):
            await self._platform.announce(
                PluginChanged(key=command.key, change="disabled", actor=command.actor)
            )
            self._disabled(command.key)
        self._switched(command.key)
        return Done()
