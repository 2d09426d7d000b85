"""Settings, stream profiles and what the host application reports; Django is made ready where it is not yet."""

from plugarr_host.django_ready import ready

ready()

from core.tables import (  # noqa: E402 - only once Django is ready
    CoreSettings,
    StreamProfile,
    SystemEvent,
    SystemNotification,
    UserAgent,
)

__all__ = ["CoreSettings", "StreamProfile", "SystemEvent", "SystemNotification", "UserAgent"]
