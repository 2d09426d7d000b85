"""What goes in and out over HTTP of schedules and events."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from services.gateway.schemas import In, Success
from shared.contracts.base import Name, RunId
from shared.contracts.schedules import (
    Cron,
    Interval,
    ListSchedules,
    Missed,
    Moment,
    Overlap,
    Schedule,
    ScheduleName,
    Tick,
    TimeZone,
)


class ScheduleList(Success):
    schedules: list[Schedule]
    total: int


class SchedulesQuery(ListSchedules):
    """Which schedules, and how many of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ScheduleBody(In):
    name: ScheduleName
    plugin: Name
    action: Name
    params: dict[str, JsonValue] | None = None
    enabled: bool = True
    cron: Cron | None = Field(default=None, description="Five fields: minute hour day month weekday.")
    interval_s: Interval | None = None
    at: Moment | None = Field(default=None, description="RFC 3339; without an offset in `timezone`.")
    timezone: TimeZone = "UTC"
    overlap: Overlap = Field(default="skip", description="While the schedule's last run has not ended.")
    missed: Missed = Field(default="skip", description="Ticks for which nobody was there.")


class SchedulePatch(In):
    name: ScheduleName | None = None
    plugin: Name | None = None
    action: Name | None = None
    params: dict[str, JsonValue] | None = None
    enabled: bool | None = None
    cron: Cron | None = None
    interval_s: Interval | None = None
    at: Moment | None = None
    timezone: TimeZone | None = None
    overlap: Overlap | None = None
    missed: Missed | None = None
    rev: Annotated[int, Field(ge=1)] | None = Field(default=None, description="409 if it has another one.")


class ScheduleRun(Success):
    run_id: RunId


class TickList(Success):
    ticks: list[Tick]
    total: int


class EventBody(In):
    event: Name
    payload: dict[str, JsonValue] | None = Field(default=None, description="At most 256 KiB of JSON.")


class EventAccepted(Success):
    event_id: str
    runs: list[RunId] = Field(description="Ids of the runs that start now.")
