"""A plugin's log on its way to the bus: bounded, so that a flood harms only who makes it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, cast

from services.executor.hosts.messages import MAX_LINE, LogLine
from services.executor.ports import Upcalls

LINES_PER_S: Final = 800
BURST: Final = 8000
"""Twice what a host's own limiter lets through: only one that goes round it gets here."""
PIPE_BYTES_PER_S: Final = 2 * 1024 * 1024
_PAUSE_S: Final = 0.1


class Allowance:
    """So much a second, and so much at once."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = burst
        self._at = clock()

    def take(self, amount: float = 1.0) -> bool:
        """Whether this much is left; it may be overdrawn once and is then paid back by time."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left <= 0:
            return False
        self._left -= amount
        return True


class LogIntake:
    """Hands lines on by run, as many as the allowance lets through, and says how many it did not."""

    def __init__(self, key: str, upcalls: Upcalls) -> None:
        self._key = key
        self._upcalls = upcalls
        self._allowance = Allowance(LINES_PER_S, BURST)
        self._dropped = 0

    def take(self, lines: Sequence[LogLine]) -> bool:
        """Hand on what may pass; False when some may not."""
        passed = [line for line in lines if self._allowance.take()]
        dropped = len(lines) - len(passed)
        if passed and self._dropped:
            mark = f"[{self._dropped:,} lines left out: the log takes {LINES_PER_S} lines a second]"
            passed.insert(0, LogLine(passed[0].run_id, line_of("warning", mark)))
            self._dropped = 0
        self._dropped += dropped
        for run_id, group in groupby(passed, key=lambda line: line.run_id):
            self._upcalls.log(self._key, run_id, [line.line for line in group])
        return dropped == 0

    def say(self, level: str, message: str) -> None:
        """A line of the executor's own in the plugin's log."""
        self._upcalls.log(self._key, None, [line_of(level, message)])


def line_of(level: str, message: str) -> Mapping[str, Any]:
    """A line of this moment."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": now, "level": level, "message": message}


class PipeLog(asyncio.Protocol):
    """What a plugin's processes write to descriptors 1 and 2 below Python: lines of the plugin's log."""

    def __init__(self, intake: LogIntake) -> None:
        self._intake = intake
        self._transport: asyncio.ReadTransport | None = None
        self._allowance = Allowance(PIPE_BYTES_PER_S, PIPE_BYTES_PER_S)
        self._rest = b""
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def close(self, patience_s: float) -> None:
        """Take what is still in the pipe; a process that keeps it open for longer is not listened to."""
        await asyncio.wait([self._closed], timeout=patience_s)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.ReadTransport", transport)  # uvloop's own kind is no subclass

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > MAX_LINE:
            lines.append(rest)
            rest = b""
        self._rest = rest
        self._give(lines)
        if not self._allowance.take(len(data)):
            self._pause()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._give([self._rest])
        if not self._closed.done():
            self._closed.set_result(None)

    def _give(self, lines: Sequence[bytes]) -> None:
        texts = [line.decode(errors="replace")[:MAX_LINE] for line in lines if line]
        self._intake.take([LogLine(None, line_of("info", text)) for text in texts])

    def _pause(self) -> None:
        """Let the pipe fill: whoever floods it waits, and nobody else."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(_PAUSE_S, self._resume)

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
