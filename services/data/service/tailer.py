"""Tells of every write in MongoDB, in order, once: whoever tails goes on where the last message stands.

The stream itself is the only memory: each message carries the position after which to read on, and is refused
unless it is the next one. So whoever tails besides, or wakes up late, is refused, and stops.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.data.models import Change, HistoryLost
from services.data.service.grouping import Announcement, Grouping, UnknownPlace
from shared.contracts import catalog as c
from shared.contracts import changes as m
from shared.logging import get_logger

CHECK_EVERY_S: Final = 60.0
"""So often the position is stored while nothing is told: MongoDB forgets positions that are too old."""
_WAIT_S: Final = 1.0
_WAIT_FOR_REST_S: Final = 0.02
"""Within that MongoDB has answered with the rest of a transaction, if there is any."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Where the stream of changes ends."""

    seq: int
    token: str | None
    """None where nobody has ever tailed, or the stream has forgotten all."""
    skip: int = 0


class Journal(Protocol):
    """The stream of changes."""

    async def end(self) -> JournalEnd:
        """Where it ends. Raises Unavailable, TimedOut."""

    async def append(self, announcements: list[Announcement], after: int) -> int:
        """Store messages after that sequence, and return the last one's.

        Raises Refused where the stream has moved on, Unavailable and TimedOut; some may then be stored.
        """


class Stream(Protocol):
    """The writes after a position."""

    token: str

    async def batch(self, wait_s: float) -> list[Change]:
        """Raises HistoryLost, Unavailable, TimedOut."""

    async def close(self) -> None: ...


class Source(Protocol):
    """MongoDB's change stream."""

    async def open(self, after: str | None) -> Stream:
        """Raises HistoryLost, Unavailable, TimedOut."""

    async def names(self, physical: set[str]) -> dict[str, tuple[str, str]]:
        """Plugin and name of each of these collections that is registered."""


class Tailer:
    """Reads the change stream and writes the journal, for as long as it may."""

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._journal = journal
        self._names: dict[str, tuple[str, str]] = {}
        """Of every collection that was met: they follow from one another for ever."""
        self.moved_at = 0.0
        """When MongoDB answered last, by the monotonic clock."""

    async def follow(self, held: Callable[[], bool]) -> None:
        """Go on where the journal ends, while `held`.

        Raises Refused where another one tails, Unavailable and TimedOut; it may be called again then.
        """
        end = await self._journal.end()
        seq, reason = end.seq, "nobody has read the change stream yet, or its last position was forgotten"
        if end.token is not None:
            try:
                stream = await self._source.open(end.token)
            except HistoryLost as lost:
                reason = str(lost)
            else:
                taken = _checked("taken_over", end.token, end.skip)
                seq, reason = await self._follow(stream, end, held, [taken])
        while held():
            # Opened first: what is written from now on is told, and the clients read what was before.
            stream = await self._source.open(None)
            log.warning("changes_lost", reason=reason)
            lost_event = Announcement(
                c.CHANGES_LOST, {}, "changes.lost", m.ChangesLost(reason=reason[:500]), stream.token
            )
            # Said before it is taken over: who dies in between must not leave a position that hides the loss.
            first = [lost_event, _checked("taken_over", stream.token)]
            seq, reason = await self._follow(stream, JournalEnd(seq, stream.token), held, first)

    async def _follow(
        self, stream: Stream, end: JournalEnd, held: Callable[[], bool], first: list[Announcement]
    ) -> tuple[int, str]:
        """Tell of a stream's writes; returns where and why it cannot go on."""
        assert end.token is not None
        seq, skip = end.seq, end.skip
        try:
            for one in first:
                seq = await self._journal.append([one], seq)
            # Whoever tailed before is refused from here on.
            grouping = Grouping(self._names, end.token)
            stored_at, stored = time.monotonic(), end.token
            while held():
                changes = await stream.batch(_WAIT_FOR_REST_S if grouping.open else _WAIT_S)
                self.moved_at = time.monotonic()
                await self._learn(changes)
                told = grouping.take(changes) if changes else grouping.flush()
                if skip and told:
                    told, skip = told[skip:], 0
                if told:
                    seq = await self._journal.append(told, seq)
                    stored_at, stored = time.monotonic(), told[-1].token
                elif self._is_quiet(grouping, stored_at) and stream.token != stored:
                    seq = await self._journal.append([_checked("quiet", stream.token)], seq)
                    stored_at, stored = time.monotonic(), stream.token
        except (HistoryLost, UnknownPlace) as lost:
            return seq, str(lost) or type(lost).__name__
        finally:
            await stream.close()
        return seq, ""

    def _is_quiet(self, grouping: Grouping, stored_at: float) -> bool:
        return not grouping.open and time.monotonic() - stored_at > CHECK_EVERY_S

    async def _learn(self, changes: list[Change]) -> None:
        """Look up whose the collections are that are met for the first time."""
        met = {change.collection for change in changes if change.collection.startswith("d_")}
        registered = {str(change.id) for change in changes if change.names}
        if unknown := met - self._names.keys() - registered:
            self._names |= await self._source.names(unknown)


def _checked(reason: str, token: str, skip: int = 0) -> Announcement:
    event = m.ChangesChecked.model_validate({"reason": reason})
    return Announcement(c.CHANGES_CHECKED, {}, "changes.checked", event, token, skip)
