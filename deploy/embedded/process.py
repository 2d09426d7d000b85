"""A child process with a log, that ends when its parent ends."""

import contextlib
import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

_PR_SET_PDEATHSIG: Final = 1


class Failed(Exception):
    """A server did not come up."""


def start(
    command: Sequence[str | Path], *, log: Path | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a child in a process group of its own; on Linux it is killed when this process dies."""
    out: IO[Any] | int = log.open("ab") if log else subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - our own command lines
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            process_group=0,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - it only calls prctl
        )
    finally:
        if not isinstance(out, int):
            out.close()


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(process: "subprocess.Popen[bytes]", *, grace_s: float = 5.0) -> None:
    """SIGTERM, and SIGKILL after the grace time."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    if process.poll() is None:
        process.kill()
        process.wait(5)


def wait_for_port(
    process: "subprocess.Popen[bytes]", host: str, port: int, log: Path, timeout_s: float
) -> None:
    """Wait until a child accepts connections. Raises Failed with the end of its log."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"{Path(str(process.args[0])).name} ended with {process.returncode}: {tail(log)}")  # type: ignore[index]
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=0.2):
            return
        time.sleep(0.02)
    raise Failed(f"nothing answers on {host}:{port} after {timeout_s:g} s: {tail(log)}")


def tail(log: Path, size: int = 1200) -> str:
    """The end of a log file."""
    try:
        return log.read_bytes()[-size:].decode(errors="replace")
    except OSError:
        return "(no log)"


def free_port() -> int:
    """A port that is free just now on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
