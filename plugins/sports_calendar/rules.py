"""Refuses recurrence rules that would never be worked out.

A calendar comes from a stranger, and one line of it (`RRULE:FREQ=SECONDLY`) can keep a processor busy
for years. What a rule costs is estimated before anybody expands it.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

MAX_STEPS = (
    200_000  # instants between the first and the end of the window: daily since 1500, hourly for 22 years
)
MAX_IN_WINDOW = 5_000
MAX_RULES = 2  # the standard says that there should be one
MAX_CHANGES = 2_000  # moved or cancelled instances of one series
MAX_VALUES = 400  # in one BY… list; the longest that makes sense names the days of a year
MAX_SHIFT = timedelta(days=366)  # by which "this and all following" may move a series
MAX_OBSERVANCES = 1_000  # summer and winter times in one file

_ZONE_RULE = re.compile(
    r"(?:(?:FREQ=YEARLY|BYMONTH=\d+|BYDAY=[-+\d]*[A-Z]{2}|BYMONTHDAY=[-,\d]+|WKST=[A-Z]{2}"
    r"|UNTIL=\w+|COUNT=\d{1,4}|INTERVAL=[1-9]\d{0,2})(?:;|$))+",
    re.IGNORECASE,
)
_PER_DAY = {"SECONDLY": 86_400, "MINUTELY": 1_440, "HOURLY": 24}


class TooCostly(Exception):
    """These rules are refused; the text says why."""


def check_series(components: list[Any], window: tuple[datetime, datetime]) -> None:
    """Raise `TooCostly` if the events of one UID would take too long to expand."""
    if len(components) > MAX_CHANGES:
        raise TooCostly(f"has more than {MAX_CHANGES} changed instances")
    for component in components:
        rules = _as_list(component.get("RRULE"))
        if len(rules) > MAX_RULES:
            raise TooCostly(f"has more than {MAX_RULES} recurrence rules")
        for rule in rules:
            _check_rule(rule, component["DTSTART"].dt, window)
        _check_shift(component)


def check_time_zones(text: str) -> None:
    """Raise `TooCostly` for time zones that change other than once a year; `text` is unfolded.

    To be called before parsing, since parsing already follows these rules.
    """
    inside, observances = False, 0
    for line in text.splitlines():
        content = line.strip().upper()
        if content in ("BEGIN:VTIMEZONE", "END:VTIMEZONE"):
            inside = content.startswith("BEGIN")
        elif inside and content.startswith("BEGIN:"):
            observances += 1
        elif inside and content.startswith("RRULE"):
            rule = content.partition(":")[2]
            if "FREQ=YEARLY" not in rule or not _ZONE_RULE.fullmatch(rule):
                raise TooCostly("defines a time zone that changes more often than once a year")
    if observances > MAX_OBSERVANCES:
        raise TooCostly(f"defines more than {MAX_OBSERVANCES} changes of time zones")


def _check_rule(rule: Any, start: date, window: tuple[datetime, datetime]) -> None:
    frequency = str(_first(rule, "FREQ", "")).upper()
    interval = int(_first(rule, "INTERVAL", 1))
    if interval < 1:  # dateutil would stand still
        raise TooCostly("repeats after no time at all")
    if any(len(values) > MAX_VALUES for values in rule.values() if isinstance(values, list)):
        raise TooCostly("has a recurrence rule without end")
    per_day = _PER_DAY.get(frequency, 1)
    if frequency in _PER_DAY:
        per_day = max(1, per_day // interval)
    for smaller, counts in (
        ("BYHOUR", frequency not in _PER_DAY),
        ("BYMINUTE", frequency not in ("MINUTELY", "SECONDLY")),
        ("BYSECOND", frequency != "SECONDLY"),
    ):
        per_day *= len(set(rule.get(smaller, ()))) or 1 if counts else 1
    if 0 < int(_first(rule, "COUNT", 0)) <= MAX_IN_WINDOW:
        return
    first, last = _day(start), _day(window[1])
    if "UNTIL" in rule:
        last = min(last, _day(_first(rule, "UNTIL", None)))
    total = (last - first).days + 1
    visible = (last - max(first, _day(window[0]))).days + 1
    if total * per_day > MAX_STEPS or visible * per_day > MAX_IN_WINDOW:
        raise TooCostly("repeats too often")


def _check_shift(component: Any) -> None:
    """A series that is moved far makes the library look at everything in between."""
    instance = component.get("RECURRENCE-ID")
    if instance is None or "RANGE" not in instance.params:
        return
    if abs(_day(instance.dt) - _day(component["DTSTART"].dt)) > MAX_SHIFT:
        raise TooCostly("is moved by more than a year")


def _first(rule: Any, key: str, default: Any) -> Any:
    values = _as_list(rule.get(key))
    return values[0] if values else default


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
