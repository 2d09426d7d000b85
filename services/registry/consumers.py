"""The consumer of each enabled plugin's run commands: there while it is enabled, as wide as its manifest says."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from services.registry.models import Known, Width
from shared import errors
from shared.contracts.base import Timestamp
from shared.contracts.data import PluginConfig
from shared.logging import get_logger

RECONCILE_S: Final = 5.0
ENSURE_ANEW_S: Final = 60.0
"""So often all of them are asked for again, whatever was made before."""
_AT_ONCE: Final = 16

log = get_logger(__name__)


class Configs(Protocol):
    async def every(self) -> list[PluginConfig]: ...
    async def one(self, key: str) -> PluginConfig: ...


class Durables(Protocol):
    async def ensure(self, plugin: str, width: Width, since: Timestamp | None) -> None: ...
    async def remove(self, plugin: str) -> None: ...


class Consumers:
    """Brings the consumers in line with the configs. Only the lease holder's does."""

    def __init__(self, *, configs: Configs, durables: Durables, known: Callable[[str], Known | None]) -> None:
        self._configs = configs
        self._durables = durables
        self._known = known
        self._made: dict[str, Width | None] = {}
        """Plugin → width of its consumers, None where it was removed."""
        self._made_at = float("-inf")
        self._switched: set[str] = set()
        self._wake = asyncio.Event()

    def switched(self, key: str) -> None:
        """A plugin was enabled or disabled: look at it at once."""
        self._switched.add(key)
        self._wake.set()

    def manifests_changed(self) -> None:
        """Manifests were written: widths may differ, plugins may have come."""
        self._wake.set()

    async def follow(self) -> None:
        """Keep the consumers in line until cancelled; what fails is tried again."""
        self._made_at = float("-inf")
        while True:
            try:
                await self._look()
            except errors.PlugarrError as error:
                log.info("consumers_not_reconciled", reason=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECONCILE_S):
                    await self._wake.wait()

    async def remove(self, key: str) -> None:
        """A deleted plugin's commands are nobody's."""
        await self._durables.remove(key)
        self._made.pop(key, None)

    async def _look(self) -> None:
        self._wake.clear()
        switched, self._switched = self._switched, set()
        if switched:
            await self._apply([await self._configs.one(key) for key in switched])
            return
        if time.monotonic() - self._made_at > ENSURE_ANEW_S:
            self._made.clear()
            self._made_at = time.monotonic()
        await self._apply(await self._configs.every())

    async def _apply(self, configs: Iterable[PluginConfig]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(config: PluginConfig) -> None:
            async with slots:
                await self._bring(config)

        results = await asyncio.gather(*(one(config) for config in configs), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            raise failed[0]

    async def _bring(self, config: PluginConfig) -> None:
        known = self._known(config.key)
        wanted = known.width if known and config.enabled and not known.invalid else None
        if wanted is None and not config.ever_enabled:
            return
        if config.key in self._made and self._made[config.key] == wanted:
            return
        if wanted is None:
            await self._durables.remove(config.key)
        else:
            await self._durables.ensure(config.key, wanted, config.updated_at)
        self._made[config.key] = wanted
        log.info("consumer_reconciled", plugin=config.key, width=wanted and wanted.actions)
