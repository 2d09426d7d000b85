"""Reads and writes the two collections: `calendars` and their `events`."""

import threading
from typing import Any

from apps.plugins.models import PluginData

KEY = "sports_calendar"
CALENDARS = "calendars"
EVENTS = "events"

NEW_CALENDAR = {
    "name": "(no name)",
    "url": "",
    "status": "new",
    "message": "Not synced yet",
    "last_synced": None,
    "event_count": 0,
    "etag": "",
    "last_modified": "",
    "window": "",
}

# Actions run in threads side by side, and replacing events is: read, change, write.
_events_lock = threading.Lock()


def calendars() -> list[dict[str, Any]]:
    """Return the calendars, complete: one that came over the REST API may have a name and a URL only."""
    return [NEW_CALENDAR | calendar for calendar in PluginData.objects.get_collection_data(KEY, CALENDARS)]


def find_calendar(params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the calendar that `_id` in an action's params names, as row actions and curl send it."""
    wanted = str(params.get("_id", "")).strip()
    return next((calendar for calendar in calendars() if str(calendar["_id"]) == wanted), None)


def add_calendar(name: str, url: str) -> int:
    calendar = NEW_CALENDAR | {"name": name, "url": url}
    return PluginData.objects.add_to_collection(KEY, CALENDARS, calendar).id


def update_calendar(calendar: dict[str, Any], **changes: Any) -> bool:
    """Change some fields of a calendar; False if it is not there any more."""
    data = {name: value for name, value in (calendar | changes).items() if name != "_id"}
    return PluginData.objects.update_in_collection(KEY, CALENDARS, calendar["_id"], data) is not None


def remove_calendar(calendar: dict[str, Any]) -> int:
    """Remove a calendar with its events; return how many those were."""
    PluginData.objects.remove_from_collection(KEY, CALENDARS, calendar["_id"])
    return replace_events(calendar["_id"], [])


def count_events(calendar_id: int) -> int:
    events = PluginData.objects.get_collection_data(KEY, EVENTS)
    return sum(event.get("calendar_id") == calendar_id for event in events)


def replace_events(calendar_id: int, events: list[dict[str, Any]]) -> int:
    """Put `events` in place of those of one calendar, at once; return how many those were.

    An event that was there before keeps its `_id`. Nothing is written where nothing changed, so that
    open pages are not told to look again.
    """
    with _events_lock:
        stored = PluginData.objects.get_collection_data(KEY, EVENTS)
        before = [event for event in stored if event.get("calendar_id") == calendar_id]
        others = [event for event in stored if event.get("calendar_id") != calendar_id]
        ids = {_identity(event): event["_id"] for event in before}
        after = []
        for event in events:
            known = ids.pop(_identity(event), None)
            after.append(event if known is None else event | {"_id": known})
        if before != after:
            PluginData.objects.set_collection(KEY, EVENTS, others + after)
        return len(before)


def _identity(event: dict[str, Any]) -> tuple[Any, Any]:
    return event.get("uid"), event.get("start")
