"""Watching the plugin directory: what changed is looked at within a second, when nobody writes to it any more."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, Literal, Protocol

from watchfiles import Change, awatch

from services.registry.directory import OWN, Directory
from services.registry.packages import LEFT_OUT
from services.registry.tasks import together
from shared import errors
from shared.logging import get_logger

LOOK_S: Final = 0.1
"""How often a folder that is being written is looked at again."""
PATIENCE_S: Final = 2.0
"""A folder that is written to for longer is taken as it is, again and again."""
POLL_S: Final = 1.0
SAFETY_S: Final = 60.0
"""So often everything is looked at where changes are told: network file systems do not tell those of others."""
_RETRY_S: Final = 1.0

log = get_logger(__name__)


class Scan(Protocol):
    def __call__(
        self, names: Iterable[str] | None = None, *, settle: bool = False
    ) -> Awaitable[set[str]]: ...


class Watcher:
    """Has folders scanned as they change. `scan` returns those that somebody is writing to just now."""

    def __init__(
        self,
        directory: Directory,
        scan: Scan,
        *,
        mode: Literal["auto", "poll"] = "auto",
        failed: Callable[[str | None], None] = lambda _fault: None,
    ) -> None:
        self._directory = directory
        self._root = directory.path
        self._scan = scan
        self._poll = mode == "poll"
        self._failed = failed
        self._dirty: dict[str, float] = {}
        self._everything = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        await together(self._listen(), self._work())

    async def _listen(self) -> None:
        while True:
            identity = await asyncio.to_thread(self._directory.identity)
            if self._poll or identity is None:
                self._mark_everything()
                await asyncio.sleep(POLL_S)
                continue
            try:
                await self._told(identity)
            except OSError as error:
                # No watches left, or a file system that has none.
                log.warning("directory_polled", reason=str(error))
                self._poll = True

    async def _told(self, identity: tuple[int, int]) -> None:
        """Mark what changes until the directory is another one."""
        looked_at = float("-inf")
        # Resolved: paths are told as the system knows them.
        root = self._root.resolve()
        changes = awatch(
            root,
            watch_filter=lambda _change, path: _counts(root, path),
            debounce=300,
            step=50,
            rust_timeout=int(POLL_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        try:
            async for batch in changes:
                self._mark(root, batch)
                if time.monotonic() - looked_at > SAFETY_S:
                    # At the start too: what changed before the watch was set is told by nobody.
                    looked_at = time.monotonic()
                    self._mark_everything()
                if await asyncio.to_thread(self._directory.identity) != identity:
                    return
        finally:
            await changes.aclose()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._everything or self._dirty:
                try:
                    await self._once()
                except errors.PlugarrError as error:
                    self._failed(error.message)
                    log.warning("scan_failed", reason=error.message)
                    await asyncio.sleep(_RETRY_S)
                else:
                    self._failed(None)
                    if self._dirty:
                        await asyncio.sleep(LOOK_S)

    async def _once(self) -> None:
        """One look: what is still being written stays marked."""
        everything, self._everything = self._everything, False
        dirty, self._dirty = self._dirty, {}
        try:
            late = [name for name, since in dirty.items() if time.monotonic() - since > PATIENCE_S]
            unsettled = set[str]()
            if late:
                await self._scan(late)
            if everything or len(late) < len(dirty):
                unsettled = await self._scan(None if everything else dirty.keys() - set(late), settle=True)
        except BaseException:
            self._everything |= everything
            self._dirty = dirty | self._dirty
            raise
        for name in unsettled:
            self._dirty[name] = dirty.get(name, self._dirty.get(name, time.monotonic()))

    def _mark(self, root: Path, changes: set[tuple[Change, str]]) -> None:
        for _, path in changes:
            parts = Path(path).relative_to(root).parts
            if parts:
                self._dirty.setdefault(parts[0], time.monotonic())
            else:
                self._everything = True
        if changes:
            self._wake.set()

    def _mark_everything(self) -> None:
        self._everything = True
        self._wake.set()


def _counts(root: Path, path: str) -> bool:
    """Whether a change can make a difference: not within our own folder, nor in what packages leave out."""
    try:
        parts = Path(path).relative_to(root).parts
    except ValueError:
        return False
    return not parts or (parts[0] != OWN and not LEFT_OUT.intersection(parts))
