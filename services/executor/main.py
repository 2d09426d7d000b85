"""The composition root: everything is built here, by plain constructors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from services.executor import handlers
from services.executor.background import Background
from services.executor.book import Book
from services.executor.children import Children
from services.executor.fleet import Fleet, lease_key
from services.executor.host_database import Tables
from services.executor.hosts.options import HostDatabase, HostOptions
from services.executor.hosts.plugin_hosts import PluginHosts
from services.executor.hosts.requirements import install_requirements
from services.executor.keeper import Keeper
from services.executor.loading import Loader
from services.executor.metrics import Metrics
from services.executor.outbox import Outbox
from services.executor.packages import WorkingCopies
from services.executor.placement import Member, other_site
from services.executor.plugin_data import PluginCollections
from services.executor.plugin_events import PluginEvents
from services.executor.plugin_files import PluginFiles
from services.executor.plugin_settings import Masks
from services.executor.ports import Hosts, Upcalls
from services.executor.residence import Residence
from services.executor.rooms import Rooms
from services.executor.run_ledger import Payloads, RunLedger
from services.executor.service import ExecutorService
from services.executor.settings import Settings
from services.executor.site_redis import SiteRedis
from services.executor.upcalls import BusUpcalls
from shared.contracts.streams import FILES, PACKAGES
from shared.messaging.bus import Bus, connect, wait_connected
from shared.messaging.leases import HeldLease
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects
from shared.service import Check

MakeHosts = Callable[[Upcalls], Hosts]

_INSTALLS_AT_ONCE: Final = 8
"""An installation may take minutes; only plugins that need one wait for it."""


class Executor:
    """One executor: its parts, and how they are started and ended."""

    def __init__(
        self, bus: Bus, settings: Settings, *, metrics: Metrics, make_hosts: MakeHosts | None = None
    ) -> None:
        self._bus = bus
        self._settings = settings
        name, site = settings.instance, settings.site
        objects = Objects(bus)
        ledger = Ledger(bus)
        masks = Masks()
        self.lease = HeldLease(bus, lease_key(name), site=site)
        self.book = Book(bus)
        self.fleet = Fleet(bus)
        self._outbox = Outbox(bus, metrics)
        self._children = Children(bus, ledger, objects, executor=name)
        tables = Tables(_host_database(settings), settings.state_dir)
        self.redis = SiteRedis(_redis_dir(settings), settings.redis_url)
        upcalls = BusUpcalls(
            bus,
            redis=self.redis,
            tables=tables,
            background=Background(bus, objects, masks),
            book=self.book,
            collections=PluginCollections(bus, objects),
            files=PluginFiles(bus, Objects(bus, FILES)),
            events=PluginEvents(bus),
            children=self._children,
            outbox=self._outbox,
            masks=masks,
            metrics=metrics,
        )
        self.hosts = make_hosts(upcalls) if make_hosts else PluginHosts(_host_options(settings), upcalls)
        payloads = Payloads(objects)
        rooms = Rooms(self.fleet, self.lease, executor=name, site=site)
        self.service = ExecutorService(
            ledger=RunLedger(ledger, payloads, executor=name, lease=self.lease, living=self.fleet),
            hosts=self.hosts,
            payloads=payloads,
            logs=self._outbox,
            masks=masks,
            metrics=metrics,
        )
        loader = Loader(
            book=self.book,
            copies=WorkingCopies(Objects(bus, PACKAGES), settings.files_dir, settings.state_dir / "packages"),
            libraries=_Libraries(settings.state_dir / "libraries"),
            tables=tables,
            hosts=self.hosts,
            masks=masks,
            metrics=metrics,
            executor=name,
            site=site,
            sandbox=getattr(self.hosts, "level", None),
        )

        def residence(key: str) -> Residence:
            return Residence(
                key,
                bus=bus,
                service=self.service,
                loader=loader,
                rooms=rooms,
                handover_s=settings.handover_s,
            )

        self.keeper = Keeper(
            book=self.book,
            fleet=self.fleet,
            lease=self.lease,
            hosts=self.hosts,
            loader=loader,
            service=self.service,
            metrics=metrics,
            residence=residence,
            executor=name,
        )

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Live in the fleet; at the end claim nothing more, let runs end, and give everything back."""
        self._settings.remember_site()
        self._outbox.start()
        await self._children.start()
        unlisten = await handlers.bind(self._bus, self.service, self.keeper)

        async def gained(epoch: int) -> None:
            self.fleet.me = {self._settings.instance: Member(epoch, self._settings.site)}
            self.keeper.look()

        async def lost() -> None:
            self.fleet.me = {}
            self.keeper.fence()

        self.lease.start(gained=gained, lost=lost)
        await self.keeper.start()
        try:
            yield
        finally:
            await self.lease.leave()
            await self.keeper.close(self._settings.grace_s)
            await self.lease.close()
            for end in unlisten:
                await end()
            await self._children.close()
            await self._outbox.close()
            self.redis.close()

    @property
    def checks(self) -> dict[str, Check]:
        """What `/readyz` looks at."""

        async def lease() -> str | None:
            return None if self.lease.held else "this executor holds no lease: it claims no runs"

        async def sandbox() -> str | None:
            return f"ok: {getattr(self.hosts, 'level', None)}"

        return {"lease": lease, "sandbox": sandbox, "plugins": self.keeper.healthy}


class _Libraries:
    """Plugins' own requirements, installed by pip into folders beside the working copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns = asyncio.Semaphore(_INSTALLS_AT_ONCE)

    async def install(self, _key: str, folder: Path) -> Path | None:
        return await install_requirements(folder, self._folder, turn=self._turns)


def _host_options(settings: Settings) -> HostOptions:
    assert settings.secrets_dir is not None
    database = _host_database(settings)
    database.folder.mkdir(parents=True, exist_ok=True)
    _redis_dir(settings).mkdir(parents=True, exist_ok=True)
    dispatcharr = {
        "PLUGARR_DISPATCHARR_URL": settings.dispatcharr_url,
        "PLUGARR_DISPATCHARR_API_KEY": settings.dispatcharr_api_key,
    }
    return HostOptions(
        files_dir=settings.files_dir,
        database=database,
        redis_dir=None if settings.redis_url else _redis_dir(settings),
        environment={name: value for name, value in dispatcharr.items() if value},
        hidden=(settings.data_dir, settings.secrets_dir),
        sandbox=settings.sandbox,
        pass_environment=settings.plugin_environment,
        close_s=min(5.0, max(1.0, settings.grace_s)),
    )


def _host_database(settings: Settings) -> HostDatabase:
    return HostDatabase(settings.data_dir / "host", settings.host_database_url)


def _redis_dir(settings: Settings) -> Path:
    return settings.data_dir / "redis"


async def refuse_second_site(settings: Settings) -> None:
    """End with the reason where this would be a second site without a host database of its own.

    Plugins of all sites must see the same channels: SQLite in one site's data directory cannot give them that.
    """
    if settings.host_database_url:
        return
    bus = connect(settings, "executor")
    await wait_connected(bus)
    try:
        fleet = Fleet(bus)
        await fleet.read_members()
        await fleet.read_homes()
    finally:
        await bus.broker.stop()
    other = other_site(settings.instance, settings.site, fleet.members, fleet.homes.values())
    if other is not None:
        raise SystemExit(
            f"This executor's site is {settings.site!r}, but plugins of this bus live in site {other!r}, whose "
            "host database is a file of that site. Either give all sites one PostgreSQL by "
            "PLUGARR_HOST_DATABASE_URL, or, where this executor shares that site's data directory, set "
            f"PLUGARR_SITE={other}."
        )


def check_site(settings: Settings) -> None:
    """`refuse_second_site`, before anything else runs."""
    asyncio.run(refuse_second_site(settings))
