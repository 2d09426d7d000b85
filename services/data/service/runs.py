"""Runs as people and other services ask for them: history, completed by what the bus knows meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from services.data.clients import Commands, Payloads, Platform
from services.data.models import ReceivedCommand, StoredRun
from services.data.repository.runs import Runs
from services.data.run_output import RunLogs, RunProgress
from services.data.service.endings import Ending, Endings, Ledger
from services.data.service.recorder import MASK
from shared import errors
from shared.contracts import runs as m
from shared.contracts.base import ObjectRef, new_id, now, timestamp_of
from shared.logging import get_logger
from shared.messaging.ledger import Entry

log = get_logger(__name__)

_OVERLAID: Final = (
    "state",
    "attempt",
    "executor",
    "outcome",
    "cause",
    "error",
    "error_type",
    "retry_at",
    "progress",
    "started_at",
    "ended_at",
)
_UNFINISHED: Final = frozenset({"queued", "running", "lost"})
"""States of runs whose progress nobody has put into the ledger."""
_LOOKS: Final = 3
_LOOK_AGAIN_S: Final = 0.15


class RunService:
    """Lists, shows, cancels and repeats runs."""

    def __init__(
        self,
        *,
        runs: Runs,
        commands: Commands,
        logs: RunLogs,
        progress: RunProgress,
        ledger: Ledger,
        endings: Endings,
        platform: Platform,
        payloads: Payloads,
    ) -> None:
        self._runs = runs
        self._commands = commands
        self._logs = logs
        self._progress = progress
        self._ledger = ledger
        self._endings = endings
        self._platform = platform
        self._payloads = payloads

    async def list_runs(self, command: m.ListRuns) -> m.RunPage:
        """A page of history, without params and results."""
        found, total, exact = await self._runs.page(command)
        return m.RunPage(runs=await self._with_progress(found), total=total, exact=exact)

    async def get(self, command: m.GetRun) -> m.Run:
        """A run as it stands: also one that history has not yet."""
        return (await self._with_progress([(await self._find(command.run_id)).run]))[0]

    async def log(self, command: m.GetRunLog) -> m.RunLog:
        """A page of what the run wrote; empty where it wrote nothing, or long ago. Raises NotFound."""
        page = await self._logs.page(command.run_id, command.after, command.limit, command.search)
        if not page.last:
            await self._find(command.run_id)
        return m.RunLog(lines=tuple(page.lines), last_seq=page.last, more=page.more, missing=page.missing)

    async def siblings(self, command: m.GetSiblings) -> m.Siblings:
        """The running runs that share a process with a run; none where it is not running. Raises NotFound."""
        run = (await self._find(command.run_id)).run
        found = await self._runs.siblings(run) if run.state == "running" else []
        return m.Siblings(siblings=await self._with_progress(found))

    async def cancel(self, command: m.CancelRun) -> m.CancelAnswer:
        """End a run that is queued; have its executor told of one that is running."""
        stored = await self._find(command.run_id)
        run = stored.run
        ending = Ending(
            run_id=run.run_id,
            plugin=run.plugin,
            action=run.action,
            state="cancelled",
            cause="cancelled",
            error=f"cancelled by {command.actor}" if command.actor else "cancelled",
            actor=run.actor,
            command_seq=stored.command_seq,
            caller=stored.caller,
        )
        if run.state in m.FINAL:
            return m.CancelAnswer(run=run, ended=True)
        entry = await self._endings.end(ending)
        if entry is None:
            raise errors.Conflict("the run changes just now: try again")
        run = _overlaid(run, entry)
        if not entry.ended:
            await self._platform.ask_to_cancel(run.run_id, command.actor)
        return m.CancelAnswer(run=run, ended=entry.ended)

    async def retry(self, command: m.RetryRun) -> m.Retried:
        """Ask for the same once more, under a new id."""
        stored = await self._find(command.run_id)
        run = stored.run
        if run.state not in m.FINAL:
            raise errors.Conflict(f"the run is still {run.state}: cancel it first")
        given = await self._commands.at(stored.command_seq) if stored.command_seq else None
        original = given.command if given and given.command.run_id == run.run_id else None
        if original is None and stored.secret_params:
            raise errors.Conflict(
                "the run has password parameters, which history does not keep, and its command is no longer "
                "stored: run the action anew"
            )
        again = m.RunRequested(
            run_id=new_id(),
            plugin=run.plugin,
            action=run.action,
            params=original.params if original else _params(run.params),
            kind=run.kind,
            trigger="retry",
            actor=command.actor,
            caller=command.caller,
            retry_of=run.run_id,
            timeout_s=original.timeout_s if original else None,
            created_at=now(),
            secret_params=original.secret_params if original else (),
        )
        await self._commands.send(again)
        return m.Retried(run_id=again.run_id, plugin=again.plugin, action=again.action)

    async def _with_progress(self, found: Sequence[m.Run]) -> tuple[m.Run, ...]:
        """The runs, those that have not ended by themselves with how far they say they are."""
        asked = [run.run_id for run in found if run.state in _UNFINISHED and run.progress is None]
        if not asked:
            return tuple(found)
        try:
            known = await self._progress.of(asked)
        except errors.PlugarrError as error:
            log.info("progress_not_read", reason=error.message)
            return tuple(found)
        return tuple(
            run.model_copy(update={"progress": known[run.run_id]}) if run.run_id in known else run
            for run in found
        )

    async def _find(self, run_id: str) -> StoredRun:
        """A run from history, the ledger, or its command, whichever knows it. Raises NotFound."""
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_LOOK_AGAIN_S)
            unreachable: errors.Unavailable | None = None
            try:
                stored = await self._runs.get(run_id)
            except errors.Unavailable as error:
                stored, unreachable = None, error
            if stored is not None and stored.run.state in m.FINAL:
                return stored
            # History may be some messages behind: the ledger never is.
            entry = await self._ledger.last(run_id)
            if stored is None:
                stored = await self._from_bus(run_id, entry)
            if stored is not None:
                return _with(stored, entry)
            if unreachable:
                raise unreachable
        raise errors.NotFound(f"no run {run_id}")

    async def _from_bus(self, run_id: str, entry: Entry | None) -> StoredRun | None:
        if entry is None:
            received = await self._commands.find(run_id)
        else:
            seq = entry.state.command_seq
            received = await self._commands.at(seq) if seq else await self._commands.find(run_id)
        if received is not None:
            return _from_command(received)
        if entry is None:
            return None
        state = entry.state
        run = m.Run(
            run_id=run_id, plugin=state.plugin, action=state.action, state=state.state, actor=state.actor
        )
        return StoredRun(run=run, command_seq=state.command_seq)


def _from_command(received: ReceivedCommand) -> StoredRun:
    command = received.command
    params: Any = command.params
    if command.secret_params:
        hidden = set(command.secret_params)
        reference = isinstance(params, ObjectRef) or ObjectRef.read(params) is not None
        params = None if reference else {name: MASK if name in hidden else params[name] for name in params}
    run = m.Run(
        run_id=command.run_id,
        plugin=command.plugin,
        action=command.action,
        kind=command.kind,
        state="queued",
        trigger=command.trigger,
        actor=command.actor,
        parent=command.parent,
        retry_of=command.retry_of,
        params=params,
        created_at=command.created_at or timestamp_of(received.time_s),
    )
    return StoredRun(
        run=run,
        caller=command.caller,
        command_seq=received.seq,
        secret_params=command.secret_params,
        expires_at=command.expires_at,
    )


def _with(stored: StoredRun, entry: Entry | None) -> StoredRun:
    if entry is None:
        return stored
    return StoredRun(
        run=_overlaid(stored.run, entry),
        caller=stored.caller,
        command_seq=entry.state.command_seq or stored.command_seq,
        epoch=entry.state.epoch,
        secret_params=stored.secret_params,
        expires_at=stored.expires_at,
    )


def _overlaid(run: m.Run, entry: Entry) -> m.Run:
    state = entry.state
    # The last entry is the whole of what is so: what an attempt before it said does not hold any more.
    said = {name: getattr(state, name) for name in _OVERLAID}
    if entry.ended:
        said["result"] = state.result
    return run.model_copy(update=said)


def _params(value: Any) -> Any:
    reference = value if isinstance(value, ObjectRef) else ObjectRef.read(value)
    return reference or value or {}
