"""Every write becomes an event, whoever writes; the tests read the stream as it is stored."""

import asyncio

import pymongo
import pytest
from bson.int64 import Int64

from services.data.models import Place
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import users as u
from shared.contracts.base import new_id
from shared.messaging.bus import Bus
from tests.integration.data.journal import Journal, followed
from tests.integration.data.talk import HERE, add, replaced


@pytest.fixture
async def journal(gateway: Bus) -> Journal:
    return await followed(gateway)


async def test_items_are_told_one_by_one_with_their_revision(gateway: Bus, journal: Journal) -> None:
    one = await add(gateway, {"title": "first"})
    await gateway.request(
        c.PATCH_ITEM, d.PatchItem(**HERE, id=one.id, data={"title": "second"}, op_id=new_id())
    )
    await gateway.request(c.REPLACE_ITEM, d.ReplaceItem(**HERE, id=one.id, data={"x": 1}, op_id=new_id()))
    await gateway.request(c.DELETE_ITEM, d.DeleteItem(**HERE, id=one.id, op_id=new_id()))
    assert await journal.told(4) == [
        ("item.added", {**HERE, "id": one.id, "rev": 1}),
        ("item.changed", {**HERE, "id": one.id, "rev": 2}),
        ("item.changed", {**HERE, "id": one.id, "rev": 3}),
        ("item.removed", {**HERE, "id": one.id}),
    ]


async def test_replacing_and_clearing_are_one_event_each(gateway: Bus, journal: Journal) -> None:
    await add(gateway, {"n": 0})
    await replaced(gateway, [{"n": n} for n in range(7000)])
    await gateway.request(c.CLEAR_COLLECTION, d.ClearCollection(**HERE, op_id=new_id()))
    _, swapped, cleared = await journal.told(3)
    assert swapped == ("collection.replaced", {**HERE, "added": 7000, "changed": 0, "removed": 1})
    assert cleared == ("collection.cleared", {**HERE, "added": 0, "changed": 0, "removed": 7000})


async def test_a_write_of_another_tool_is_told_like_any(
    gateway: Bus, journal: Journal, mongo_url: str
) -> None:
    await add(gateway, {"n": 0})
    await journal.told(1)
    with pymongo.MongoClient[dict[str, object]](mongo_url) as client:
        db = client.get_default_database()
        place = db[Place(**HERE).physical]
        place.insert_one({"_id": Int64(70), "rev": 5, "d": {"$odd": 1}, "s": ""})
        place.update_one({"_id": 70}, {"$set": {"rev": 6}})
        place.insert_many([{"_id": Int64(71), "d": {}}, {"_id": Int64(72), "d": {}}])
        with client.start_session() as session, session.start_transaction():
            place.delete_one({"_id": 71}, session=session)
            place.delete_one({"_id": 72}, session=session)
        db["configs"].update_one(
            {"_id": "calendar"}, {"$set": {"settings": {"token": "secret"}, "rev": 9}}, upsert=True
        )
        db["schedules"].insert_one({"_id": "s1", "rev": 1})
        place.drop()
    assert await journal.told(8) == [
        ("item.added", {**HERE, "id": 70, "rev": 5}),
        ("item.changed", {**HERE, "id": 70, "rev": 6}),
        ("item.added", {**HERE, "id": 71}),
        ("item.added", {**HERE, "id": 72}),
        # Two of three: whoever shows the collection reads it again.
        ("collection.replaced", {**HERE, "added": 0, "changed": 0, "removed": 2}),
        ("config.added", {"key": "calendar", "rev": 9}),
        ("schedule.added", {"id": "s1", "rev": 1}),
        ("collection.cleared", HERE),
    ]


async def test_configs_and_users_are_told_without_what_is_secret(gateway: Bus, journal: Journal) -> None:
    await gateway.request(c.SET_ENABLED, d.SetEnabled(key="Sports Calendar", enabled=True))
    await gateway.request(
        c.SET_SETTINGS, d.SetSettings(key="Sports Calendar", settings={"password": "secret"})
    )
    await gateway.request(c.DELETE_PLUGIN_CONFIG, d.DeletePluginConfig(key="Sports Calendar"))
    user = await gateway.request(
        c.CREATE_USER, u.CreateUser(username="eve", password="correct horse", level="viewer")
    )
    await gateway.request(c.DELETE_USER, u.DeleteUser(id=user.id))
    assert await journal.told(5) == [
        ("config.added", {"key": "Sports Calendar", "rev": 1}),
        ("config.changed", {"key": "Sports Calendar", "rev": 2}),
        ("config.changed", {"key": "Sports Calendar", "rev": 3}),
        ("user.added", {"id": user.id}),
        ("user.removed", {"id": user.id}),
    ]


async def test_writes_side_by_side_are_told_in_the_order_of_their_revisions(
    gateway: Bus, journal: Journal
) -> None:
    record = await add(gateway, {"n": 0})
    commands = [d.PatchItem(**HERE, id=record.id, data={str(n): n}, op_id=new_id()) for n in range(60)]
    await asyncio.gather(*(gateway.request(c.PATCH_ITEM, one, timeout_s=30) for one in commands))
    told = await journal.told(61)
    assert [data["rev"] for _, data in told] == list(range(1, 62))
