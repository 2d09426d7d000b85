"""Limits that a host takes upon itself after the fork and before any of the plugin's code runs.

The mount and process namespaces are the launcher's (`services/executor/hosts/sandbox.py`). Whatever narrows
a single process further (Landlock, seccomp) belongs here, after the limits.
"""

import contextlib
import resource
from pathlib import Path
from typing import Final

_OPEN_FILES: Final = 4096
_OOM_SCORE: Final = "1000"


def _lower(kind: int, limit: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    # A platform may refuse a limit that it does not know (RLIMIT_AS on macOS).
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (limit, limit))


def confine(memory: int | None) -> None:
    """No core dumps, a sane number of open files, at most `memory` bytes of address space.

    Where the machine's memory ends, the kernel is to take it from plugins, and not from bus or database.
    """
    with contextlib.suppress(OSError):  # there is no such file on macOS
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if memory is not None:
        _lower(resource.RLIMIT_AS, memory)
