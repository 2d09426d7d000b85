"""Small helpers of the host application that plugins call."""

import logging
from collections.abc import Mapping
from typing import Any

from plugarr_host.failures import PlatformError
from plugarr_host.platform import platform
from plugarr_host.values import Unserialisable, shaped

from core.redis_client import RedisClient

__all__ = [
    "RedisClient",
    "log_system_event",
    "send_notification_dismissed",
    "send_websocket_notification",
    "send_websocket_update",
]

logger = logging.getLogger(__name__)


def send_websocket_update(
    group_name: str,
    event_type: str,
    data: dict[str, Any],
    collect_garbage: bool = False,  # noqa: ARG001 - plugins pass it; there is nothing to collect here
) -> None:
    """Send `data` to every open page that follows the group. Never raises: a page is not worth a failed run."""
    try:
        platform.call("event.websocket", group=group_name, type=event_type, data=data)
    except (PlatformError, Unserialisable, OSError) as error:
        logger.warning("Sending a WebSocket update failed: %s", error)


def send_websocket_notification(notification: Any) -> None:
    """Show a `SystemNotification`, or a dict like one, on every open page."""
    names = ("id", "notification_key", "notification_type", "priority", "title", "message", "action_data")
    if isinstance(notification, Mapping):
        shown = dict(notification)
    else:
        shown = {name: getattr(notification, name, None) for name in names}
    data = {"type": "system_notification", "notification": shaped(shown, "notification", [])}
    send_websocket_update("updates", "update", data)


def send_notification_dismissed(notification_key: str) -> None:
    """Take a notification from every open page."""
    data = {"type": "notification_dismissed", "notification_key": notification_key}
    send_websocket_update("updates", "update", data)


def log_system_event(
    event_type: str, channel_id: Any = None, channel_name: str | None = None, **details: Any
) -> None:
    """Store what happened, and publish it: actions that name this event run. Never raises."""
    shown = shaped(details, "details", [])
    try:
        from django.db import transaction  # noqa: PLC0415

        from core.models import SystemEvent  # noqa: PLC0415 - Django, for those who log events

        # Of its own, so that what fails here does not break the transaction of whoever logs.
        with transaction.atomic():
            SystemEvent.objects.create(
                event_type=event_type, channel_id=channel_id, channel_name=channel_name, details=shown
            )
    except Exception as error:  # noqa: BLE001 - the border: databases raise many kinds, and an event is not worth a run
        logger.warning("Storing the event %s failed: %s", event_type, error)
    payload = {"channel_id": None if channel_id is None else str(channel_id), "channel_name": channel_name}
    try:
        platform.call("event.emit", event=event_type, payload={**payload, **shown})
    except (PlatformError, Unserialisable, OSError) as error:
        logger.warning("Publishing the event %s failed: %s", event_type, error)
