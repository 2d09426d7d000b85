"""Schedules: what is to be run when. The documents are the truth; the bus only keeps the time."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.base import Answer, Command, JsonObject, Name, RunId, Timestamp
from shared.contracts.runs import RunKind

MAX_PARAMS: Final = 256 * 1024
"""Bytes of JSON that a schedule's params may take."""
MAX_SCHEDULES: Final = 10_000
LONGEST_INTERVAL_S: Final = 366 * 86_400.0
TIMINGS: Final = ("cron", "interval_s", "at")

ScheduleId = RunId
ScheduleName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Cron = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""Five fields (minute hour day month weekday), or one of @hourly, @daily, @weekly, @monthly, @yearly."""
Interval = Annotated[float, Field(ge=1, le=LONGEST_INTERVAL_S, allow_inf_nan=False)]
Moment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
"""RFC 3339; without an offset it is meant in the schedule's time zone."""
TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""A name of the IANA data base: `Europe/Berlin`."""
Overlap = Literal["skip", "allow"]
"""Whether a tick is skipped while the schedule's last run has not ended."""
Missed = Literal["skip", "run_once"]
"""What becomes of ticks for which nobody was there: they are only shown, or made up for by one run."""
TickOutcome = Literal["ran", "skipped", "missed"]


class Schedule(Answer):
    """A schedule as HTTP shows it."""

    id: ScheduleId
    name: str
    plugin: Name
    action: Name
    params: JsonObject = Field(default_factory=dict)
    enabled: bool = True
    cron: str | None = None
    """Exactly one of `cron`, `interval_s` and `at` is set."""
    interval_s: float | None = None
    at: Timestamp | None = None
    timezone: str = "UTC"
    overlap: Overlap = "skip"
    missed: Missed = "skip"
    next_at: Timestamp | None = None
    """None while it is paused, its plugin is not enabled, or its one time is over."""
    last_at: Timestamp | None = None
    last_run_id: RunId | None = None
    missed_count: int = 0
    skipped_count: int = 0
    problem: str | None = None
    """Why an enabled schedule does not tick, for people: its plugin is disabled or gone."""
    created_at: Timestamp
    created_by: str | None = None
    updated_at: Timestamp
    updated_by: str | None = None
    rev: int = 1
    """Raised by each change that somebody makes; ticks are none."""


class StoredSchedule(Schedule):
    """A schedule as the data service knows it: params unmasked, and which of them are passwords."""

    secret_params: tuple[str, ...] = ()
    kind: RunKind = "action"
    """`task` where a plugin made it: `action` is then a background task's name."""


class CreateSchedule(Command):
    """Make a schedule; exactly one of `cron`, `interval_s` and `at`."""

    name: ScheduleName
    plugin: Name
    action: Name
    params: JsonObject = Field(default_factory=dict)
    secret_params: tuple[Name, ...] = ()
    enabled: bool = True
    cron: Cron | None = None
    interval_s: Interval | None = None
    at: Moment | None = None
    timezone: TimeZone = "UTC"
    overlap: Overlap = "skip"
    missed: Missed = "skip"
    actor: str | None = None


class KeepSchedule(Command):
    """Have this schedule of a background task, whether it is there or not: what a plugin's periodic task says."""

    id: ScheduleId
    """Made from plugin and periodic task, so that a plugin reaches its own only."""
    name: ScheduleName
    plugin: Name
    action: Name
    params: JsonObject = Field(default_factory=dict)
    secret_params: tuple[Name, ...] = ()
    enabled: bool = True
    cron: Cron | None = None
    interval_s: Interval | None = None
    at: Moment | None = None
    timezone: TimeZone = "UTC"
    actor: str | None = None
    only_known: bool = False
    """Change it where it is there, and raise NotFound where it is not."""


class UpdateSchedule(Command):
    """Change a schedule; what is None stays. One of `cron`, `interval_s` and `at` replaces the others."""

    id: ScheduleId
    rev: Annotated[int, Field(ge=1)] | None = None
    """Only if it still has this `rev`."""
    name: ScheduleName | None = None
    plugin: Name | None = None
    action: Name | None = None
    params: JsonObject | None = None
    secret_params: tuple[Name, ...] | None = None
    enabled: bool | None = None
    cron: Cron | None = None
    interval_s: Interval | None = None
    at: Moment | None = None
    timezone: TimeZone | None = None
    overlap: Overlap | None = None
    missed: Missed | None = None
    actor: str | None = None

    @model_validator(mode="after")
    def _nothing_is_reset_unasked(self) -> "UpdateSchedule":
        # Whoever changes what is run says anew which of the params are passwords.
        if self.params is not None and self.secret_params is None:
            raise ValueError("params need secret_params")
        return self


class GetSchedule(Command):
    id: ScheduleId


class DeleteSchedule(Command):
    id: ScheduleId
    actor: str | None = None


class ListSchedules(Command):
    plugin: Name | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0, le=2**62)] = 0


class SchedulePage(Answer):
    schedules: tuple[StoredSchedule, ...]
    """By name."""
    total: int


class RunSchedule(Command):
    """Run what a schedule runs, now."""

    id: ScheduleId
    actor: str | None = None


class ScheduleStarted(Answer):
    run_id: RunId


class Tick(Answer):
    """What became of one tick, or of some that were missed in a row."""

    at: Timestamp
    """When it was due; of some in a row the first."""
    outcome: TickOutcome
    reason: str | None = None
    run_id: RunId | None = None
    count: int = 1
    """Ticks that this entry stands for."""


class ListTicks(Command):
    id: ScheduleId
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0, le=2**62)] = 0


class TickPage(Answer):
    ticks: tuple[Tick, ...]
    """The newest first."""
    total: int


class TickDue(Command):
    """What a timer on the bus says when it goes off. Its schedule decides whether it still counts."""

    schedule_id: ScheduleId
    rev: int
    due: Timestamp
