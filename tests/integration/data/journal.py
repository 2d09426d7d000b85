"""What tests see of the stream of changes."""

import asyncio
import contextlib
from typing import Any

import orjson

from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.catalog import EVENTS_DATA
from shared.contracts.data import SetEnabled
from shared.messaging.bus import Bus


class Journal:
    """Reads the stream from where it stood."""

    def __init__(self, bus: Bus, seq: int) -> None:
        self._bus = bus
        self.seq = seq

    async def told(self, count: int, *, bookkeeping: bool = False, timeout_s: float = 30) -> list[Any]:
        """The next events, in order: type and data of each, with its subject's last names."""
        found: list[Any] = []
        async with asyncio.timeout(timeout_s):
            while len(found) < count:
                held = await self._bus.after(EVENTS_DATA, "plugarr.v1.>", self.seq + 1)
                if held is None:
                    await asyncio.sleep(0.01)
                    continue
                self.seq = held.seq
                event = orjson.loads(held.data)
                if bookkeeping or not event["type"].startswith("changes."):
                    found.append((event["type"], {k: v for k, v in event["data"].items() if v is not None}))
        return found


async def last_seq(bus: Bus) -> int:
    reply = await bus.nc.request(f"$JS.API.STREAM.INFO.{EVENTS_DATA}", timeout=5)
    seq: int = orjson.loads(reply.data)["state"]["last_seq"]
    return seq


async def followed(bus: Bus) -> Journal:
    """The stream from now on, once what is written is told in it."""
    key = f"probe {new_id()}"
    journal = Journal(bus, await last_seq(bus))
    async with asyncio.timeout(30):
        while True:
            await bus.request(c.SET_ENABLED, SetEnabled(key=key, enabled=True))
            with contextlib.suppress(TimeoutError):
                while (await journal.told(1, timeout_s=0.5))[0][1].get("key") != key:
                    pass
                break
    # All that is on its way: probes that were told late.
    while await last_seq(bus) != journal.seq:
        await journal.told(1, bookkeeping=True)
    return journal
