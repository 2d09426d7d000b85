"""`PluginHosts`: every plugin's processes on this executor."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal

from services.executor.hosts.options import HostOptions
from services.executor.hosts.plugin import PluginProcesses
from services.executor.hosts.sandbox import Sandbox, SandboxLevel
from services.executor.ports import HostCall, HostResult, LoadedPlugin, PluginSpec, Upcalls


class PluginHosts:
    """Implements `services.executor.ports.Hosts`."""

    def __init__(self, options: HostOptions, upcalls: Upcalls) -> None:
        """Find out what sandbox there is. Raises `SandboxUnavailable` where one is required and none is."""
        self._options = options
        self._upcalls = upcalls
        self._sandbox = Sandbox(options)
        self._plugins: dict[str, PluginProcesses] = {}
        self._ending: set[PluginProcesses] = set()
        self._gates: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def level(self) -> SandboxLevel:
        """The sandbox that is in force."""
        return self._sandbox.level

    async def load(self, spec: PluginSpec, settings: Mapping[str, Any]) -> LoadedPlugin:
        """Have this version of the plugin loaded; another one is drained and stopped first (reason `reload`)."""
        async with self._gates[spec.key]:
            plugin = self._plugins.get(spec.key)
            if plugin is not None and plugin.spec.digest != spec.digest:
                await plugin.drain(self._options.drain_s)
                await plugin.stop("reload", settings, self._options.stop_s)
                plugin = None
            if plugin is None:
                self._options.files_dir.mkdir(parents=True, exist_ok=True)
                plugin = PluginProcesses(spec, self._sandbox, self._options, self._upcalls)
                self._plugins[spec.key] = plugin
        return await plugin.load()

    async def run(self, key: str, call: HostCall) -> HostResult:
        """Call the plugin; a version that is just taking over is waited for."""
        gate = self._gates[key]
        if gate.locked():
            async with gate:
                pass
        if (plugin := self._plugins.get(key)) is None:
            return HostResult(end="raised", error=f"Plugin '{key}' not found", error_type="PluginNotLoaded")
        return await plugin.run(call)

    async def cancel(self, key: str, run_id: str) -> None:
        """Interrupt a run; the call itself returns `cancelled`."""
        if (plugin := self._plugins.get(key)) is not None:
            plugin.cancel(run_id)

    async def hook(
        self, key: str, name: Literal["on_enable", "on_disable"], settings: Mapping[str, Any]
    ) -> None:
        """Call a hook where it exists; nothing it does fails anything."""
        if (plugin := self._plugins.get(key)) is not None:
            await plugin.hook(name, settings)

    async def stop(self, key: str, reason: str, settings: Mapping[str, Any]) -> None:
        """Stop the plugin and end its processes."""
        if (plugin := self._plugins.pop(key, None)) is not None:
            await self._end(plugin, reason, settings, self._options.stop_s)

    def beat(self) -> None:
        """Let every plugin's processes live on."""
        for plugin in (*self._plugins.values(), *self._ending):
            plugin.beat()

    async def close(self, settings_of: Mapping[str, Mapping[str, Any]]) -> None:
        """Stop every plugin in parallel, leaving a second of the time to end the processes."""
        limit = max(0.5, self._options.close_s - 1.5)
        plugins, self._plugins = self._plugins, {}
        await asyncio.gather(
            *(
                self._end(plugin, "shutdown", settings_of.get(key, {}), limit)
                for key, plugin in plugins.items()
            )
        )

    async def _end(
        self, plugin: PluginProcesses, reason: str, settings: Mapping[str, Any], limit_s: float
    ) -> None:
        self._ending.add(plugin)  # it lives, and needs its heartbeat, until it has stopped
        try:
            await plugin.stop(reason, settings, limit_s)
        finally:
            self._ending.discard(plugin)
