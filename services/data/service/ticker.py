"""What becomes of a tick: a run, a skip, or only a note that it was missed. Once, whoever is told of it.

The order is what makes it once: decide and keep that, store the command under an id that follows from the
tick, then enter it and go on to the next. Whoever dies in between is followed by somebody who decides nothing
anew, and whose command is the same one.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from services.data.clients import Commands, Payloads
from services.data.repository.configs import Configs
from services.data.repository.runs import Runs
from services.data.repository.schedules import NOBODY, Decision, Schedules
from services.data.service.endings import Ledger
from services.data.service.timing import Timing
from services.data.timers import Timers
from shared.contracts.base import Timestamp, derived_id_at, now, parse_timestamp, timestamp_of
from shared.contracts.runs import FINAL, RunRequested
from shared.contracts.schedules import StoredSchedule, TickDue
from shared.logging import get_logger

LATE_S: Final = 90.0
"""A tick that is dealt with later than that was missed."""
AHEAD_S: Final = 86_400.0
"""Timers are set that much ahead; what is due later is looked at again until then."""
_NEW_S: Final = 60.0
"""So long a run may be in no history yet; of an older one its command is looked for."""

log = get_logger(__name__)


class Ticker:
    """Deals with ticks; every step may be the last one."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        configs: Configs,
        runs: Runs,
        ledger: Ledger,
        commands: Commands,
        payloads: Payloads,
        timers: Timers,
    ) -> None:
        self._schedules = schedules
        self._configs = configs
        self._runs = runs
        self._ledger = ledger
        self._commands = commands
        self._payloads = payloads
        self._timers = timers

    async def tick(self, tick: TickDue) -> None:
        """Deal with a tick, as often as one is told of it."""
        schedule = await self._schedules.get(tick.schedule_id)
        if schedule is None:
            return
        if schedule.rev != tick.rev or schedule.next_at != tick.due:
            # Changed, paused, or dealt with. A timer that was set late may have replaced the right one.
            await self.wait_for(schedule)
            return
        if not await self._configs.enabled_since({schedule.plugin}):
            await self._schedules.set_due(schedule, None)
            return
        decision = await self._schedules.decide(await self._decision(schedule, tick.due))
        if decision.outcome == "ran":
            assert decision.run_id is not None
            await self._send(schedule, decision.run_id, actor=f"schedule:{schedule.id}", trigger="schedule")
        following = timing_of(schedule).after(parse_timestamp(decision.at))
        next_at = None if following is None else _timestamp(following)
        if await self._schedules.advance(schedule, decision, next_at):
            log.info("ticked", schedule=schedule.id, outcome=decision.outcome, run_id=decision.run_id)
        waiting = await self._schedules.get(schedule.id)
        if waiting is not None:
            await self.wait_for(waiting)

    async def run_now(self, schedule: StoredSchedule, run_id: str, actor: str | None) -> bool:
        """Run what the schedule runs because somebody wants it; False where somebody else was quicker."""
        decision = Decision(
            key=run_id,
            schedule_id=schedule.id,
            at=now(),
            outcome="ran",
            reason=f"run now by {actor}" if actor else "run now",
            run_id=run_id,
        )
        # First its schedule's last run, so that of two at once only one runs, where it may not overlap.
        if not await self._schedules.ran_now(schedule, decision, alone=schedule.overlap == "skip"):
            return False
        await self._send(schedule, run_id, actor=actor, trigger="user")
        await self._schedules.enter(decision)
        return True

    async def wait_for(self, schedule: StoredSchedule) -> None:
        """Have the bus keep the time of the next tick, where that is soon."""
        if schedule.next_at is None:
            return
        if parse_timestamp(schedule.next_at).timestamp() - time.time() <= AHEAD_S:
            await self._timers.set(TickDue(schedule_id=schedule.id, rev=schedule.rev, due=schedule.next_at))

    async def going(self, schedule: StoredSchedule) -> str | None:
        """The schedule's last run, where it has not ended."""
        run_id = schedule.last_run_id
        if run_id is None:
            return None
        entry = await self._ledger.last(run_id)
        if entry is not None:
            return None if entry.ended else run_id
        stored = await self._runs.get(run_id)
        if stored is not None:
            return None if stored.run.state in FINAL else run_id
        # In no history yet, or in none any more.
        if time.time() - await self._schedules.sent_s(schedule) < _NEW_S:
            return run_id
        return run_id if await self._commands.find(run_id) is not None else None

    async def _decision(self, schedule: StoredSchedule, due: Timestamp) -> Decision:
        timing = timing_of(schedule)
        moment = datetime.now(UTC)
        waited_for = parse_timestamp(due)
        passed = timing.passed(waited_for, moment)
        # By what was waited for: which occurrence is the latest depends on when somebody looks. And not by the
        # revision: who renames a schedule while it ticks does not have it tick twice.
        key = derived_id_at(round(waited_for.timestamp() * 1000), "tick", schedule.id, due)
        decided = Decision(
            key=key,
            schedule_id=schedule.id,
            at=_timestamp(passed.latest),
            outcome="ran",
            reason=None,
            run_id=key,
            missed_at=due if passed.count > 1 else None,
            missed=passed.count - 1,
        )
        return await self._judged(schedule, decided, late=(moment - passed.latest).total_seconds() > LATE_S)

    async def _judged(self, schedule: StoredSchedule, decided: Decision, *, late: bool) -> Decision:
        if late and schedule.missed == "skip":
            return replace(decided, outcome="missed", reason=NOBODY, run_id=None)
        going = await self.going(schedule) if schedule.overlap == "skip" else None
        if going is not None:
            return replace(decided, outcome="skipped", reason=f"run {going} has not ended", run_id=None)
        if late:
            return replace(decided, reason=f"made up for: it was due at {decided.at}")
        return decided

    async def _send(self, schedule: StoredSchedule, run_id: str, *, actor: str | None, trigger: str) -> None:
        config = await self._configs.get(schedule.plugin)
        await self._commands.send(
            RunRequested.model_validate(
                {
                    "run_id": run_id,
                    "plugin": schedule.plugin,
                    "action": schedule.action,
                    "params": await self._payloads.put(schedule.params),
                    "kind": schedule.kind,
                    "trigger": trigger,
                    "actor": actor,
                    "created_at": now(),
                    "config_rev": config.rev,
                    "secret_params": schedule.secret_params,
                }
            )
        )


def timing_of(schedule: StoredSchedule) -> Timing:
    """When a stored schedule is due."""
    return Timing.of(
        cron=schedule.cron, interval_s=schedule.interval_s, at=schedule.at, timezone=schedule.timezone
    )


def _timestamp(moment: datetime) -> Timestamp:
    return timestamp_of(moment.timestamp())
