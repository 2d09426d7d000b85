"""The stream of changes, as the tailer writes it."""

import asyncio
from typing import Any, Final

import orjson

from services.data.service.grouping import Announcement
from services.data.service.tailer import JournalEnd
from shared import errors
from shared.contracts.catalog import CHANGES_CHECKED, CHANGES_LOST, EVENTS_DATA
from shared.messaging.bus import EXPECTED_LAST, EXPECTED_LAST_OF, Bus

EXPECTED_LAST_SEQ: Final = "Nats-Expected-Last-Sequence"
TOKEN: Final = "Plugarr-Resume-After"  # noqa: S105 - a position in MongoDB's change stream
SKIP: Final = "Plugarr-Resume-Skip"
_AT_ONCE: Final = 256
_LAGGING_S: Final = (0.05, 0.2, 0.5)


class BusJournal:
    """Implements `services.data.service.tailer.Journal`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._fence = 0
        """Our last `changes.checked`. Only who stored the stream's last one may store anything else: of messages
        that are under way together the first is refused where a successor took its place, but not the second."""

    async def end(self) -> JournalEnd:
        """Where the stream ends. Raises Unavailable, TimedOut."""
        state = await self._state()
        last = int(state["last_seq"])
        if not state["messages"]:
            return JournalEnd(last, None)
        for pause_s in (*_LAGGING_S, None):
            held = await self._bus.at(EVENTS_DATA, last)
            if held is not None:
                token = held.headers.get(TOKEN)
                return JournalEnd(last, token, int(held.headers.get(SKIP, 0)))
            if pause_s is not None:
                # A replica of the bus that lags behind the leader.
                await asyncio.sleep(pause_s)
        raise errors.Unavailable("the last change cannot be read back")

    async def append(self, announcements: list[Announcement], after: int) -> int:
        """Store messages; each names the one before it, so that after a failure none of the later ones is stored."""
        for start in range(0, len(announcements), _AT_ONCE):
            part = announcements[start : start + _AT_ONCE]
            # All are sent, in this order, before the first is answered.
            stored = await asyncio.gather(
                *(self._store(one, after + number) for number, one in enumerate(part)), return_exceptions=True
            )
            for result in stored:
                if isinstance(result, BaseException):
                    raise result
            after += len(part)
        return after

    async def _store(self, one: Announcement, after: int) -> int:
        headers = {EXPECTED_LAST_SEQ: str(after), TOKEN: one.token}
        if one.skip:
            headers[SKIP] = str(one.skip)
        if one.contract not in (CHANGES_CHECKED, CHANGES_LOST):
            headers |= {EXPECTED_LAST: str(self._fence), EXPECTED_LAST_OF: CHANGES_CHECKED.subject.of()}
        subject = one.contract.subject.of(**one.names)
        seq = await self._bus.put(subject, self._bus.enveloped(one.type, one.event), headers)
        if one.contract is CHANGES_CHECKED:
            self._fence = seq
        return seq

    async def _state(self) -> dict[str, Any]:
        nobody, late = "no stream of changes: run the provisioner", "the bus did not answer"
        reply = await self._bus.ask(
            f"$JS.API.STREAM.INFO.{EVENTS_DATA}", b"", timeout_s=5.0, nobody=nobody, late=late
        )
        info = orjson.loads(reply.data)
        if "error" in info:
            raise errors.Unavailable(nobody)
        state: dict[str, Any] = info["state"]
        return state
