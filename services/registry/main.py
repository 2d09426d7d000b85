"""The composition root: everything the registry is made of."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from services.registry.catalogue import Catalogue
from services.registry.clients import Announcements, Configs, Durables
from services.registry.consumers import Consumers
from services.registry.directory import Directory
from services.registry.handlers import WritersGate, bind
from services.registry.installs import Installs
from services.registry.reader import Reader
from services.registry.repository import Manifests, Packages, Uploads
from services.registry.service import RegistryService
from services.registry.settings import Settings
from services.registry.watcher import Watcher
from shared import logging, service
from shared.contracts.plugins import Lease
from shared.contracts.streams import LEASES
from shared.messaging.bus import Bus, connect
from shared.messaging.kv import Kv
from shared.messaging.leases import HeldLease

LEASE = "registry"


class App:
    """One registry: its parts, its life, its checks."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self.settings = settings
        self.bus = bus
        self.directory = Directory(settings.plugins_dir)
        self.reader = Reader(self.directory)
        self.lease = HeldLease(bus, LEASE)
        self.manifests = Manifests(bus)
        self._announcements = Announcements(bus)
        self.catalogue = Catalogue(
            directory=self.directory,
            reader=self.reader,
            manifests=self.manifests,
            packages=Packages(bus),
            announce=self._announcements.changed,
        )
        self.consumers = Consumers(configs=Configs(bus), durables=Durables(bus), known=self.catalogue.get)
        self.catalogue.changed = self.consumers.manifests_changed
        self._gate = WritersGate(bus)
        self.service = RegistryService(
            directory=self.directory,
            catalogue=self.catalogue,
            lease=self.lease,
            lease_holder=self._lease_holder,
            manifest=self.manifests.get,
            gate=self._gate,
            while_leading=self._while_leading,
        )
        installs = Installs(
            directory=self.directory,
            catalogue=self.catalogue,
            uploads=Uploads(bus),
            read=self.reader.read,
            remove_consumer=self.consumers.remove,
            require_lease=self.service.require_lease,
        )
        self.handlers = bind(bus, self.service, installs, self._gate)
        self.checks: dict[str, service.Check] = {
            "lease": self.service.lease_check,
            "directory": self.service.directory_check,
            "scan": self.service.scan_check,
        }

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Compete for the lease, and lead while it is held."""
        await asyncio.to_thread(self._make_directory)
        started = asyncio.create_task(self._gate.started())
        self.lease.start(gained=self.service.gained, lost=self.service.lost)
        try:
            yield
        finally:
            started.cancel()
            # What was begun is finished under the lease, and then it is given back at once.
            await self.handlers.drained()
            await self.service.lost()
            await self.lease.close()
            await asyncio.gather(started, return_exceptions=True)

    def _make_directory(self) -> None:
        try:
            self.directory.ensure()
        except OSError as error:
            raise SystemExit(
                f"The plugin directory {self.settings.plugins_dir} cannot be made ({error.strerror}): "
                "make it, or choose another by PLUGARR_PLUGINS_DIR."
            ) from error

    def _while_leading(self) -> list[Coroutine[Any, Any, None]]:
        watcher = Watcher(
            self.directory,
            self.catalogue.scan,
            mode=self.settings.watch,
            failed=self.service.scan_ended,
        )
        return [watcher.run(), self.consumers.follow(), self._follow_switches()]

    async def _follow_switches(self) -> None:
        end = await self._announcements.follow(self.consumers.switched)
        try:
            await asyncio.Event().wait()
        finally:
            await end()

    async def _lease_holder(self) -> str | None:
        held = await Kv(self.bus, LEASES).get(LEASE)
        return None if held is None else Lease.model_validate_json(held.data).holder


def create_app(settings: Settings) -> App:
    """Build a registry; nothing is connected yet."""
    return App(settings, connect(settings, "registry"))


def main() -> None:
    """Run the registry until it is told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m services.registry",
        description="The plugin directory's owner: discovery, manifests, packages, import and delete.",
        epilog=_environment(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    settings = Settings()
    logging.configure("registry", settings.instance, form=settings.log_format, level=settings.log_level)
    app = create_app(settings)
    service.run(app.bus, settings, app.work, app.checks)


def _environment() -> str:
    lines = ["environment:"]
    lines += [
        f"  PLUGARR_{name.upper():<16} {field.description or ''}".rstrip()
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(lines)
