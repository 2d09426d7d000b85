"""The ledger as the executor uses it: who holds a run, and transitions that end as they should when answers get lost."""

import asyncio
import time
from typing import Any, Final, Protocol

import nats.errors

from services.executor.claims import (
    Claim,
    Claimed,
    Ended,
    Fenced,
    HeldByAnother,
    Order,
    Orphaned,
    Refusal,
    RunEnd,
    Waiting,
)
from shared import errors
from shared.contracts.base import ObjectRef, now, timestamp_of
from shared.contracts.runs import Caller, RunState
from shared.logging import get_logger
from shared.messaging.bus import Refused
from shared.messaging.ledger import NOTHING, Entry, Ledger
from shared.messaging.objects import Objects, by_reference, resolved

_RETRY_S: Final = 0.2
_RETRY_MAX_S: Final = 2.0

log = get_logger(__name__)


class Lease(Protocol):
    """This executor's own lease."""

    @property
    def held(self) -> bool: ...

    @property
    def epoch(self) -> int: ...


class Living(Protocol):
    """Which executors live."""

    async def lives(self, executor: str, epoch: int) -> bool:
        """Whether that executor's lease has that epoch. Raises PlugarrError where that cannot be known."""


class Payloads:
    """Params and results over 512 KiB."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def resolve(self, value: Any) -> Any:
        """The value that a reference stands for, or the value itself. Raises PlugarrError."""
        return await resolved(self._objects, value) if isinstance(value, ObjectRef) else value

    async def pack(self, value: Any) -> Any:
        """The value, or a reference to it. Raises TooLarge over 64 MiB, TypeError for what is no JSON."""
        return await by_reference(self._objects, value)


class RunLedger:
    """Implements `services.executor.service.Ledger` on the bus."""

    def __init__(
        self, ledger: Ledger, payloads: Payloads, *, executor: str, lease: Lease, living: Living
    ) -> None:
        self._ledger = ledger
        self._payloads = payloads
        self._executor = executor
        self._lease = lease
        self._living = living
        self._handed_out: set[str] = set()
        """Runs that were claimed and may have been started: never handed out a second time."""

    async def claim(self, order: Order) -> Claim:
        """Claim the run, or say who has it. Raises Unavailable while this executor has no lease."""
        if not self._lease.held:
            raise errors.Unavailable("this executor holds no lease")
        command = order.command
        state = RunState(
            run_id=command.run_id,
            plugin=command.plugin,
            action=command.action,
            state="running",
            command_seq=order.seq,
            actor=command.actor,
            executor=self._executor,
            epoch=self._lease.epoch,
            started_at=now(),
        )
        if command.not_before is not None and command.not_before > now():
            # It waits as for another attempt: when it is due, its command is stored again.
            gone = dict.fromkeys(("executor", "epoch", "started_at"))
            wait = {"state": "queued", "cause": "not_before", "retry_at": command.not_before}
            state = state.model_copy(update=gone | wait)
        try:
            seq = await self._ledger.append(state, after=NOTHING)
            return Waiting(state) if state.state == "queued" else self._ours(state, seq)
        except Refused:
            entry = await self._last(command.run_id)
        if entry.state.state == "queued":
            # Another attempt, asked for by the one before.
            if entry.state.retry_at is not None and entry.state.retry_at > now():
                return Waiting(entry.state)
            again = state.model_copy(update={"attempt": entry.state.attempt})
            try:
                return self._ours(again, await self._ledger.append(again, after=entry.seq))
            except Refused:
                entry = await self._last(command.run_id)
        return await self._holder(entry)

    async def finish(self, claim: Claimed, end: RunEnd) -> RunState | None:
        """Store the attempt's end, again and again while the lease counts; None if the run has moved on."""
        try:
            return await self._finish(claim, end)
        finally:
            self._handed_out.discard(claim.state.run_id)

    async def refuse(self, refusal: Refusal, seq: int) -> Claim:
        """Claim and end in one step a run that is not run."""
        end = refusal.end
        state = RunState.model_construct(
            run_id=refusal.run_id,
            plugin=refusal.plugin,
            action=refusal.action or "?",
            state=end.state,
            command_seq=seq,
            actor=refusal.actor,
            executor=self._executor,
            ended_at=now(),
            cause=end.cause,
            error=end.error,
        )
        after = NOTHING
        for _ in range(2):
            try:
                await self._ledger.append(state, after=after)
                return Ended(state)
            except Refused:
                entry = await self._last(refusal.run_id)
            if entry.state.state != "queued":
                return await self._holder(entry)
            after, state = entry.seq, state.model_copy(update={"attempt": entry.state.attempt})
        return HeldByAnother()

    async def lose(self, orphan: Orphaned, end: RunEnd) -> RunState | None:
        """End an orphaned attempt; None where somebody else did."""
        state = _ended(orphan.state, end)
        try:
            await self._ledger.append(state, after=orphan.seq)
        except Refused:
            return None
        return state

    async def answer(self, state: RunState, caller: Caller) -> None:
        """Send the final state to whoever asked; it is stored, so that a lost answer loses nothing."""
        try:
            await self._ledger.answer(state, kind=caller.kind, caller=caller.id)
        except (errors.PlugarrError, nats.errors.Error) as error:
            log.warning("answer_not_sent", run_id=state.run_id, reason=str(error))

    def _ours(self, state: RunState, seq: int) -> Claimed:
        self._handed_out.add(state.run_id)
        return Claimed(state, seq)

    async def _last(self, run_id: str) -> Entry:
        entry = await self._ledger.last(run_id)
        if entry is None:
            raise errors.Unavailable(f"the ledger has forgotten run {run_id} just now")
        return entry

    async def _holder(self, entry: Entry) -> Claim:
        state = entry.state
        if entry.ended:
            return Ended(state)
        if state.executor == self._executor and state.epoch == self._lease.epoch:
            if state.run_id in self._handed_out:
                return Orphaned(state, entry.seq)
            # Ours, though the bus's word of it got lost: the plugin was not called yet.
            return self._ours(state, entry.seq)
        if await self._living.lives(state.executor or "", state.epoch or 0):
            return HeldByAnother()
        return Orphaned(state, entry.seq)

    async def _finish(self, claim: Claimed, end: RunEnd) -> RunState | None:
        state = _ended(claim.state, end)
        unsure = False
        pause = _RETRY_S
        while True:
            try:
                if state.result is not None and not isinstance(state.result, ObjectRef):
                    state = state.model_copy(update={"result": await self._payloads.pack(state.result)})
                await self._ledger.append(state, after=claim.seq)
            except Refused:
                return state if unsure and await self._is_stored(state) else None
            except (errors.TooLarge, errors.Internal, TypeError) as error:
                if end.cause == "unserialisable":
                    raise
                end = RunEnd("failed", cause="unserialisable", error=f"the result cannot be stored: {error}")
                state = _ended(claim.state, end)
            except errors.PlugarrError as error:
                if not self._lease.held:
                    raise Fenced from error
                unsure = True
                log.warning("final_state_not_stored", run_id=state.run_id, reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RETRY_MAX_S)
            else:
                return state

    async def _is_stored(self, state: RunState) -> bool:
        """Whether an earlier try was stored after all."""
        entry = await self._last(state.run_id)
        return _mark(entry.state) == _mark(state)


def _mark(state: RunState) -> tuple[object, ...]:
    """What no two ends of attempts have in common."""
    return (state.executor, state.epoch, state.state, state.attempt, state.ended_at, state.retry_at)


def _ended(claimed: RunState, end: RunEnd) -> RunState:
    """The entry that follows a claim."""
    said = {
        "state": end.state,
        "ended_at": now(),
        "outcome": end.outcome,
        "result": end.result,
        "cause": end.cause,
        "error": end.error,
        "error_type": end.error_type,
        "progress": end.progress,
    }
    if end.state == "queued":
        # Nobody has it: what is left of this attempt is why it ended.
        said |= dict.fromkeys(("executor", "epoch", "started_at", "ended_at", "progress"))
        said |= {
            "attempt": claimed.attempt + 1,
            "retry_at": timestamp_of(time.time() + (end.retry_in_s or 0.0)),
        }
    return claimed.model_copy(update=said)
