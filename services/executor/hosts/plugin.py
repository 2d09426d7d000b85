"""One plugin on this executor: its launcher, its host, and what it said when it was loaded."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from services.executor.hosts.launcher import Launcher
from services.executor.hosts.logs import LogIntake
from services.executor.hosts.options import HostOptions
from services.executor.hosts.process import HostProcess
from services.executor.hosts.sandbox import Sandbox
from services.executor.ports import HostCall, HostResult, LoadedPlugin, PluginSpec, Upcalls

_STOPPED: Final = "the plugin was stopped"


class NotLoaded(Exception):
    """There is no host to call: loading failed, or the plugin was stopped."""

    def __init__(self, loaded: LoadedPlugin) -> None:
        super().__init__(loaded.error)
        self.loaded = loaded


class PluginProcesses:
    """Keeps a host ready, and starts a new one where the last one ended."""

    def __init__(self, spec: PluginSpec, sandbox: Sandbox, options: HostOptions, upcalls: Upcalls) -> None:
        self.spec = spec
        self._sandbox = sandbox
        self._options = options
        self._upcalls = upcalls
        self._intake = LogIntake(spec.key, upcalls)
        self._starting = asyncio.Lock()
        self._launcher: Launcher | None = None
        self._host: HostProcess | None = None
        self._loaded: LoadedPlugin | None = None
        self._fresh = True
        self._stopped = False

    async def load(self) -> LoadedPlugin:
        """Have the plugin loaded; one that could not be is tried again."""
        if self._loaded is not None and not self._loaded.ok:
            self._loaded = None
        try:
            await self._ready()
        except NotLoaded as failure:
            return failure.loaded
        assert self._loaded is not None
        return self._loaded

    async def run(self, call: HostCall) -> HostResult:
        """Call the plugin, in a new host if need be."""
        try:
            host = await self._ready()
        except NotLoaded as failure:
            self._intake.say("error", f"not run: {failure}")
            return HostResult(
                end="raised", error=f"Plugin '{self.spec.key}' not found", error_type="PluginNotLoaded"
            )
        return await host.run(call)

    async def hook(self, name: str, settings: Mapping[str, Any]) -> None:
        """Call a hook. What it raises is in the log already."""
        try:
            host = await self._ready()
        except NotLoaded as failure:
            self._intake.say("error", f"{name} not called: {failure}")
            return
        result = await host.hook(name, settings)
        if result.end in {"timed_out", "crashed"}:
            self._intake.say("error", f"{name}: {result.error}")

    def cancel(self, run_id: str) -> None:
        """Interrupt a run, if it is here."""
        if self._host is not None:
            self._host.cancel(run_id)

    def beat(self) -> None:
        """Let its processes live on."""
        if self._launcher is not None:
            self._launcher.beat()

    async def drain(self, limit_s: float) -> None:
        """Wait, so long at most, until no run is in flight."""
        if self._host is not None:
            await self._host.drained(limit_s)

    async def stop(self, reason: str, settings: Mapping[str, Any], limit_s: float) -> None:
        """Call `stop` if there is anything to stop, then end every process."""
        self._stopped = True
        loaded = self._loaded is not None and self._loaded.ok
        if self._host is not None and loaded and self._host.usable:
            await self._host.stop(reason, settings, limit_s)
        if self._launcher is not None:
            if self._host is not None:
                self._host.end(f"{_STOPPED} ({reason})")
            await self._launcher.close()

    async def _ready(self) -> HostProcess:
        """A host that takes calls. Raises `NotLoaded`."""
        host = self._host
        if host is not None and host.usable and not self._starting.locked():
            return host
        async with self._starting:
            if self._host is not None and self._host.usable:
                return self._host
            if self._loaded is not None and not self._loaded.ok:
                raise NotLoaded(self._loaded)
            if self._stopped:
                raise NotLoaded(LoadedPlugin(ok=False, error=_STOPPED))
            if self._host is not None:
                await self._host.ended
            host, loaded = await self._start()
            if not loaded.ok:
                # A crash while loading again, or processes that did not start, may be better the next time.
                if host is not None and (self._fresh or host.usable):
                    self._loaded = loaded
                if host is not None:
                    host.end("the plugin could not be loaded")
                    await host.ended
                self._host = None
                raise NotLoaded(loaded)
            self._fresh = False
            self._loaded = loaded
            return host  # type: ignore[return-value]  # a plugin that is loaded has a host

    async def _start(self) -> tuple[HostProcess | None, LoadedPlugin]:
        try:
            if self._launcher is None or self._launcher.gone.done():
                await self._start_launcher()
            if self._stopped:  # perhaps only now, while the launcher started
                return None, LoadedPlugin(ok=False, error=_STOPPED)
            assert self._launcher is not None
            host = await self._launcher.start_host()
        except OSError as error:  # ConnectionError and TimeoutError are such
            return None, LoadedPlugin(ok=False, error=f"the plugin's processes do not start: {error}")
        self._host = host
        loaded = await host.load(self.spec, fresh=self._fresh)
        if loaded.ok:
            host.ended.add_done_callback(self._report)
        return host, loaded

    async def _start_launcher(self) -> None:
        if self._launcher is not None:
            await self._launcher.close()
        plan = self._sandbox.plan(self.spec)
        launcher = await Launcher.start(self.spec.key, plan, self._options, self._upcalls, self._intake)
        if self._stopped:
            await launcher.close()
        self._launcher = launcher

    def _report(self, ended: "asyncio.Future[str]") -> None:
        if not self._stopped:
            self._intake.say("error", ended.result())
            self._upcalls.host_ended(self.spec.key, ended.result())
