"""Expected failures: each a class with a code and a retry flag.

    PlugarrError
    ├── Invalid              invalid              bad input; `path` says where
    ├── NotFound             not_found
    ├── Conflict             conflict             it exists, or changed meanwhile
    ├── TooLarge             too_large
    ├── Unauthenticated      unauthenticated
    ├── PermissionDenied     permission_denied
    ├── PluginDisabled       plugin_disabled
    ├── RateLimited          rate_limited         retry
    ├── Unavailable          unavailable          retry: nobody there to answer, or a full bus
    ├── TimedOut             timed_out            retry: an answer did not come in time; it may have been done
    ├── RunFailed            run_failed           a plugin's run ended otherwise than `succeeded`
    └── Internal             internal             a fault of ours

The code → HTTP status table stands in the gateway.
"""

from typing import ClassVar


class PlugarrError(Exception):
    """An expected failure that crosses service borders."""

    code: ClassVar[str] = "internal"
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class Invalid(PlugarrError):
    code = "invalid"


class NotFound(PlugarrError):
    code = "not_found"


class Conflict(PlugarrError):
    code = "conflict"


class TooLarge(PlugarrError):
    code = "too_large"


class Unauthenticated(PlugarrError):
    code = "unauthenticated"


class PermissionDenied(PlugarrError):
    code = "permission_denied"


class PluginDisabled(PlugarrError):
    code = "plugin_disabled"


class RateLimited(PlugarrError):
    code = "rate_limited"
    retry = True


class Unavailable(PlugarrError):
    code = "unavailable"
    retry = True


class TimedOut(PlugarrError):
    code = "timed_out"
    retry = True


class RunFailed(PlugarrError):
    code = "run_failed"


class Internal(PlugarrError):
    code = "internal"


_BY_CODE = {
    kind.code: kind
    for kind in (
        Invalid,
        NotFound,
        Conflict,
        TooLarge,
        Unauthenticated,
        PermissionDenied,
        PluginDisabled,
        RateLimited,
        Unavailable,
        TimedOut,
        RunFailed,
        Internal,
    )
}


def error_of(code: str, message: str, path: str | None = None) -> PlugarrError:
    """The exception that a reply's error stands for; an unknown code is an `Internal`."""
    return _BY_CODE.get(code, Internal)(message, path=path)
