"""Ending runs that no executor holds: through the ledger, so that whoever comes second is refused."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.base import now
from shared.contracts.runs import Caller, RunState, RunStatus
from shared.messaging.bus import Refused
from shared.messaging.ledger import NOTHING, Entry


class Ledger(Protocol):
    """`shared.messaging.ledger.Ledger`."""

    def last(self, run_id: str) -> Awaitable[Entry | None]: ...

    def append(self, state: RunState, *, after: int) -> Awaitable[int]: ...

    def answer(self, state: RunState, *, kind: str, caller: str) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run is to end."""

    run_id: str
    plugin: str
    action: str
    state: RunStatus
    cause: str
    error: str
    actor: str | None = None
    command_seq: int | None = None
    caller: Caller | None = None


class Endings:
    """Ends runs, each once, whoever else tries."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def end(self, ending: Ending, *, claimed: Entry | None = None) -> Entry | None:
        """End a run that nobody has claimed, or whose claim is still this one; where the run stands then.

        None only where somebody else moved it on again and again. The caller is answered where this ended it,
        and again where this same ending had been stored before: whoever stored it may have died then.
        """
        for _ in range(3):
            entry = await self._ledger.last(ending.run_id)
            if entry is not None and not _free(entry, claimed):
                if entry.ended and _same(entry.state, ending):
                    await self._answer(entry.state, ending.caller)
                return entry
            state = RunState(
                run_id=ending.run_id,
                plugin=ending.plugin,
                # An action's name may be missing in a command that is not valid.
                action=ending.action or "?",
                state=ending.state,
                attempt=entry.state.attempt if entry else 1,
                command_seq=ending.command_seq,
                actor=ending.actor,
                executor=entry.state.executor if entry else None,
                epoch=entry.state.epoch if entry else None,
                started_at=entry.state.started_at if entry else None,
                ended_at=now(),
                cause=ending.cause,
                error=ending.error,
            )
            try:
                seq = await self._ledger.append(state, after=entry.seq if entry else NOTHING)
            except Refused:
                continue
            await self._answer(state, ending.caller)
            return Entry(state, seq)
        return None

    async def _answer(self, state: RunState, caller: Caller | None) -> None:
        if caller is not None:
            await self._ledger.answer(state, kind=caller.kind, caller=caller.id)


def _free(entry: Entry, claimed: Entry | None) -> bool:
    """Whether a run may be ended from here: it waits for an attempt, or its claim is the one given up on."""
    if entry.ended:
        return False
    return entry.state.state != "running" or (claimed is not None and claimed.seq == entry.seq)


def _same(state: RunState, ending: Ending) -> bool:
    return state.cause == ending.cause and state.command_seq == ending.command_seq
