"""What running an action means, with no transport and no database in sight."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from services.executor import attempts
from services.executor.attempts import Policy
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
    Verdict,
    Waiting,
)
from services.executor.metrics import Metrics
from services.executor.outcomes import end_of, not_loaded
from services.executor.plugin_settings import Mask, Masks
from services.executor.ports import HostCall, Hosts
from shared import errors
from shared.contracts.base import JsonObject, now, parse_timestamp
from shared.contracts.runs import Caller, Progress, RunRequested, RunState
from shared.logging import get_logger

_CANCELLED: Final = RunEnd("cancelled", cause="cancelled", error="cancelled")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PluginNow:
    """A plugin as a run finds it: read from memory, replaced whole when something changes."""

    enabled: bool
    loaded: bool
    timeout_s: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


class Plugin(Protocol):
    """The plugin that an order is for, as it lives in this executor."""

    @property
    def key(self) -> str: ...

    @property
    def claiming(self) -> bool:
        """Whether it takes new runs here."""

    async def now(self, config_rev: int) -> PluginNow:
        """How it stands, with a config at least as new as that; raises PlugarrError where it cannot be read."""

    def said(self, refreshed: Mapping[str, Any]) -> None:
        """Take navigation and pages that a run changed."""


class Ledger(Protocol):
    """The runs' ledger; every method may raise PlugarrError, those that end a run of ours keep trying."""

    async def claim(self, order: Order) -> Claim:
        """Claim the run, or say who has it."""

    async def finish(self, claim: Claimed, end: RunEnd) -> RunState | None:
        """Store the attempt's end; None where the run moved on meanwhile. Raises Fenced."""

    async def refuse(self, refusal: Refusal, seq: int) -> Claim:
        """Claim and end in one step a run that is not run; `Ended` where that, or another end, is stored."""

    async def lose(self, orphan: Orphaned, end: RunEnd) -> RunState | None:
        """End an orphaned attempt; None where somebody else did."""

    async def answer(self, state: RunState, caller: Caller) -> None:
        """Send the final state to whoever asked. Never raises."""


class Payloads(Protocol):
    """Params that were too large for their command."""

    async def resolve(self, value: Any) -> Any:
        """The value that a reference stands for, or the value itself. Raises PlugarrError."""


class RunLog(Protocol):
    """What a run logs on its way."""

    async def flush(self, run_id: str) -> Progress | None:
        """Send it now, so that it is there when the run has ended; how far the run said it is. Never raises."""

    def log(self, plugin: str, run_id: str | None, lines: Sequence[JsonObject]) -> None:
        """Take lines of the platform's own into a run's log. Never blocks."""


@dataclass(slots=True, eq=False)
class InHand:
    """A run that this executor deals with just now."""

    plugin: str
    seq: int
    task: "asyncio.Task[Any] | None" = None
    """Set while the plugin is called."""
    cancelled: bool = False
    given_up: str | None = None
    """Why its outcome is waited for no longer."""


class ExecutorService:
    """Claims a run, calls the plugin, records the outcome; every step may be the last one."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        hosts: Hosts,
        payloads: Payloads,
        logs: RunLog,
        masks: Masks,
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._hosts = hosts
        self._payloads = payloads
        self._logs = logs
        self._masks = masks
        self._metrics = metrics
        self._in_hand: dict[str, InHand] = {}

    async def run_action(self, order: Order, plugin: Plugin) -> Verdict:
        """Run the action once per attempt, and say what becomes of the command."""
        run_id = order.command.run_id
        held = self._in_hand.get(run_id)
        if held is not None:
            # The same message is acknowledged when the run ends; a repeated request is looked at again then.
            return Verdict.LEAVE if held.seq == order.seq else Verdict.LATER
        hand = self._in_hand[run_id] = InHand(plugin.key, order.seq)
        try:
            return await self._run(order, plugin, hand)
        except errors.PlugarrError as error:
            log.warning("run_put_off", run_id=run_id, plugin=plugin.key, reason=error.message)
            return Verdict.LATER
        except Fenced:
            log.warning("run_left_behind", run_id=run_id, plugin=plugin.key)
            return Verdict.LEAVE
        finally:
            del self._in_hand[run_id]

    async def refuse(self, refusal: Refusal, seq: int) -> Verdict:
        """End a command that can never be run."""
        try:
            claim = await self._ledger.refuse(refusal, seq)
            return await self._after(claim, seq, refusal.actor, refusal.caller, Policy())
        except errors.PlugarrError as error:
            log.warning("run_put_off", run_id=refusal.run_id, plugin=refusal.plugin, reason=error.message)
            return Verdict.LATER

    async def cancel(self, run_id: str) -> None:
        """Cancel a run if it is here."""
        hand = self._in_hand.get(run_id)
        if hand is None:
            return
        hand.cancelled = True
        if hand.task is not None:
            await self._hosts.cancel(hand.plugin, run_id)

    def give_up(self, reason: str, plugin: str | None = None) -> int:
        """End `lost` what runs still, of one plugin or of all; how many there were."""
        given = [h for h in self._in_hand.values() if h.task is not None and plugin in {None, h.plugin}]
        for hand in given:
            hand.given_up = reason
            assert hand.task is not None
            hand.task.cancel()
        return len(given)

    def in_flight(self, plugin: str) -> int:
        """Runs of a plugin that are in hand."""
        return sum(hand.plugin == plugin for hand in self._in_hand.values())

    async def _run(self, order: Order, plugin: Plugin, hand: InHand) -> Verdict:
        command = order.command
        there = await plugin.now(command.config_rev)
        end = _refused(command, there)
        if end is not None:
            return await self.refuse(_refusal(command, end), order.seq)
        try:
            params = await self._payloads.resolve(command.params)
        except errors.NotFound as error:
            end = RunEnd("failed", cause="invalid_command", error=f"its params are gone: {error.message}")
            return await self.refuse(_refusal(command, end), order.seq)
        if not plugin.claiming:
            return Verdict.BACK
        claim = await self._ledger.claim(order)
        if not isinstance(claim, Claimed):
            return await self._after(claim, order.seq, command.actor, command.caller, there.policy)
        started = asyncio.get_running_loop().time()
        self._metrics.started()
        state: RunState | None = None
        # Of a task those are whole messages; the passwords in them are known by themselves.
        secret = command.secret_params if command.kind == "action" else ()
        mask = self._masks.add_run(plugin.key, command.run_id, secret, params)
        try:
            end, refreshed = await self._call(order, claim, there, params, hand)
            end = await self._concluded(_masked(end, mask), claim.state, there.policy, hand)
            state = await self._ledger.finish(claim, end)
        finally:
            self._masks.drop_run(command.run_id)
            self._metrics.ended(state.state if state else "late", asyncio.get_running_loop().time() - started)
        if state is None:
            log.warning("late_result", run_id=command.run_id, plugin=plugin.key, state=end.state)
            late = f"a late result ({end.state}) came after the run had ended: it changes nothing"
            self._note(plugin.key, command.run_id, late)
            await self._logs.flush(command.run_id)
            return Verdict.ACK
        # Of a run that gets another attempt, its caller hears when that has ended.
        if command.caller is not None and state.state != "queued":
            await self._ledger.answer(state, command.caller)
        if refreshed:
            plugin.said(refreshed)
        return Verdict.ACK

    async def _concluded(self, end: RunEnd, claimed: RunState, policy: Policy, hand: InHand) -> RunEnd:
        """The end as it is to be stored: final, or another attempt, unless somebody has cancelled the run."""
        if not hand.cancelled:
            end = attempts.after(end, claimed.attempt, policy)
            if end.state == "queued":
                self._note(claimed.plugin, claimed.run_id, attempts.sentence(end, claimed.attempt))
        progress = await self._logs.flush(claimed.run_id)
        # Whoever asked for another attempt, the host or the manifest: nobody wants it any more.
        end = _CANCELLED if hand.cancelled and end.state == "queued" else end
        return replace(end, progress=progress)

    def _note(self, plugin: str, run_id: str, message: str) -> None:
        line: JsonObject = {"time": now(), "level": "warning", "message": message, "logger": "plugarr"}
        self._logs.log(plugin, run_id, [line])

    async def _after(
        self, claim: Claim, seq: int, actor: str | None, caller: Caller | None, policy: Policy
    ) -> Verdict:
        """What becomes of a command whose run somebody else has, or had."""
        match claim:
            case Ended(state=state):
                # A repeated command of somebody else's learns nothing of this run.
                if caller is not None and state.actor == actor:
                    await self._ledger.answer(state, caller)
                return Verdict.ACK
            case Orphaned():
                return await self._lose(claim, actor, caller, policy)
            case Waiting(state=state):
                # The copy that put the run there may go: there will be another. Any other copy may be that one,
                # stored when it was due by a clock that is ahead of ours.
                return Verdict.ACK if state.command_seq == seq else Verdict.LATER
            case HeldByAnother() | Claimed():
                return Verdict.LATER

    async def _lose(
        self, orphan: Orphaned, actor: str | None, caller: Caller | None, policy: Policy
    ) -> Verdict:
        state = orphan.state
        error = f"executor {state.executor} is gone; how far the run came is not known"
        end = attempts.after(RunEnd("lost", cause="executor_gone", error=error), state.attempt, policy)
        lost = await self._ledger.lose(orphan, end)
        if lost is None:
            return Verdict.LATER
        if lost.state == "queued":
            self._note(state.plugin, state.run_id, attempts.sentence(end, state.attempt))
            return Verdict.ACK
        self._metrics.lost()
        if caller is not None and lost.actor == actor:
            await self._ledger.answer(lost, caller)
        return Verdict.ACK

    async def _call(
        self, order: Order, claim: Claimed, there: PluginNow, params: JsonObject, hand: InHand
    ) -> tuple[RunEnd, Mapping[str, Any] | None]:
        command = order.command
        if hand.cancelled:
            return _CANCELLED, None
        call = HostCall(
            run_id=command.run_id,
            attempt=claim.state.attempt,
            action=command.action,
            params=params,
            settings=there.settings,
            actions=there.actions,
            timeout_s=min(there.timeout_s, command.timeout_s or there.timeout_s),
            kind=command.kind,
            depth=command.depth,
        )
        hand.task = asyncio.current_task()
        try:
            result = await self._hosts.run(command.plugin, call)
        except asyncio.CancelledError:
            if hand.given_up is None or hand.task is None:
                raise
            hand.task.uncancel()
            return RunEnd("lost", cause="shutdown", error=hand.given_up), None
        finally:
            hand.task = None
        return end_of(result), result.refreshed


def _refused(command: RunRequested, there: PluginNow) -> RunEnd | None:
    """Why a command is not run at all."""
    if command.expires_at is not None and parse_timestamp(command.expires_at) < datetime.now(UTC):
        return RunEnd("lost", cause="expired", error="nobody took the command before it expired")
    if not there.enabled:
        return RunEnd("failed", cause="plugin_disabled", error=f"Plugin '{command.plugin}' is disabled")
    return None if there.loaded else not_loaded(command.plugin)


def _refusal(command: RunRequested, end: RunEnd) -> Refusal:
    return Refusal(command.run_id, command.plugin, command.action, command.actor, command.caller, end)


def _masked(end: RunEnd, mask: Mask) -> RunEnd:
    """The end as it may be stored and shown, to whoever asked for the run too: passwords are shown to nobody."""
    if mask.empty:
        return end
    error = mask.text(end.error) if end.error is not None else None
    return replace(end, error=error, result=mask.value(end.result))
