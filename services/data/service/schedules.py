"""Schedules as people change them, and what is done so that each of them waits for its next tick."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from services.data.clients import Platform
from services.data.repository.configs import Configs
from services.data.repository.schedules import Schedules
from services.data.service.ticker import AHEAD_S, Ticker, timing_of
from services.data.service.timing import Timing
from services.data.timers import Timers
from shared import errors
from shared.contracts import schedules as m
from shared.contracts.base import Done, Timestamp, new_id, now, parse_timestamp, timestamp_of
from shared.documents import check_document
from shared.logging import get_logger

_TRIES: Final = 5
_TIMED: Final = frozenset({*m.TIMINGS, "timezone", "enabled", "plugin"})
"""What changes when a schedule is due next; anything else leaves it waiting for the same tick."""
_OVERDUE_S: Final = 5.0
"""What is overdue so long was not told by the bus: it is dealt with all the same."""

log = get_logger(__name__)


class ScheduleService:
    """Makes, changes and removes schedules, and reconciles the bus's timers with them."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        configs: Configs,
        platform: Platform,
        ticker: Ticker,
        timers: Timers,
    ) -> None:
        self._schedules = schedules
        self._configs = configs
        self._platform = platform
        self._ticker = ticker
        self._timers = timers

    async def page(self, command: m.ListSchedules) -> m.SchedulePage:
        found, total = await self._schedules.page(command.plugin, command.limit, command.offset)
        return m.SchedulePage(schedules=tuple(await self._with_problems(found)), total=total)

    async def get(self, command: m.GetSchedule) -> m.StoredSchedule:
        """A schedule. Raises NotFound."""
        return (await self._with_problems([await self._find(command.id)]))[0]

    async def create(self, command: m.CreateSchedule) -> m.StoredSchedule:
        """Make a schedule. Raises Invalid with the path, Conflict where there are too many."""
        await self._check_count()
        made = now()
        values: dict[str, Any] = command.model_dump(exclude={"actor"})
        schedule = _checked({**values, "id": new_id(), "rev": 1}, made, command.actor)
        schedule = schedule.model_copy(update={"created_at": made, "created_by": command.actor})
        schedule = await self._due_anew(schedule)
        await self._schedules.insert(schedule)
        await self._placed(schedule)
        return await self.get(m.GetSchedule(id=schedule.id))

    async def update(self, command: m.UpdateSchedule) -> m.StoredSchedule:
        """Change a schedule. Raises NotFound, Invalid, Conflict where it has another `rev`."""
        changes = command.model_dump(exclude_none=True, exclude={"id", "rev", "actor"})
        if any(name in changes for name in m.TIMINGS):
            changes = {**dict.fromkeys(m.TIMINGS), **changes}
        for _ in range(_TRIES):
            known = await self._find(command.id)
            if command.rev is not None and command.rev != known.rev:
                raise errors.Conflict(f"it has rev {known.rev} by now: look at it again", path="rev")
            if "enabled" in changes and len(changes) == 1 and changes["enabled"] == known.enabled:
                return await self.get(m.GetSchedule(id=known.id))
            meant = _checked({**known.model_dump(), **changes, "rev": known.rev + 1}, now(), command.actor)
            if changes.keys() & _TIMED:
                meant = await self._due_anew(meant)
            if await self._schedules.replace(meant, known):
                await self._placed(meant)
                return await self.get(m.GetSchedule(id=known.id))
        raise errors.Conflict("others change it just now: try again")

    async def keep(self, command: m.KeepSchedule) -> m.StoredSchedule:
        """Make it, or change it where something differs.

        Raises Invalid with the path, Conflict as `create`, NotFound where it is to be known and is not.
        """
        values: dict[str, Any] = command.model_dump(exclude={"actor", "only_known"})
        for _ in range(_TRIES):
            known = await self._schedules.get(command.id)
            if known is None and command.only_known:
                raise errors.NotFound(f"no schedule {command.id}")
            if known is None:
                await self._check_count()
            made = now()
            rev = 1 if known is None else known.rev + 1
            before = {} if known is None else known.model_dump()
            meant = _checked({**before, **values, "kind": "task", "rev": rev}, made, command.actor)
            if known is not None and _meaning(meant) == _meaning(known):
                return known
            if known is None:
                meant = meant.model_copy(update={"created_at": made, "created_by": command.actor})
            if known is None or any(getattr(meant, name) != getattr(known, name) for name in _TIMED):
                meant = await self._due_anew(meant)
            if known is None:
                try:
                    await self._schedules.insert(meant)
                except errors.Conflict:
                    continue
            elif not await self._schedules.replace(meant, known):
                continue
            await self._placed(meant)
            return meant
        raise errors.Conflict("others change it just now: try again")

    async def delete(self, command: m.DeleteSchedule) -> Done:
        """Remove a schedule. Raises NotFound."""
        if not await self._schedules.delete(command.id):
            raise errors.NotFound(f"no schedule {command.id}")
        await self._drop(command.id)
        return Done()

    async def run(self, command: m.RunSchedule) -> m.ScheduleStarted:
        """Run it now. Raises NotFound, PluginDisabled, Conflict while its last run goes on."""
        schedule = await self._find(command.id)
        if not await self._configs.enabled_since({schedule.plugin}):
            raise errors.PluginDisabled(await self._problem(schedule.plugin))
        if schedule.overlap == "skip":
            going = await self._ticker.going(schedule)
            if going is not None:
                raise errors.Conflict(
                    f"run {going} has not ended: wait for it, cancel it, or let the schedule overlap"
                )
        run_id = new_id()
        if not await self._ticker.run_now(schedule, run_id, command.actor):
            raise errors.Conflict("it has begun to run just now")
        return m.ScheduleStarted(run_id=run_id)

    async def ticks(self, command: m.ListTicks) -> m.TickPage:
        """What became of its ticks. Raises NotFound."""
        await self._find(command.id)
        found, total = await self._schedules.ticks(command)
        return m.TickPage(ticks=tuple(found), total=total)

    # What nobody asks for

    async def plugin_switched(self, plugin: str) -> None:
        """Have a plugin's schedules wait for their next tick, or for none, as it is enabled now or not."""
        for schedule in await self._schedules.of_plugin(plugin):
            async with _apart(schedule.id):
                await self._settle(schedule, enabled=bool(await self._configs.enabled_since({plugin})))

    async def plugin_forgotten(self, plugin: str) -> None:
        """Remove the schedules of a plugin that is deleted with its data."""
        for schedule_id in await self._schedules.ids_of_plugin(plugin):
            await self._schedules.delete(schedule_id)
            await self._drop(schedule_id)

    async def reconcile(self) -> int:
        """Bring timers and schedules together: whatever was lost is set again, and what is overdue is told."""
        timers = {timer.schedule_id: timer async for timer in self._timers.every()}
        found = await self._schedules.every()
        enabled = await self._configs.enabled_since({schedule.plugin for schedule in found})
        mended = 0
        for schedule in found:
            timer = timers.pop(schedule.id, None)
            async with _apart(schedule.id):
                mended += await self._settle(schedule, enabled=schedule.plugin in enabled, timer=timer)
        for schedule_id in timers:
            async with _apart(schedule_id):
                # Made by somebody else a moment ago, perhaps.
                if await self._schedules.get(schedule_id) is None:
                    await self._timers.drop(schedule_id)
                    mended += 1
        return mended

    async def prune(self) -> None:
        """Keep the history of ticks short."""
        for schedule in await self._schedules.every():
            async with _apart(schedule.id):
                await self._schedules.prune(schedule.id)

    async def _check_count(self) -> None:
        if await self._schedules.count() >= m.MAX_SCHEDULES:
            raise errors.Conflict(f"there are {m.MAX_SCHEDULES:,} schedules already: delete some")

    async def _settle(
        self, schedule: m.StoredSchedule, *, enabled: bool, timer: m.TickDue | None = None
    ) -> bool:
        """One schedule; whether there was something to mend."""
        if not schedule.enabled or not enabled:
            if schedule.next_at is not None:
                await self._schedules.set_due(schedule, None)
            if timer is not None or schedule.next_at is not None:
                await self._timers.drop(schedule.id)
                return True
            return False
        if schedule.next_at is None:
            first = _first(schedule)
            if first is None or not await self._schedules.set_due(schedule, first):
                return False
            schedule = schedule.model_copy(update={"next_at": first})
        assert schedule.next_at is not None
        due = m.TickDue(schedule_id=schedule.id, rev=schedule.rev, due=schedule.next_at)
        left_s = parse_timestamp(due.due).timestamp() - time.time()
        if left_s < -_OVERDUE_S:
            await self._ticker.tick(due)
            return True
        if timer == due or left_s > AHEAD_S or left_s < 0:
            return False
        await self._ticker.wait_for(schedule)
        return True

    async def _due_anew(self, schedule: m.StoredSchedule) -> m.StoredSchedule:
        runs = schedule.enabled and bool(await self._configs.enabled_since({schedule.plugin}))
        if schedule.enabled and schedule.at is not None and _first(schedule) is None:
            raise errors.Invalid(
                f"at: {schedule.at} has passed: give a time that is still to come", path="at"
            )
        return schedule.model_copy(update={"next_at": _first(schedule) if runs else None})

    async def _placed(self, schedule: m.StoredSchedule) -> None:
        # What is stored counts; a timer that could not be set is set when it is reconciled.
        try:
            if schedule.next_at is None:
                await self._timers.drop(schedule.id)
            else:
                await self._ticker.wait_for(schedule)
        except errors.PlugarrError as error:
            log.warning("timer_not_set", schedule=schedule.id, reason=error.message)

    async def _drop(self, schedule_id: str) -> None:
        try:
            await self._timers.drop(schedule_id)
        except errors.PlugarrError as error:
            log.warning("timer_not_dropped", schedule=schedule_id, reason=error.message)

    async def _find(self, schedule_id: str) -> m.StoredSchedule:
        found = await self._schedules.get(schedule_id)
        if found is None:
            raise errors.NotFound(f"no schedule {schedule_id}")
        return found

    async def _with_problems(self, found: list[m.StoredSchedule]) -> list[m.StoredSchedule]:
        enabled = await self._configs.enabled_since({schedule.plugin for schedule in found})
        idle = {schedule.plugin for schedule in found} - enabled.keys()
        problems = {plugin: await self._problem(plugin) for plugin in idle}
        return [
            schedule.model_copy(update={"problem": problems[schedule.plugin], "next_at": None})
            if schedule.enabled and schedule.plugin in problems
            else schedule
            for schedule in found
        ]

    async def _problem(self, plugin: str) -> str:
        known = await self._platform.plugin_known(plugin)
        return f"plugin {plugin!r} is disabled: enable it" if known else f"plugin {plugin!r} is not installed"


@asynccontextmanager
async def _apart(schedule_id: str) -> AsyncIterator[None]:
    """Keep to itself what is wrong with one schedule. Raises Unavailable, which is wrong with all of them."""
    try:
        yield
    except errors.Unavailable:
        raise
    except errors.PlugarrError as error:
        log.warning("schedule_not_settled", schedule=schedule_id, reason=error.message)
    except Exception:
        # The border: whatever one schedule raises, those behind it have their turn.
        log.exception("schedule_failed", schedule=schedule_id)


def _checked(values: dict[str, Any], at: Timestamp, actor: str | None) -> m.StoredSchedule:
    """A schedule of these values, its times looked at. Raises Invalid with the path."""
    params = values.get("params") or {}
    check_document(params, "params")
    if len(orjson.dumps(params)) > m.MAX_PARAMS:
        raise errors.Invalid(f"params: take at most {m.MAX_PARAMS:,} bytes", path="params")
    timing = Timing.of(
        cron=values["cron"], interval_s=values["interval_s"], at=values["at"], timezone=values["timezone"]
    )
    moment = None if timing.at is None else timestamp_of(timing.at.timestamp())
    changed = {"at": moment, "updated_at": at, "updated_by": actor}
    return m.StoredSchedule.model_validate({"created_at": at, **values, **changed})


def _meaning(schedule: m.StoredSchedule) -> dict[str, Any]:
    return schedule.model_dump(include=set(m.KeepSchedule.model_fields) - {"actor", "only_known"})


def _first(schedule: m.StoredSchedule) -> Timestamp | None:
    first = timing_of(schedule).first(datetime.now(UTC))
    return None if first is None else timestamp_of(first.timestamp())
