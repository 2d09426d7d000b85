"""A child process with a log, that ends when its parent ends."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
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


def start_ready(
    launch: "Callable[[], subprocess.Popen[bytes]]", prepare: "Callable[[subprocess.Popen[bytes]], None]"
) -> "subprocess.Popen[bytes]":
    """Start a child and make it ready; it is ended where that fails."""
    process = launch()
    try:
        prepare(process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


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


def command_line(pid: int) -> str:
    """The command line of a process. Raises OSError where there is no such process."""
    os.kill(pid, 0)
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.exists():
        return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    command = ["ps", "-o", "command=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - POSIX's ps and a number
    return done.stdout


def bound_log(log: Path, *, at_most: int = 16 * 1024 * 1024) -> None:
    """Begin a log anew once it is larger than `at_most` bytes; the part before stays in `<log>.1`.

    The process goes on writing: it has opened the file to append.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > at_most:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


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
