"""Which plugins live in this executor: looks again and again, and has each residence follow."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from services.executor.book import Book
from services.executor.fleet import Fleet
from services.executor.loading import Loader
from services.executor.metrics import Metrics
from services.executor.placement import home_of, leads
from services.executor.ports import Hosts
from services.executor.residence import Reason, Residence, Wanted
from services.executor.rooms import BEAT_EVERY_S, BEAT_UNTIL_S, Lease
from services.executor.service import ExecutorService
from shared import errors
from shared.contracts.plugins import PluginChanged
from shared.contracts.streams import ACK_WAIT_S
from shared.logging import get_logger
from shared.tasks import ended

LOOK_S: Final = 1.0
"""How often leases are read: their expiry is not told."""
READ_S: Final = 5.0
"""How often configs and manifests are read whole: an event that got lost costs no more."""
TIDY_S: Final = 15.0
_STALE_S: Final = 30.0
_DEPARTURES_S: Final = 3.0

log = get_logger(__name__)


class Keeper:
    """Reconciles what lives here with leases, homes, configs and manifests."""

    def __init__(
        self,
        *,
        book: Book,
        fleet: Fleet,
        lease: Lease,
        hosts: Hosts,
        loader: Loader,
        service: ExecutorService,
        metrics: Metrics,
        residence: Callable[[str], Residence],
        executor: str,
    ) -> None:
        self._book = book
        self._fleet = fleet
        self._lease = lease
        self._hosts = hosts
        self._loader = loader
        self._service = service
        self._metrics = metrics
        self._make = residence
        self._executor = executor
        self._residences: dict[str, Residence] = {}
        self._hint = asyncio.Event()
        self._stale: set[str] = set()
        self._removed: set[str] = set()
        """Plugins of which something may be left here."""
        self._tasks: list[asyncio.Task[None]] = []
        self._unlisten: list[Callable[[], Awaitable[None]]] = []
        self._read_at = float("-inf")
        self._looked_at = float("-inf")
        self._tidied_at = float("-inf")
        self._settling: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to look."""
        self._unlisten = await self._fleet.listen(self._hint.set)
        loops = (self._look_for_ever(), self._beat_for_ever(), self._say_in_progress_for_ever())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def close(self, grace_s: float) -> None:
        """Claim nothing more, let runs end within the grace time, stop every plugin, give back the homes."""
        await ended(*self._tasks[:1])
        for end in self._unlisten:
            await end()
        residences = list(self._residences.values())
        lanes = [r.lane for r in residences if r.lane is not None]
        await asyncio.gather(*(r.close() for r in residences))
        # A plugin whose runs have ended need not wait for another one's: it goes on elsewhere.
        departures = [asyncio.create_task(r.depart(grace_s)) for r in residences]
        await asyncio.gather(*(lane.drained(grace_s) for lane in lanes))
        if given := self._service.give_up("the executor was stopped"):
            log.warning("runs_given_up", runs=given, reason="shutdown")
        await asyncio.gather(*(lane.drained(2.0) for lane in lanes))
        await self._hosts.close(self._loader.settings())
        await asyncio.wait(departures, timeout=_DEPARTURES_S) if departures else None
        await asyncio.gather(*(r.give_back() for r in residences), return_exceptions=True)
        await ended(*self._tasks)

    def look(self) -> None:
        """Look at once."""
        self._hint.set()

    def fence(self) -> None:
        """The lease is gone: let go of everything, at once."""
        for residence in self._residences.values():
            residence.fence()

    def changed(self, event: PluginChanged) -> None:
        """Take the hint that something about a plugin changed."""
        if event.change in {
            "enabled",
            "disabled",
            "settings",
            "placed",
            "updated",
            "reloaded",
            "missing",
            "removed",
        }:
            self._stale.add(event.key)
            if event.change == "removed":
                self._removed.add(event.key)
            self._hint.set()

    async def healthy(self) -> str | None:
        """What is wrong with the looking; how many plugins are how."""
        phases = Counter(residence.phase for residence in self._residences.values())
        if asyncio.get_running_loop().time() - self._looked_at > _STALE_S:
            return "plugins and leases could not be read for 30 s"
        return "ok: " + (", ".join(f"{n} {phase}" for phase, n in sorted(phases.items())) or "no plugins")

    async def _look_for_ever(self) -> None:
        while True:
            # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._hint.wait()
            self._hint.clear()
            try:
                await self._look()
            except errors.PlugarrError as error:
                log.warning("look_failed", reason=error.message)
            except Exception:
                # The border: whoever stops looking would be an executor that looks alive and is not.
                log.exception("look_failed")

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._lease.held:
            return
        await self._fleet.read_members()
        await self._fleet.read_homes()
        whole = loop.time() - self._read_at > READ_S
        if whole:
            await self._book.read_configs()
            await self._book.read_manifests()
        elif self._stale:
            await self._read_stale()
        if whole:
            self._read_at = loop.time()
        self._decide()
        await self._clean_up()
        if loop.time() - self._tidied_at > TIDY_S:
            await self._tidy()
            self._tidied_at = loop.time()
        self._looked_at = loop.time()
        self._metrics.plugins(dict(Counter(residence.phase for residence in self._residences.values())))

    async def _read_stale(self) -> None:
        keys, self._stale = self._stale, set()
        try:
            for key in keys:
                config = await self._book.read_config(key)
                if config.enabled:
                    await self._book.read_manifest(key)
        except errors.PlugarrError:
            self._stale |= keys
            raise

    def _decide(self) -> None:
        for key in self._book.manifests.keys() | self._residences.keys():
            wanted = self._wanted(key)
            residence = self._residences.get(key)
            if isinstance(wanted, Wanted):
                if residence is None:
                    residence = self._residences[key] = self._make(key)
                residence.want(wanted)
            elif residence is not None:
                residence.want(None, wanted)
        for key in [key for key, residence in self._residences.items() if residence.gone]:
            self._beside(self._residences.pop(key).close())

    async def _clean_up(self) -> None:
        """Drop the files of removed plugins, also of those that were disabled before: nobody left a home then."""
        for key in self._removed - self._residences.keys():
            if await self._book.read_manifest(key) is None:
                self._beside(self._loader.drop(key))
            self._removed.discard(key)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def _wanted(self, key: str) -> Wanted | Reason:
        config = self._book.configs.get(key)
        manifest = self._book.manifests.get(key)
        if manifest is None and config is not None and config.enabled:
            return "delete"
        if config is None or not config.enabled or manifest is None:
            return "delete" if config is not None and config.deleting else "disable"
        placement = config.placement or manifest.execution.placement
        if placement == "any":
            lead = leads(key, self._executor, self._fleet.members)
            return Wanted(manifest, home=False, lead=lead, epoch=self._lease.epoch)
        entry = self._fleet.homes.get(key)
        if home_of(key, self._executor, self._fleet.members, entry) == "here":
            return Wanted(manifest, home=True, lead=True, epoch=self._lease.epoch)
        return "move"

    async def _tidy(self) -> None:
        """Take back what is said of plugins that were disabled, or removed, while nobody had them."""
        said = await self._book.loaded_by()
        for key in said.keys() | self._fleet.homes.keys():
            config = self._book.configs.get(key)
            if (config is not None and config.enabled) or key in self._residences:
                continue
            if not leads(key, self._executor, self._fleet.members):
                continue
            holder, epoch = said.get(key, ("", 0))
            if key in said and not await self._fleet.lives(holder, epoch):
                await self._book.unsay_loaded(key)
            if key in self._fleet.homes and not await self._book.installed(key):
                await self._fleet.forget(key)

    async def _beat_for_ever(self) -> None:
        while True:
            if self._lease.held and self._lease.age_s < BEAT_UNTIL_S:
                self._hosts.beat()
            await asyncio.sleep(BEAT_EVERY_S)

    async def _say_in_progress_for_ever(self) -> None:
        while True:
            await asyncio.sleep(ACK_WAIT_S / 3)
            if not self._lease.held:
                continue
            for residence in list(self._residences.values()):
                if residence.lane is None:
                    continue
                try:
                    await residence.lane.keep()
                except Exception as error:  # noqa: BLE001 - the border: a bus that is away is back before long
                    log.info("in_progress_not_said", plugin=residence.key, reason=str(error))
