"""Turns the text of an iCalendar file (RFC 5545) into the events of a window of time.

Events are plain dicts, ready to be stored: `title, start, end, all_day, location, description, uid`.
`start` and `end` are RFC 3339 in UTC; those of an all-day event are midnight UTC of its first day and of
the day after its last, whatever the time zone, since a day has none.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from . import rules

MAX_EVENTS = 5_000
EXPANSION_S = 20.0
MAX_TEXT = 2_000  # characters of a description
_DAY = timedelta(days=1)

# icalendar keeps the zones that files define by name, for ever and for everybody: two files with a
# "Customized Time Zone" each would share the first. So the memory is emptied, and one file read at a time.
_parsing = threading.Lock()


class CalendarError(Exception):
    """This is no calendar that can be read; the text says why, to a user."""


@dataclass
class Events:
    """What a calendar holds in a window, in order of time."""

    items: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # one sentence for each event that was left out
    truncated: bool = False


def read_events(body: bytes, start: datetime, end: datetime, default_zone: tzinfo) -> Events:
    """Return the events that overlap [start, end); `default_zone` is that of times which name none."""
    calendars = _parse(_decode(body))
    components = [part for calendar in calendars for part in calendar.subcomponents if part.name == "VEVENT"]
    if not components:
        raise CalendarError("The calendar is empty: it holds no events at all")
    zone = next(filter(None, map(_own_zone, calendars)), default_zone)
    events = Events()
    deadline = time.monotonic() + EXPANSION_S
    for series in _by_uid(components):
        if time.monotonic() > deadline:
            raise CalendarError("The calendar repeats so many events that it takes too long to work out")
        try:
            events.items.extend(_expand(series, start, end, zone))
        except Exception as error:  # noqa: BLE001 - a stranger's data: one bad event must not hide the others
            reason = str(error) if isinstance(error, rules.TooCostly) else "cannot be read"
            events.skipped.append(f"“{_text(series[0], 'SUMMARY') or 'An event without a title'}” {reason}")
    events.items.sort(key=lambda event: (event["start"], event["title"], event["uid"]))
    events.truncated = len(events.items) > MAX_EVENTS
    del events.items[MAX_EVENTS:]
    return events


def _decode(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", errors="replace")  # what old exporters of the West write
    text = text.strip().replace("\x00", "")
    if not text:
        raise CalendarError("The answer is empty: there is no calendar at this URL")
    if text.startswith("<"):
        raise CalendarError("The answer is a web page, not a calendar. Use the link that ends in .ics")
    if not text[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise CalendarError("The answer is not an iCalendar file: it does not begin with BEGIN:VCALENDAR")
    if "END:VCALENDAR" not in text[-200:].upper():
        raise CalendarError("The calendar is cut off: its end is missing. Try again")
    return text


def _parse(text: str) -> list[icalendar.Calendar]:
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    try:
        rules.check_time_zones(unfolded)
        with _parsing:
            icalendar.use_zoneinfo()
            # As bytes: text without a line break would be taken for the name of a file.
            return icalendar.Calendar.from_ical(text.encode(), multiple=True)
    except rules.TooCostly as error:
        raise CalendarError(f"The calendar {error}") from None
    except Exception as error:
        detail = " ".join(str(error).split())[:120]
        raise CalendarError(f"The calendar is damaged and cannot be read: {detail}") from error


def _own_zone(calendar: icalendar.Calendar) -> tzinfo | None:
    """Return the zone that the calendar names for all of itself, as Google and Apple do."""
    try:
        return ZoneInfo(_text(calendar, "X-WR-TIMEZONE"))
    except (ValueError, OSError, KeyError):  # unknown, no name at all, or the name of a folder
        return None


def _by_uid(components: list[Any]) -> list[list[Any]]:
    """Group the events that belong together: a series and its moved or cancelled instances."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for number, component in enumerate(components):
        groups[_text(component, "UID") or number].append(component)
    return list(groups.values())


def _expand(series: list[Any], start: datetime, end: datetime, zone: tzinfo) -> list[dict[str, Any]]:
    rules.check_series(series, (start, end))
    calendar = icalendar.Calendar()
    for component in series:
        calendar.add_component(component)
    # A day wider than asked, since times without a zone are compared as if they were UTC.
    occurrences = recurring_ical_events.of(calendar).between(start - _DAY, end + _DAY)
    events = []
    for occurrence in occurrences:
        if _text(occurrence, "STATUS").upper() == "CANCELLED":
            continue
        first, last = occurrence["DTSTART"].dt, occurrence["DTEND"].dt
        begins, ends = _to_utc(first, zone), _to_utc(last, zone)
        if begins < end and (ends > start or begins >= start):
            events.append(_event(occurrence, begins, ends, all_day=not isinstance(first, datetime)))
    return events


def _event(component: Any, begins: datetime, ends: datetime, *, all_day: bool) -> dict[str, Any]:
    return {
        "title": " ".join(_text(component, "SUMMARY").split()) or "(no title)",
        "start": rfc3339(begins),
        "end": rfc3339(ends),
        "all_day": all_day,
        "location": " ".join(_text(component, "LOCATION").split()),
        "description": _text(component, "DESCRIPTION").strip()[:MAX_TEXT],
        "uid": _text(component, "UID"),
    }


def rfc3339(moment: datetime) -> str:
    """Write a moment as it is stored: `2026-08-15T14:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _to_utc(moment: date, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _text(component: Any, name: str) -> str:
    """Return a property as text: the first, where the file has several; empty, where none."""
    value = component.get(name, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value)
