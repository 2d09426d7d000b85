"""What the registry does, and when it may: by lease, one of all registries watches and writes."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from services.registry.catalogue import Catalogue
from services.registry.directory import Directory
from services.registry.logos import LOGO, LOGO_BYTES, is_png
from services.registry.models import Known
from services.registry.tasks import ended, together
from shared import errors
from shared.contracts.base import sha256
from shared.contracts.plugins import GetLogo, Logo, Reloaded, ReloadPlugins
from shared.logging import get_logger

SWEEP_S: Final = 600.0
_AGAIN_S: Final = 1.0

log = get_logger(__name__)


class Lease(Protocol):
    @property
    def held(self) -> bool: ...


class Gate(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


class RegistryService:
    """The lease holder's work, and what every replica answers."""

    def __init__(
        self,
        *,
        directory: Directory,
        catalogue: Catalogue,
        lease: Lease,
        lease_holder: Callable[[], Awaitable[str | None]],
        manifest: Callable[[str], Awaitable[Known | None]],
        gate: Gate,
        while_leading: Callable[[], list[Coroutine[Any, Any, None]]],
    ) -> None:
        self._directory = directory
        self._catalogue = catalogue
        self._lease = lease
        self._lease_holder = lease_holder
        self._manifest = manifest
        self._gate = gate
        self._while_leading = while_leading
        self._leading: asyncio.Task[None] | None = None
        self._scan_error: str | None = None

    # The lease

    async def gained(self, epoch: int) -> None:
        """Begin to lead. Returns at once: the lease is renewed meanwhile."""
        self._leading = asyncio.create_task(self._lead(epoch), name="registry leads")

    async def lost(self) -> None:
        """Stop, and return when nothing is under way any more; what it still writes is refused by the bus."""
        await self._gate.close()
        if self._leading is not None:
            await ended([self._leading])
            # It may have been about to open it.
            await self._gate.close()

    async def _lead(self, epoch: int) -> None:
        while True:
            try:
                await self._catalogue.take_over(epoch)
                await self._catalogue.scan()
                self.scan_ended(None)
                await self._gate.open()
                await together(self._sweep(), *self._while_leading())
            except Exception as error:
                # The border: whatever went wrong, the holder of the lease begins anew.
                self.scan_ended(str(error) or type(error).__name__)
                log.exception("leading_interrupted")
                await asyncio.sleep(_AGAIN_S)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            with contextlib.suppress(errors.PlugarrError):
                await self._catalogue.sweep()

    def require_lease(self) -> None:
        """Raise Unavailable where another registry is the one that writes."""
        if not self._lease.held:
            raise errors.Unavailable("this registry stands by: ask again")

    # Commands

    async def reload_plugins(self, command: ReloadPlugins) -> Reloaded:
        """Look again, and unless told otherwise have all plugins, or the named one, loaded anew."""
        self.require_lease()
        async with self._catalogue.lock:
            self.require_lease()
            known = self._catalogue.known
            one = known.get(command.key) if command.key is not None else None
            await self._catalogue.refresh([one.folder] if one else None)
            if self._catalogue.absent:
                raise errors.Unavailable(self._catalogue.absent)
            if command.key is not None and command.key not in known:
                raise errors.NotFound(f"no plugin {command.key!r}")
            there = [key for key, plugin in known.items() if not plugin.missing]
            anew = there if command.key is None else [command.key]
            if command.load:
                await self._catalogue.raise_generation(key for key in anew if not known[key].invalid)
            return Reloaded(count=len(there))

    async def get_logo(self, command: GetLogo) -> Logo:
        """The plugin's logo. Raises NotFound. Every replica that has the plugin directory can tell."""
        known = await self._manifest(command.key)
        data = None
        if known is not None and known.folder:
            data = await asyncio.to_thread(self._directory.file, known.folder, LOGO, LOGO_BYTES)
        if data is None or not is_png(data):
            raise errors.NotFound(f"plugin {command.key!r} has no logo")
        return Logo(content=base64.b64encode(data).decode(), digest=sha256(data))

    # Readiness

    def scan_ended(self, fault: str | None) -> None:
        """What the latest look at the directory came to."""
        self._scan_error = fault

    async def lease_check(self) -> str | None:
        """Held, or by somebody else: both are well."""
        if self._lease.held:
            return "ok: held"
        holder = await self._lease_holder()
        return f"ok: standing by for {holder}" if holder else "nobody holds the registry's lease"

    async def directory_check(self) -> str | None:
        """Whether the plugin directory is there, and the one whose plugins are known."""
        return await asyncio.to_thread(self._directory.fault) or self._catalogue.absent

    async def scan_check(self) -> str | None:
        """Why the latest look at the directory failed."""
        return self._scan_error
