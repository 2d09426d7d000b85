"""Runs that nobody would ever end: one replica, by lease, looks for them and ends them through the ledger.

Each ending is a compare-and-set, so that an executor that is quicker wins, and a wrong guess changes nothing.
"""

import time
from typing import Final

from services.data.clients import Commands, Platform
from services.data.models import StoredRun
from services.data.repository.configs import Configs
from services.data.repository.runs import Runs
from services.data.service.endings import Ending, Endings, Ledger
from shared.contracts.base import now, parse_timestamp
from shared.contracts.catalog import RUN_CMD
from shared.contracts.runs import RunStatus
from shared.contracts.streams import STREAMS
from shared.logging import get_logger

COMMAND_AGE_S: Final = next(stream.max_age_s for stream in STREAMS if stream.name == RUN_CMD)
_MARGIN_S: Final = 300.0
"""So long before the bus forgets a command, nobody is expected to take it any more."""
_COVERED_S: Final = 60.0
"""A plugin's consumer starts so long before the plugin was enabled."""
_GONE_S: Final = 30.0
"""A run whose executor is away is given up on only if it was claimed at least so long ago."""

log = get_logger(__name__)


class Sweeper:
    """Ends expired and orphaned runs."""

    def __init__(
        self,
        *,
        runs: Runs,
        configs: Configs,
        commands: Commands,
        platform: Platform,
        ledger: Ledger,
        endings: Endings,
    ) -> None:
        self._runs = runs
        self._configs = configs
        self._commands = commands
        self._platform = platform
        self._ledger = ledger
        self._endings = endings

    async def sweep(self) -> int:
        """Look once at everything; how many runs were ended."""
        return await self._expired() + await self._unserved() + await self._orphaned()

    async def resend(self) -> int:
        """Store the commands of runs whose next attempt is due; how many there were."""
        due = await self._runs.due(now())
        for stored in due:
            await self._resend(stored)
        return len(due)

    async def _resend(self, stored: StoredRun) -> None:
        run = stored.run
        received = await self._commands.at(stored.command_seq) if stored.command_seq else None
        if received is None or received.command.run_id != run.run_id:
            await self._end(
                stored, "lost", "expired", "its command is not stored any more: no further attempt"
            )
            return
        # It was taken in time once; and a copy of this very attempt is stored only once.
        again = received.command.model_copy(update={"expires_at": None})
        await self._commands.send(again, msg_id=f"{run.run_id}.{run.attempt}")
        await self._runs.sent_again(run)

    async def plugin_disabled(self, plugin: str) -> None:
        """End what is queued for a plugin that was disabled. What this misses, the next sweep finds."""
        await self._end_queued(plugin)

    async def _expired(self) -> int:
        forgotten = time.time() - COMMAND_AGE_S + _MARGIN_S
        count = 0
        for stored in await self._runs.overdue(now(), forgotten):
            count += await self._end(stored, "lost", "expired", "nobody ran it in time")
        return count

    async def _unserved(self) -> int:
        """What is queued for plugins that are disabled, or were disabled since."""
        plugins = await self._runs.queued_plugins()
        enabled = await self._configs.enabled_since(plugins)
        count = 0
        for plugin in plugins:
            since = enabled.get(plugin)
            if since is None:
                count += await self._end_queued(plugin)
            else:
                # The consumer that was made when the plugin was enabled begins later than these.
                before = parse_timestamp(since).timestamp() - _COVERED_S
                count += await self._end_queued(plugin, before_s=before)
        return count

    async def _end_queued(self, plugin: str, *, before_s: float | None = None) -> int:
        queued = await self._runs.queued(plugin, before_s=before_s)
        if not queued:
            return 0
        known = await self._platform.plugin_known(plugin)
        cause = "plugin_disabled" if known else "plugin_not_found"
        text = f"Plugin '{plugin}' was disabled" if known else f"Plugin '{plugin}' not found"
        return sum([await self._end(stored, "failed", cause, text) for stored in queued])

    async def _orphaned(self) -> int:
        """Runs of executors that are gone, where no executor will be offered the command again.

        While it will be, that executor decides: it alone knows whether the plugin wants another attempt.
        """
        count = 0
        lives: dict[tuple[str, int | None], bool] = {}
        async for stored in self._runs.running():
            holder = (stored.run.executor or "", stored.epoch)
            if not holder[0] or not _long_ago(stored):
                continue
            if holder not in lives:
                lives[holder] = await self._platform.executor_lives(*holder)
            if lives[holder] or await self._comes_again(stored):
                continue
            claimed = await self._ledger.last(stored.run.run_id)
            if claimed is None or (claimed.state.executor, claimed.state.epoch) != holder:
                continue
            ending = _ending(stored, "lost", "executor_gone", f"executor {holder[0]} is gone")
            entry = await self._endings.end(ending, claimed=claimed)
            count += entry is not None and entry.state.cause == "executor_gone"
        return count

    async def _comes_again(self, stored: StoredRun) -> bool:
        since = (await self._configs.enabled_since({stored.run.plugin})).get(stored.run.plugin)
        if since is None or stored.command_seq is None:
            return False
        received = await self._commands.at(stored.command_seq)
        if received is None:
            return False
        return received.time_s >= parse_timestamp(since).timestamp() - _COVERED_S

    async def _end(self, stored: StoredRun, state: RunStatus, cause: str, error: str) -> bool:
        entry = await self._endings.end(_ending(stored, state, cause, error))
        ended = entry is not None and entry.state.cause == cause
        if ended:
            log.info("run_ended", run_id=stored.run.run_id, plugin=stored.run.plugin, cause=cause)
        return ended


def _ending(stored: StoredRun, state: RunStatus, cause: str, error: str) -> Ending:
    return Ending(
        run_id=stored.run.run_id,
        plugin=stored.run.plugin,
        action=stored.run.action,
        state=state,
        cause=cause,
        error=error,
        actor=stored.run.actor,
        command_seq=stored.command_seq,
        caller=stored.caller,
    )


def _long_ago(stored: StoredRun) -> bool:
    started = stored.run.started_at
    return started is None or time.time() - parse_timestamp(started).timestamp() > _GONE_S
