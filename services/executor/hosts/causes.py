"""Why a process ended, in words."""

import signal


def cause_of(status: int | None, error: str | None = None) -> str:
    """The end of a host, from its exit code or, negative, its signal."""
    if status is None:
        return f"plugin process did not start ({error or 'unknown'})"
    if status >= 0:
        return f"plugin process ended with exit code {status}"
    try:
        name = f" ({signal.Signals(-status).name})"
    except ValueError:
        name = ""
    return f"plugin process ended by signal {-status}{name}"
