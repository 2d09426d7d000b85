"""The stream of changes has one writer, whatever another one still has under way."""

from collections.abc import Awaitable, Callable

import pytest

from services.data.journal import BusJournal
from services.data.service.grouping import Announcement
from shared.contracts import catalog as c
from shared.contracts.changes import ChangesChecked, ConfigChanged
from shared.messaging.bus import Bus, Refused

BusOf = Callable[[str], Awaitable[Bus]]
TAKEN = Announcement(c.CHANGES_CHECKED, {}, "changes.checked", ChangesChecked(reason="taken_over"), "t0")


def told(key: str) -> Announcement:
    return Announcement(c.CONFIG_CHANGED, {"plugin": key}, "config.changed", ConfigChanged(key=key), "t1")


async def test_of_several_under_way_none_is_stored_once_a_successor_has_begun(bus_of: BusOf) -> None:
    former, successor = BusJournal(await bus_of("data")), BusJournal(await bus_of("data"))
    seq = await former.append([TAKEN], (await former.end()).seq)
    seq = await former.append([told("a"), told("b")], seq)
    # The successor has the place of the first; the second would find the number that it expects.
    await successor.append([TAKEN], seq)
    with pytest.raises(Refused):
        await former.append([told("c"), told("d")], seq)
    assert (await successor.end()).seq == seq + 1
    assert await successor.append([told("c"), told("d")], seq + 1) == seq + 3
