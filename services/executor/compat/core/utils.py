"""Small helpers of the host application that plugins call."""

import logging
from typing import Any

from plugarr_host.failures import PlatformError
from plugarr_host.platform import platform
from plugarr_host.values import Unserialisable

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
