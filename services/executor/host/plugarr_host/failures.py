"""Failures of the platform as the exceptions that a Python author expects.

PlatformError              code, message, path
├── PlatformDenied         also a PermissionError    permission_denied, plugin_disabled, unauthenticated
├── PlatformRefused        also a ValueError         invalid, too_large, conflict
├── PlatformMissing        also a LookupError        not_found
├── PlatformTimeout        also a TimeoutError       timed_out
└── PlatformUnavailable    also a ConnectionError    unavailable, rate_limited
"""

from typing import Final


class PlatformError(Exception):
    """The platform did not do what it was asked."""

    def __init__(self, message: str, code: str = "internal", path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = path

    def __str__(self) -> str:
        return self.message


class PlatformDenied(PlatformError, PermissionError):
    """This is not the plugin's to do."""


class PlatformRefused(PlatformError, ValueError):
    """What was given is not acceptable; `path` says where."""


class PlatformMissing(PlatformError, LookupError):
    """There is no such thing."""


class PlatformTimeout(PlatformError, TimeoutError):
    """No answer came in time; it may have been done all the same."""


class PlatformUnavailable(PlatformError, ConnectionError):
    """Nobody is there to answer; trying again later may help."""


_KINDS: Final[dict[str, type[PlatformError]]] = {
    "permission_denied": PlatformDenied,
    "plugin_disabled": PlatformDenied,
    "unauthenticated": PlatformDenied,
    "invalid": PlatformRefused,
    "too_large": PlatformRefused,
    "conflict": PlatformRefused,
    "not_found": PlatformMissing,
    "timed_out": PlatformTimeout,
    "unavailable": PlatformUnavailable,
    "rate_limited": PlatformUnavailable,
}


def failure_of(code: str, message: str, path: str | None = None) -> PlatformError:
    """The exception for an error's code; its text names the path where the message does not."""
    if path and path not in message:
        message = f"{message} (at {path})"
    return _KINDS.get(code, PlatformError)(message, code, path)
