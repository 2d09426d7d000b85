"""One plugin's life in this executor: taking its home, loading, running, switching versions, leaving."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.executor.lane import Lanes
from services.executor.loading import Loader, Version, version_of
from services.executor.rooms import Rooms
from services.executor.service import ExecutorService, PluginNow
from shared import errors
from shared.contracts.manifest import Manifest
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.tasks import ended

_AGAIN_S: Final = 3.0
_PATIENCE_S: Final = 1.0

Reason = Literal["disable", "delete", "move", "fenced", "shutdown"]
Phase = Literal["away", "loading", "ready", "failed", "leaving"]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a plugin is to live here."""

    manifest: Manifest
    home: bool
    """Whether it must hold the plugin's home; else every executor runs it."""
    lead: bool
    """Whether this executor speaks for it: writes what it says of itself, calls its hooks."""
    epoch: int
    """Of this executor's lease."""

    @property
    def version(self) -> Version:
        return version_of(self.manifest)


class Residence:
    """Follows what is wanted, one step after the other; the lane's runs go on beside."""

    def __init__(
        self, key: str, *, bus: Bus, service: ExecutorService, loader: Loader, rooms: Rooms, handover_s: float
    ) -> None:
        self.key = key
        self.phase: Phase = "away"
        self._bus = bus
        self._service = service
        self._loader = loader
        self._rooms = rooms
        self._handover_s = handover_s
        self._wanted: Wanted | None = None
        self._reason: Reason = "move"
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._lane: Lanes | None = None
        self._there: Wanted | None = None
        """What was wanted when the plugin was loaded as it is now."""
        self._task = asyncio.create_task(self._live(), name=f"plugin {key}")

    # What the keeper says

    def want(self, wanted: Wanted | None, reason: Reason = "move") -> None:
        """Say how it is to be from now on."""
        if wanted is None and self._wanted is None:
            return
        self._wanted = wanted
        if wanted is None:
            self._reason = reason
        self._settled.clear()
        self._changed.set()

    def fence(self) -> None:
        """The lease is gone: nothing more is claimed or stored, and the hosts end by themselves."""
        self.want(None, "fenced")
        self._reason = "fenced"
        if self._lane is not None:
            self._lane.drop()

    @property
    def gone(self) -> bool:
        """Whether nothing of it is here, nor is to be."""
        return self.phase == "away" and self._wanted is None and not self._changed.is_set()

    @property
    def lane(self) -> Lanes | None:
        return self._lane

    async def settled(self) -> None:
        """Wait until it is as it is wanted."""
        await self._settled.wait()

    async def close(self) -> None:
        """End the following, and claim nothing more; what is loaded is the caller's to stop."""
        self._wanted = None
        await ended(self._task)
        if self._lane is not None:
            await self._lane.stop()

    async def depart(self, grace_s: float) -> None:
        """Stop the plugin and give its home back, once its runs have ended; not where they take longer."""
        if self._lane is not None and not await self._lane.drained(grace_s):
            return
        try:
            await self._loader.unload(self.key, "shutdown", lead=False)
            await self.give_back()
        except (errors.PlugarrError, OSError) as error:
            log.warning("plugin_not_given_back", plugin=self.key, reason=str(error))

    async def give_back(self) -> None:
        """Let another executor have the plugin, which is stopped here. Raises PlugarrError."""
        if self._there is not None and self._there.home:
            await self._rooms.give_back(self.key, self._there.epoch)

    # What the service asks

    @property
    def claiming(self) -> bool:
        """Whether it takes new runs here."""
        wanted, there = self._wanted, self._there
        return (
            self._lane is not None
            and wanted is not None
            and there is not None
            and wanted.version == there.version
            and self._rooms.holds(there.epoch)
        )

    async def now(self, config_rev: int) -> PluginNow:
        """How the plugin stands, with a config at least as new as that. Raises PlugarrError."""
        return await self._loader.now(self.key, config_rev)

    def said(self, refreshed: Mapping[str, Any]) -> None:
        """Take navigation and pages that a run changed."""
        if self._loader.said(self.key, refreshed):
            self._changed.set()

    # Its life

    async def _live(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._follow()
            except (errors.PlugarrError, OSError) as error:
                log.warning("plugin_put_off", plugin=self.key, phase=self.phase, reason=str(error))
                asyncio.get_running_loop().call_later(_AGAIN_S, self._changed.set)
            except Exception:
                # The border: one plugin's trouble is not to end its life here, let alone the others'.
                log.exception("plugin_trouble", plugin=self.key, phase=self.phase)
                asyncio.get_running_loop().call_later(_AGAIN_S, self._changed.set)
            else:
                if not self._changed.is_set():
                    self._settled.set()

    async def _follow(self) -> None:
        wanted, there = self._wanted, self._there
        if wanted is None:
            if self.phase != "away":
                await self._leave(self._reason)
            return
        if there is not None and (there.epoch != wanted.epoch or there.home != wanted.home):
            await self._leave("fenced" if there.epoch != wanted.epoch else "move")
            there = None
        if there is not None and there.version != wanted.version:
            await self._clear_out("reload", patient=there.version.generation == wanted.version.generation)
            there = None
        if there is None:
            await self._enter(wanted)
            return
        self._there = wanted
        if wanted.lead and self._rooms.holds(wanted.epoch):
            await self._loader.publish(self.key, wanted.manifest, wanted.epoch)
        if self._lane is not None:
            self._lane.resize(**_widths(wanted))

    async def _enter(self, wanted: Wanted) -> None:
        if wanted.home and not await self._rooms.take(self.key, wanted.epoch):
            return
        self.phase = "loading"
        ok = await self._loader.load(wanted.manifest, lead=wanted.lead)
        self._there = wanted
        if not self._rooms.holds(wanted.epoch):
            # Nobody waits for what was loaded under a lease that is gone.
            await self._leave("fenced")
            return
        if wanted.lead:
            await self._loader.publish(self.key, wanted.manifest, wanted.epoch)
        self.phase = "ready" if ok else "failed"
        await self._open(wanted)
        log.info("plugin_ready" if ok else "plugin_not_loaded", plugin=self.key, home=wanted.home)

    async def _open(self, wanted: Wanted) -> None:
        self._lane = Lanes(self._bus, self._service, self, **_widths(wanted))
        await self._lane.start()

    async def _leave(self, reason: Reason) -> None:
        there = self._there
        self.phase = "leaving"
        await self._clear_out(reason)
        # Enabled again meanwhile, or under a lost lease perhaps another executor's, the files are in use.
        if reason == "delete" and self._wanted is None and (there is None or self._rooms.holds(there.epoch)):
            await self._loader.drop_deleted(self.key)
        if there is not None and reason != "fenced":
            if there.lead and reason in {"disable", "delete"}:
                await self._loader.unpublish(self.key)
            if there.home:
                await self._rooms.give_back(self.key, there.epoch)
        self._loader.forget(self.key)
        self.phase = "away"
        log.info("plugin_left", plugin=self.key, reason=reason)

    async def _drained(self, lane: Lanes, *, patient: bool) -> bool:
        """Whether the runs ended in time; patience ends when something else is wanted meanwhile."""
        there = self._there
        while patient and there is not None and self._wanted is not None:
            if self._wanted.version.generation != there.version.generation:
                break
            if await lane.drained(_PATIENCE_S):
                return True
        return await lane.drained(self._handover_s)

    async def _clear_out(self, reason: Reason | Literal["reload"], *, patient: bool = False) -> None:
        """End the runs, then the plugin. A new version waits for the old one's runs, whatever they take."""
        lane, there = self._lane, self._there
        if lane is not None:
            await lane.stop()
            if reason == "fenced":
                lane.drop()
            elif not await self._drained(lane, patient=patient):
                given = self._service.give_up(f"the plugin was stopped ({reason})", self.key)
                log.warning("runs_given_up", plugin=self.key, runs=given, reason=reason)
            await lane.drained(None)
            self._lane = None
        if reason == "fenced":
            await self._rooms.hosts_ended()
        await self._loader.unload(self.key, reason, lead=there is not None and there.lead)
        self._there = None


def _widths(wanted: Wanted) -> dict[str, int]:
    execution = wanted.manifest.execution
    return {"actions": execution.concurrency, "tasks": execution.task_concurrency}
