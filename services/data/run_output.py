"""What runs wrote and how far they say they are, as it lies on the bus."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from services.data.models import folded
from shared.contracts import catalog as c
from shared.contracts.base import Envelope, JsonObject
from shared.contracts.runs import Progress, RunLogged, RunProgressed
from shared.logging import get_logger
from shared.messaging.bus import Bus, Held

_LOG_BYTES: Final = 768 * 1024
"""Bytes of log from which on a page is full, whatever its limit."""
_READ_BYTES: Final = 4 * 1024 * 1024
"""Bytes that a search reads for one page: the largest log has fewer, but an outside hand may have written more."""
_SUBJECTS: Final = 500
"""Subjects of one question: the server answers for at most 1,024."""

log = get_logger(__name__)


@dataclass(slots=True)
class LogPage:
    """Lines of a run, from somewhere on."""

    lines: list[JsonObject]
    last: int
    """Sequence of the last message that was read."""
    more: bool = False
    missing: int = 0
    """Lines that were written before the first one that is still kept."""


class RunLogs:
    """What runs wrote, as it lies in `RUN_LOG`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._envelope = Envelope[RunLogged]

    async def page(self, run_id: str, after: int, limit: int, search: str | None = None) -> LogPage:
        """Lines of the messages after a sequence.

        A message is never cut: a page may be longer than its limit by the rest of one.
        """
        subject = c.RUN_LOGGED.subject.of(run_id=run_id)
        wanted = folded(search) if search else None
        found = LogPage([], after)
        size = read = 0
        while True:
            query = {"seq": found.last + 1, "next_by_subj": subject, "batch": 100, "max_bytes": 512 * 1024}
            page = [held async for held in self._bus.batch(c.RUN_LOG, query)]
            if not page:
                return found
            for held in page:
                full = len(found.lines) >= limit or size + len(held.data) > _LOG_BYTES
                if (found.lines and full) or read > _READ_BYTES:
                    found.more = True
                    return found
                event = self._event(held)
                if event is not None:
                    if not found.last:
                        found.missing = event.before
                    lines = [line for line in event.lines if wanted is None or _has(line, wanted)]
                    found.lines += [{"seq": held.seq, **line} for line in lines]
                    size += len(held.data) if lines else 0
                read += len(held.data)
                found.last = held.seq

    def _event(self, held: Held) -> RunLogged | None:
        try:
            return self._envelope.model_validate_json(held.data).data
        except ValidationError:
            log.warning("log_not_understood", seq=held.seq)
            return None


class RunProgress:
    """How far runs say they are: the last word of each, as `RUN_PROGRESS` keeps it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._envelope = Envelope[RunProgressed]

    async def of(self, run_ids: Sequence[str]) -> dict[str, Progress]:
        """Run id → progress, of those that said any. Raises PlugarrError."""
        found: dict[str, Progress] = {}
        for start in range(0, len(run_ids), _SUBJECTS):
            part = run_ids[start : start + _SUBJECTS]
            subjects = [c.RUN_PROGRESSED.subject.of(run_id=run_id) for run_id in part]
            for held in await self._bus.snapshot(c.RUN_PROGRESS, *subjects):
                try:
                    said = self._envelope.model_validate_json(held.data).data
                except ValidationError:
                    log.warning("progress_not_understood", seq=held.seq)
                else:
                    found[said.run_id] = Progress(done=said.done, total=said.total, message=said.message)
        return found


def _has(line: JsonObject, wanted: str) -> bool:
    return any(wanted in folded(str(line.get(name, ""))) for name in ("message", "logger"))
