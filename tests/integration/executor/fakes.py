"""Hosts written by hand: what plugins do is a table of coroutines."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from services.executor.ports import HostCall, HostResult, LoadedPlugin, PluginSpec, Upcalls

Act = Callable[[HostCall, Upcalls], Awaitable[Any]]


class Again(Exception):
    """What `plugarr.retry` is in a real host."""

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__("not yet there")
        self.delay_s = delay_s


class Dies(Exception):
    """What becomes of a run whose process ends under it."""


class FakeHosts:
    """Records what it is asked; `acts` maps `<action>` to what the plugin does."""

    def __init__(self, upcalls: Upcalls, name: str = "") -> None:
        self.upcalls = upcalls
        self.name = name
        self.acts: dict[str, Act] = {"echo": self._echo}
        self.attributes: dict[str, Any] = {"name": "Fake"}
        self.broken: str | None = None
        self.hanging: set[str] = set()
        """Plugins whose import never ends."""
        self.loads: list[PluginSpec] = []
        self.said: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.settings: Mapping[str, Any] = {}
        self.beats = 0
        self.refreshed: Mapping[str, Any] | None = None
        self.alive: set[str] = set()
        self.deaf: set[str] = set()
        """Actions that go on when they are cancelled."""
        self._cancels: dict[str, asyncio.Event] = {}

    async def _echo(self, call: HostCall, _upcalls: Upcalls) -> Any:
        return {"status": "ok", "params": dict(call.params), "executor": self.name}

    async def load(self, spec: PluginSpec, settings: Mapping[str, Any]) -> LoadedPlugin:
        self.loads.append(spec)
        if spec.key in self.hanging:
            await asyncio.Event().wait()
        if self.broken:
            return LoadedPlugin(ok=False, error=self.broken)
        self.alive.add(spec.key)
        return LoadedPlugin(ok=True, attributes=dict(self.attributes))

    async def run(self, key: str, call: HostCall) -> HostResult:
        self.calls[call.run_id] += 1
        self.settings = call.settings
        cancelled = self._cancels[call.run_id] = asyncio.Event()
        act = asyncio.ensure_future(self.acts[call.action](call, self.upcalls))
        waiting = asyncio.ensure_future(cancelled.wait())
        try:
            awaited = {act} if call.action in self.deaf else {act, waiting}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if not act.done():
                return HostResult(end="cancelled", error="cancelled")
            return HostResult(end="returned", result=act.result(), refreshed=self.refreshed)
        except Again as error:
            return HostResult(end="retry", error=str(error), retry_in_s=error.delay_s)
        except Dies as error:
            return HostResult(end="crashed", error=str(error))
        except PermissionError as error:
            return HostResult(end="denied", error=str(error), error_type="PermissionError")
        except Exception as error:  # noqa: BLE001 - the border: a plugin may raise anything
            return HostResult(end="raised", error=str(error), error_type=type(error).__name__)
        finally:
            act.cancel()
            waiting.cancel()

    async def cancel(self, key: str, run_id: str) -> None:
        self._cancels[run_id].set()

    async def hook(
        self, key: str, name: Literal["on_enable", "on_disable"], settings: Mapping[str, Any]
    ) -> None:
        self.said.append((key, name))

    async def stop(self, key: str, reason: str, settings: Mapping[str, Any]) -> None:
        self.said.append((key, f"stop {reason}"))
        self.alive.discard(key)

    def beat(self) -> None:
        self.beats += 1

    async def close(self, settings_of: Mapping[str, Mapping[str, Any]]) -> None:
        for key in list(self.alive):
            await self.stop(key, "shutdown", settings_of.get(key, {}))
