"""When a schedule is due: cron in a time zone, an interval, or one time. No clock is read here.

The times that people see are the ones that the bus is given, so both follow cronsim, which keeps Debian's
rules for days with 23 and 25 hours: a nightly job runs once on each of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from shared import errors

COUNTED: Final = 5000
"""Occurrences that are counted one by one; of more it is only known that they are that many."""
_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = 5
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Passed:
    """Occurrences from one moment to another."""

    count: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """Exactly one of `cron`, `interval_s` and `at`, looked at before."""

    cron: str | None
    interval_s: float | None
    at: datetime | None
    zone: ZoneInfo

    @classmethod
    def of(cls, *, cron: str | None, interval_s: float | None, at: str | None, timezone: str) -> "Timing":
        """Raises Invalid, with the path and what to do, where they make no schedule."""
        given = [
            name
            for name, value in (("cron", cron), ("interval_s", interval_s), ("at", at))
            if value is not None
        ]
        if len(given) != 1:
            said = f"not {' and '.join(given)} together" if given else "none is given"
            raise errors.Invalid(
                f"give exactly one of cron, interval_s and at: {said}", path=(given or ["cron"])[0]
            )
        zone = _zone(timezone)
        if cron is not None:
            _check_cron(cron, zone)
        return cls(cron, interval_s, None if at is None else _moment(at, zone), zone)

    def first(self, now: datetime) -> datetime | None:
        """When it is due first, if it begins now; None where its one time has passed."""
        if self.interval_s is not None:
            return now + timedelta(seconds=self.interval_s)
        if self.at is not None:
            return self.at if self.at > now else None
        return self._next(now)

    def after(self, due: datetime) -> datetime | None:
        """When it is due after an occurrence, however late that is dealt with; None for never again."""
        if self.at is not None:
            return None
        if self.interval_s is not None:
            return due + timedelta(seconds=self.interval_s)
        return self._next(due)

    def passed(self, due: datetime, now: datetime) -> Passed:
        """The occurrences from `due`, which is one, to now."""
        if now <= due or self.at is not None:
            return Passed(1, due)
        if self.interval_s is not None:
            steps = (now - due).total_seconds() // self.interval_s
            return Passed(int(steps) + 1, due + timedelta(seconds=steps * self.interval_s))
        count, latest = 1, due
        while count < COUNTED:
            following = self._next(latest)
            if following is None or following > now:
                return Passed(count, latest)
            count, latest = count + 1, following
        return Passed(count, self._latest(now))

    def _next(self, after: datetime) -> datetime | None:
        assert self.cron is not None
        try:
            found: datetime = next(CronSim(_plain(self.cron), after.astimezone(self.zone)))
        except StopIteration:
            return None
        return found.astimezone(UTC)

    def _latest(self, now: datetime) -> datetime:
        assert self.cron is not None
        # The reverse looks strictly before.
        start = now.astimezone(self.zone) + timedelta(seconds=1)
        found: datetime = next(CronSim(_plain(self.cron), start, reverse=True))
        return found.astimezone(UTC)


def _plain(cron: str) -> str:
    return _NICKNAMES.get(cron.lower(), cron.upper())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise errors.Invalid(
            f"no time zone {name!r}: give a name like Europe/Berlin, or UTC", path="timezone"
        ) from error


def _check_cron(cron: str, zone: ZoneInfo) -> None:
    fields = len(_plain(cron).split())
    if fields != _FIELDS:
        raise errors.Invalid(
            f"{cron!r} has {fields} fields and not five: minute hour day month weekday, e.g. 30 3 * * *",
            path="cron",
        )
    try:
        next(CronSim(_plain(cron), _EARLIEST.astimezone(zone)))
    except CronSimError as error:
        fault = str(error).removeprefix("Bad ")
        raise errors.Invalid(
            f"{cron!r}: the field {fault!r} cannot be read; fields are numbers, *, lists, ranges and steps",
            path="cron",
        ) from error
    except StopIteration as error:
        raise errors.Invalid(f"{cron!r} never comes about", path="cron") from error


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.Invalid(f"{text!r} is no time: give one like 2030-12-31T23:59:00Z", path="at") from error
