"""Follows sports calendars: downloads them, works out their events and lists them on a page."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from . import store
from .fetch import FetchError, normalize_url
from .sync import sync

try:
    import plugarr
except ImportError:  # plain Dispatcharr: no progress to tell, no run to cancel
    plugarr = None

MAX_NAME = 200


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Plugin:
    name = "Sports Calendar"
    version = "2.0.0"
    description = "Follows sports calendars (ICS) and lists their events"

    fields = [
        {
            "id": "days_ahead",
            "label": "Days ahead",
            "type": "number",
            "default": 60,
            "min": 1,
            "max": 730,
            "help_text": "How far ahead events are listed",
        },
        {
            "id": "days_back",
            "label": "Days back",
            "type": "number",
            "default": 1,
            "min": 0,
            "max": 365,
            "help_text": "How long past events stay listed",
        },
        {
            "id": "time_zone",
            "label": "Time zone",
            "type": "string",
            "default": "UTC",
            "placeholder": "Europe/London",
            "help_text": "The time zone of calendars that name none",
        },
        {
            "id": "download_timeout",
            "label": "Download time limit (seconds)",
            "type": "number",
            "default": 30,
            "min": 1,
            "max": 300,
        },
    ]

    actions = [
        {"id": "sync_all", "label": "Sync All", "description": "Sync all calendars"},
    ]

    navigation = {"label": "Sports Calendar", "icon": "calendar", "position": "bottom"}

    pages = {
        "main": {
            "title": "Sports Calendar",
            "components": [
                {
                    "type": "tabs",
                    "items": [
                        {
                            "id": "calendars",
                            "label": "Calendars",
                            "icon": "calendar",
                            "components": [
                                {
                                    "type": "card",
                                    "title": "Add Calendar",
                                    "components": [
                                        {
                                            "type": "form",
                                            "id": "add_calendar_form",
                                            "fields": [
                                                {
                                                    "id": "name",
                                                    "label": "Calendar Name",
                                                    "type": "text",
                                                    "required": True,
                                                },
                                                {
                                                    "id": "url",
                                                    "label": "ICS URL",
                                                    "type": "url",
                                                    "required": True,
                                                },
                                            ],
                                            "submit_action": "add_calendar",
                                            "submit_label": "Add Calendar",
                                        }
                                    ],
                                },
                                {
                                    "type": "button",
                                    "label": "Sync All",
                                    "action": "sync_all",
                                    "variant": "light",
                                },
                                {
                                    "type": "table",
                                    "id": "calendars_table",
                                    "data_source": "calendars",
                                    "columns": [
                                        {"id": "name", "label": "Name", "sortable": True},
                                        {"id": "url", "label": "URL"},
                                        {"id": "last_synced", "label": "Last Synced", "render": "datetime"},
                                        {"id": "event_count", "label": "Events", "sortable": True},
                                        {"id": "message", "label": "Status"},
                                    ],
                                    "row_actions": [
                                        {
                                            "id": "sync",
                                            "label": "Sync",
                                            "icon": "refresh",
                                            "action": "sync_calendar",
                                        },
                                        {
                                            "id": "delete",
                                            "label": "Delete",
                                            "icon": "trash",
                                            "action": "delete_calendar",
                                            "color": "red",
                                            "confirm": True,
                                        },
                                    ],
                                },
                            ],
                        },
                        {
                            "id": "events",
                            "label": "Events",
                            "icon": "list",
                            "components": [
                                {
                                    "type": "table",
                                    "id": "events_table",
                                    "data_source": "events",
                                    "columns": [
                                        {"id": "title", "label": "Event", "sortable": True},
                                        {"id": "calendar", "label": "Calendar", "sortable": True},
                                        {
                                            "id": "start",
                                            "label": "Start Time",
                                            "render": "datetime",
                                            "sortable": True,
                                        },
                                        {"id": "location", "label": "Location"},
                                    ],
                                    "searchable": True,
                                    "pagination": True,
                                }
                            ],
                        },
                    ],
                }
            ],
        }
    }

    def __init__(self, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock  # the platform gives none; a test gives the day that its calendars are about

    def run(self, action: str, params: dict, context: dict) -> dict:
        if action == "add_calendar":
            return self._add_calendar(params, context)
        if action == "sync_calendar":
            return self._sync_calendar(params, context)
        if action == "sync_all":
            return self._sync_all(context)
        if action == "delete_calendar":
            return self._delete_calendar(params, context)
        return {"status": "error", "message": f"Unknown action: {action}"}

    def _add_calendar(self, params: dict, context: dict) -> dict:
        name = " ".join(str(params.get("name") or "").split())
        if not name or len(name) > MAX_NAME:
            return _error(f"Enter a name for the calendar, of at most {MAX_NAME} characters")
        try:
            url = normalize_url(str(params.get("url") or ""))
        except FetchError as error:
            return _error(str(error))
        for calendar in store.calendars():
            if calendar["url"] == url:
                return _error(f"This URL is there already, as “{calendar['name']}”")
        calendar_id = store.add_calendar(name, url)
        context["logger"].info("Added calendar %s as %s", name, calendar_id)
        return {
            "status": "ok",
            "message": f"Added “{name}”. Sync it to load its events",
            "calendar_id": calendar_id,
        }

    def _sync_calendar(self, params: dict, context: dict) -> dict:
        calendar = store.find_calendar(params)
        if calendar is None:
            return _error("This calendar is not there any more")
        return sync(calendar, context["settings"], context["logger"], self._clock())

    def _sync_all(self, context: dict) -> dict:
        calendars = store.calendars()
        failures = []
        for done, calendar in enumerate(calendars):
            if plugarr and plugarr.cancelled():
                return _error(f"Cancelled after {done} of {len(calendars)} calendars")
            _progress(done, len(calendars), calendar["name"])
            result = sync(calendar, context["settings"], context["logger"], self._clock())
            if result["status"] != "ok":
                failures.append(result["message"])
        _progress(len(calendars), len(calendars), "Done")
        synced = len(calendars) - len(failures)
        counts = {"synced": synced, "failed": len(failures)}
        if failures:
            return _error(f"Synced {synced} of {len(calendars)} calendars. " + "; ".join(failures)) | counts
        message = f"Synced {synced} calendars" if calendars else "There are no calendars yet: add one first"
        return {"status": "ok", "message": message} | counts

    def _delete_calendar(self, params: dict, context: dict) -> dict:
        calendar = store.find_calendar(params)
        if calendar is None:
            return _error("This calendar is not there any more")
        removed = store.remove_calendar(calendar)
        context["logger"].info("Deleted calendar %s with %d events", calendar["name"], removed)
        return {
            "status": "ok",
            "message": f"Deleted “{calendar['name']}” and its {removed} events",
            "event_count": removed,
        }


def _progress(done: int, total: int, message: str) -> None:
    if plugarr:
        plugarr.progress(done, total, message)


def _error(message: str) -> dict[str, Any]:
    return {"status": "error", "message": message}
