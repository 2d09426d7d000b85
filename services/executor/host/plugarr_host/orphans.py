"""Ends every process that descends from this one, detached ones too."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 2.0


def children() -> Iterator[int]:
    """Process ids of this process's children; with a subreaper's rights, also of adopted ones.

    `/proc/<pid>/task/<tid>/children` depends on a kernel option, `/proc/<pid>/stat` is always there.
    """
    me = str(os.getpid()).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            # The command's name may hold blanks and brackets, so count from its end: state, parent, …
            if (entry / "stat").read_bytes().rpartition(b")")[2].split()[1] == me:
                yield int(entry.name)


def kill_children(spare: frozenset[int] = frozenset()) -> None:
    """Kill children until none is left but those to spare; grandchildren become children as parents die."""
    deadline = time.monotonic() + _PATIENCE_S
    while victims := [pid for pid in children() if pid not in spare]:
        for pid in victims:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in victims:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        if time.monotonic() > deadline:
            return


def kill_group(leader: int) -> None:
    """Kill what is in the process group that a host leads or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_host(pid: int) -> None:
    """Kill a host that was not reaped yet, with its group; it may not have come to leading one."""
    kill_group(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
