"""The processes below a process, for where no namespace ends them together."""

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def descendants(root: int) -> list[int]:
    """Process ids below this one, by `/proc`; none where there is no `/proc`."""
    below: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The command's name may hold blanks and brackets, so count from its end: state, parent, …
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            below[int(fields[1])].append(int(entry.name))
    found: list[int] = []
    open_ = [root]
    while open_:
        for child in below[open_.pop()]:
            found.append(child)
            open_.append(child)
    return found


def kill_all(pids: Iterable[int]) -> None:
    """Kill each of them that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
