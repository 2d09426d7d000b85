"""Two replicas of the data service and many callers at once, on a real mongod."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.data.main import App
from services.data.models import Place
from services.data.repository.mongo import Database
from services.data.repository.places import Places
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.contracts.base import new_id
from shared.messaging.bus import Bus
from tests.integration.data.conftest import StartData
from tests.integration.data.talk import HERE, add, listed, replaced


async def test_ids_are_unique_whoever_adds(gateway: Bus, data: App, start_data: StartData) -> None:
    other = await start_data()
    records = await asyncio.gather(*(add(gateway, {"n": n}) for n in range(200)))
    assert len({record.id for record in records}) == 200
    total, found = await listed(gateway)
    assert total == 200
    assert sorted(one["data"]["n"] for one in found) == list(range(200))
    assert other.bus.connected


async def test_the_same_command_at_once_is_one_write(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    records = await asyncio.gather(*(add(gateway, {"n": 1}, op_id="one") for _ in range(20)))
    assert len({record.id for record in records}) == 1
    assert (await listed(gateway))[0] == 1


async def test_readers_see_one_replacement_whole(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    await replaced(gateway, [{"round": -1}] * 50)
    stop = asyncio.Event()
    seen: set[int] = set()

    async def read() -> None:
        while not stop.is_set():
            total, found = await listed(gateway)
            assert total == len(found) == 50
            rounds = {one["data"]["round"] for one in found}
            assert len(rounds) == 1, "parts of two replacements"
            seen.update(rounds)

    async def write(start: int) -> None:
        for number in range(start, start + 8):
            await replaced(gateway, [{"round": number}] * 50)

    readers = [asyncio.create_task(read()) for _ in range(4)]
    await asyncio.gather(write(0), write(100))
    stop.set()
    await asyncio.gather(*readers)
    assert len(seen) > 2


async def test_patches_of_one_item_all_count(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    await add(gateway, {})

    async def patch(number: int) -> None:
        command = m.PatchItem(**HERE, id=1, data={f"k{number}": number}, op_id=new_id())
        await gateway.request(c.PATCH_ITEM, command, timeout_s=20)

    await asyncio.gather(*(patch(number) for number in range(40)))
    (one,) = (await listed(gateway))[1]
    assert one["data"] == {f"k{number}": number for number in range(40)}
    assert one["rev"] == 41


async def test_additions_during_replacements_and_clearings_keep_their_ids(gateway: Bus) -> None:
    async def rewrite() -> None:
        for _ in range(5):
            await replaced(gateway, [{"_id": 1000}, {"_id": 3}, {}])
            await gateway.request(c.CLEAR_COLLECTION, m.ClearCollection(**HERE, op_id=new_id()))

    added, _ = await asyncio.gather(asyncio.gather(*(add(gateway, {"n": n}) for n in range(60))), rewrite())
    assert len({record.id for record in added}) == 60
    assert (await add(gateway, {})).id > 1000


@pytest.mark.timeout(150)
async def test_a_hundred_thousand_items_are_replaced_at_once_and_streamed_back(gateway: Bus) -> None:
    items = [{"name": f"Item {n}", "text": "x" * 100, "n": n} for n in range(100_000)]
    for _ in range(2):
        assert len(await replaced(gateway, items)) == 100_000
    total, found = await listed(gateway, search="item 99999", sort=("-n",))
    assert (total, [one["data"]["n"] for one in found]) == (1, [99_999])
    total, found = await listed(gateway, sort=("-n",), limit=10)
    assert (total, found[0]["data"]["n"]) == (100_000, 99_999)
    with pytest.raises(errors.Invalid) as caught:
        await replaced(gateway, [*items, {}])
    assert caught.value.path == "items"


class Overtaken:
    """Counters between whose first two questions somebody else registers the collection."""

    def __init__(self, counters: Any, meanwhile: Callable[[], Awaitable[Any]]) -> None:
        self._counters = counters
        self._meanwhile: Callable[[], Awaitable[Any]] | None = meanwhile

    async def find_one_and_update(self, *args: Any, **more: Any) -> Any:
        found = await self._counters.find_one_and_update(*args, **more)
        if self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._counters, name)


async def test_the_first_additions_to_a_new_collection_may_come_at_once(mongo_url: str) -> None:
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    await database.wait_ready()
    place = Place("p", f"new {new_id()}")
    first, second = Places(database), Places(database)
    first._counters = Overtaken(first._counters, lambda: second.take_ids(place, 1))
    assert await first.take_ids(place, 1) == 2
    database.close()
