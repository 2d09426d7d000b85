"""Logs and progress on their way to the bus: gathered, bounded, and never in a run's way."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from services.executor.metrics import Metrics
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import Event, JsonObject, now
from shared.contracts.contract import StoredEvent
from shared.contracts.runs import Progress, RunLogged, RunProgressed
from shared.contracts.streams import STREAMS
from shared.logging import get_logger
from shared.tasks import ended

EVERY_S: Final = 0.1
SLOWLY_S: Final = 2.0
_QUICK: Final = 500
"""Messages of one run's log that are sent at once; every so many more, the wait between them doubles."""
BATCH_BYTES: Final = 64 * 1024
RUN_BYTES: Final = 1024 * 1024
"""What one run may log in all; a plugin outside runs: per minute."""
PROGRESS_EVERY_S: Final = 0.2
MOST_MESSAGES: Final = (
    next(stream.max_msgs_per_subject for stream in STREAMS if stream.name == c.RUN_LOG) - 100
)
"""Of one run's log: the stream keeps no more of them, and would drop the first. The rest is for last words."""
_OVERHEAD: Final = 80
_REMEMBERED: Final = 4096

E = TypeVar("E", bound=Event)

log = get_logger(__name__)


class Sender(Protocol):
    """The bus, as far as the outbox needs it."""

    async def tell(self, contract: StoredEvent[E], message: E, /, *, type: str, **names: str) -> None:  # noqa: A002 - the envelope's word
        """Publish without waiting until it is stored. Raises PlugarrError."""


@dataclass(slots=True)
class _Log:
    plugin: str
    run_id: str | None
    lines: list[JsonObject] = field(default_factory=list)
    size: int = 0
    spent: int = 0
    since: float = 0.0
    sent: int = 0
    """Messages."""
    told: int = 0
    """Lines."""
    sent_at: float = float("-inf")
    cut: bool = False
    dropped: int = 0


@dataclass(slots=True)
class _Progress:
    event: RunProgressed
    sent_at: float = float("-inf")
    fresh: bool = True


class Outbox:
    """Sends what plugins log and how far their runs are.

    A run that writes a line now and then for hours would fill its part of the stream with small messages, and
    lose its first lines: so the longer it goes on, the more of its lines travel together.
    """

    def __init__(self, bus: Sender, metrics: Metrics) -> None:
        self._bus = bus
        self._metrics = metrics
        self._logs: OrderedDict[str, _Log] = OrderedDict()
        self._progress: OrderedDict[str, _Progress] = OrderedDict()
        self._something = asyncio.Event()
        self._much = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._send_for_ever(), name="outbox")

    async def close(self) -> None:
        """Send what is left."""
        await ended(self._task)
        await self._send_all(time.monotonic(), last=True)

    def log(self, plugin: str, run_id: str | None, lines: Sequence[JsonObject]) -> None:
        """Take lines; what is over a log's bounds is left out and counted. Never blocks."""
        held = self._log_of(plugin, run_id)
        for line in lines:
            size = len(str(line.get("message", ""))) + _OVERHEAD
            if held.spent + size > RUN_BYTES or held.sent >= MOST_MESSAGES:
                held.dropped += 1
                self._metrics.dropped(1)
                continue
            held.spent += size
            held.size += size
            held.lines.append(line)
        self._something.set()
        if held.size >= BATCH_BYTES:
            self._much.set()

    def progress(self, event: RunProgressed) -> None:
        """Take a run's progress; of several in a short time the last one is sent. Never blocks."""
        known = self._progress.get(event.run_id)
        if known is None:
            self._progress[event.run_id] = _Progress(event)
            if len(self._progress) > _REMEMBERED:
                self._progress.popitem(last=False)
        else:
            known.event = event
            known.fresh = True
        self._something.set()

    async def flush(self, run_id: str) -> Progress | None:
        """Send what a run has logged and where it got to, and return that; called when it ends."""
        held = self._logs.get(run_id)
        if held is not None:
            await self._send_log(held, last=True)
        progress = self._progress.pop(run_id, None)
        if progress is None:
            return None
        if progress.fresh:
            await self._send_progress(progress)
        said = progress.event
        return Progress(done=said.done, total=said.total, message=said.message)

    def _log_of(self, plugin: str, run_id: str | None) -> _Log:
        name = run_id or f"plugin {plugin}"
        held = self._logs.get(name)
        if held is None:
            # A run's log is remembered past its end: threads that it left behind share its bounds.
            held = self._logs[name] = _Log(plugin, run_id, since=time.monotonic())
            if len(self._logs) > _REMEMBERED:
                self._logs.popitem(last=False)
        if run_id is None and time.monotonic() - held.since > 60:
            held.since, held.spent, held.cut = time.monotonic(), 0, False
        return held

    async def _send_for_ever(self) -> None:
        while True:
            await self._something.wait()
            # Not `wait_for`, which in Python 3.11 may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._much.wait()
            self._something.clear()
            self._much.clear()
            await self._send_all(time.monotonic())

    async def _send_all(self, at: float, *, last: bool = False) -> None:
        for held in list(self._logs.values()):
            if not held.lines and (held.cut or not held.dropped):
                continue
            if last or held.size >= BATCH_BYTES or at - held.sent_at >= _pause_of(held):
                held.sent_at = at
                await self._send_log(held, last=last)
            else:
                self._something.set()
        for progress in list(self._progress.values()):
            if not progress.fresh:
                continue
            if last or at - progress.sent_at >= PROGRESS_EVERY_S:
                progress.sent_at = at
                progress.fresh = False
                await self._send_progress(progress)
            else:
                self._something.set()

    async def _send_log(self, held: _Log, *, last: bool) -> None:
        lines, held.lines, held.size = held.lines, [], 0
        if held.dropped and not held.cut:
            held.cut = True
            lines.append(_mark("the log is cut here: it has reached its limit"))
        if held.dropped and last and held.run_id is not None:
            lines.append(_mark(f"{held.dropped:,} lines were left out"))
            held.dropped = 0
        while lines:
            part, lines = _part(lines)
            event = RunLogged.model_construct(
                plugin=held.plugin, run_id=held.run_id, lines=tuple(part), before=held.told
            )
            held.sent += 1
            held.told += len(part)
            try:
                if held.run_id is None:
                    await self._bus.tell(c.PLUGIN_LOGGED, event, type="plugin.logged", plugin=held.plugin)
                else:
                    await self._bus.tell(c.RUN_LOGGED, event, type="run.logged", run_id=held.run_id)
            except errors.PlugarrError as error:
                self._metrics.dropped(len(part))
                log.warning("log_lines_lost", plugin=held.plugin, lines=len(part), reason=error.message)

    async def _send_progress(self, progress: _Progress) -> None:
        event = progress.event
        try:
            await self._bus.tell(c.RUN_PROGRESSED, event, type="run.progressed", run_id=event.run_id)
        except errors.PlugarrError as error:
            log.warning("progress_lost", run_id=event.run_id, reason=error.message)


def _pause_of(held: _Log) -> float:
    """Seconds between two messages of a log."""
    return min(SLOWLY_S, EVERY_S * 2 ** (held.sent // _QUICK)) if held.run_id is not None else 0.0


def _mark(message: str) -> JsonObject:
    return {"time": now(), "level": "warning", "message": message, "logger": "plugarr"}


def _part(lines: list[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]]:
    """As many lines as one message carries, and the others."""
    size = 0
    for count, line in enumerate(lines):
        size += len(str(line.get("message", ""))) * 3 + _OVERHEAD
        if size > BATCH_BYTES * 4 and count:
            return lines[:count], lines[count:]
    return lines, []
