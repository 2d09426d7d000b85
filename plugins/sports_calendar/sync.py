"""Brings the stored events of one calendar up to date."""

import logging
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from . import store
from .fetch import FetchError, fetch
from .ics import CalendarError, Events, read_events, rfc3339


def sync(
    calendar: dict[str, Any], settings: dict[str, Any], logger: logging.Logger, now: datetime
) -> dict[str, Any]:
    """Bring one calendar's events up to date as of `now`; where that fails, those from before stay."""
    logger.info("Syncing %s", calendar["name"])
    try:
        changes = _load(calendar, settings, logger, now)
    except (FetchError, CalendarError) as error:
        logger.warning("%s: %s", calendar["name"], error)
        store.update_calendar(calendar, status="error", message=str(error))
        return {"status": "error", "message": f"{calendar['name']}: {error}"}
    if not store.update_calendar(calendar, status="ok", last_synced=rfc3339(now), **changes):
        store.replace_events(calendar["_id"], [])  # deleted while we were downloading
        return {"status": "error", "message": f"{calendar['name']} was deleted meanwhile"}
    logger.info("%s: %s", calendar["name"], changes["message"])
    count = changes["event_count"]
    return {"status": "ok", "message": f"{calendar['name']}: {changes['message']}", "event_count": count}


def _load(
    calendar: dict[str, Any], settings: dict[str, Any], logger: logging.Logger, now: datetime
) -> dict[str, Any]:
    """Download, read and store; return what changes in the calendar's own record."""
    calendar_id, zone = calendar["_id"], _zone(settings)
    start, end = _window(settings, now)
    window = f"{rfc3339(start)}/{rfc3339(end)} {zone}"
    # "Not modified" helps only where the same window was worked out before, and is still there.
    current = calendar["window"] == window and calendar["event_count"] == store.count_events(calendar_id)
    answer = fetch(
        calendar["url"],
        etag=calendar["etag"] if current else "",
        last_modified=calendar["last_modified"] if current else "",
        deadline_s=_number(settings, "download_timeout", 30, 1, 300),
    )
    if answer.body is None:
        return {
            "event_count": calendar["event_count"],
            "message": f"{calendar['event_count']} events, unchanged",
        }
    events = read_events(answer.body, start, end, zone)
    for reason in events.skipped:
        logger.warning("%s: %s", calendar["name"], reason)
    owner = {"calendar": calendar["name"], "calendar_id": calendar_id}
    store.replace_events(calendar_id, [event | owner for event in events.items])
    return {
        "event_count": len(events.items),
        "message": _summary(events),
        "etag": answer.etag,
        "last_modified": answer.last_modified,
        "window": window,
    }


def _summary(events: Events) -> str:
    text = f"{len(events.items)} events"
    if events.truncated:
        text += ", more were left out: the list is full"
    if events.skipped:
        text += f", {len(events.skipped)} left out: {events.skipped[0]}"
    return text


def _window(settings: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Whole days, so that it stays the same from morning to evening."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    back = timedelta(days=_number(settings, "days_back", 1, 0, 365))
    ahead = timedelta(days=_number(settings, "days_ahead", 60, 1, 730))
    return today - back, today + ahead + timedelta(days=1)


def _zone(settings: dict[str, Any]) -> tzinfo:
    name = str(settings.get("time_zone") or "UTC").strip()
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise CalendarError(
            f"The setting “Time zone” is “{name}”: it should look like Europe/London"
        ) from None


def _number(settings: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """Settings may be older than the fields that describe them: take what makes sense."""
    try:
        return min(max(int(float(settings[name])), low), high)
    except (KeyError, TypeError, ValueError, OverflowError):
        return default
