"""Whoever dies: the stream of changes loses nothing, doubles nothing, and keeps the order of the writes."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pymongo
import pytest
from bson.int64 import Int64
from pymongo import errors as mongo

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.process import free_port, stop
from services.data.journal import TOKEN
from services.data.models import Place
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.catalog import EVENTS_DATA
from shared.contracts.changes import ChangesChecked
from shared.messaging.bus import Bus
from tests.integration.data.journal import last_seq
from tests.integration.data.replicas import Replicas
from tests.servers import RunningNats

BusOf = Callable[[str], Awaitable[Bus]]
PLACE = Place("calendar", "events")


class Writer:
    """Another tool, in a thread: counts one document up, now and then in a transaction with others."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.rev = 0
        """Of the last write that is known to have come about."""

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> int:
        """End it; the last revision."""
        self._ended.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)
        return self.rev

    async def write_more(self, count: int) -> None:
        wanted = self.rev + count
        async with asyncio.timeout(40):
            while self.rev < wanted:  # noqa: ASYNC110 - a thread has no event for this loop
                await asyncio.sleep(0.02)

    def _write(self) -> None:
        options: dict[str, Any] = {"serverSelectionTimeoutMS": 2000, "socketTimeoutMS": 5000, "w": "majority"}
        with pymongo.MongoClient[dict[str, Any]](self._url, **options) as client:
            db = client.get_default_database()
            db["collections"].update_one(
                {"_id": PLACE.physical},
                {"$setOnInsert": {"plugin": PLACE.plugin, "collection": PLACE.collection, "replaced": 0}},
                upsert=True,
            )
            items = db[PLACE.physical]
            while not self._ended.is_set():
                with contextlib.suppress(mongo.PyMongoError):
                    # Set and not added to: after a failure the same write is made again, and told once or twice.
                    following = self.rev + 1
                    if following % 10:
                        items.update_one({"_id": Int64(1)}, {"$set": {"rev": following}}, upsert=True)
                    else:
                        self._write_together(client, items, following)
                    self.rev = following

    def _write_together(self, client: Any, items: Any, rev: int) -> None:
        with client.start_session() as session, session.start_transaction():
            items.update_one({"_id": Int64(1)}, {"$set": {"rev": rev}}, session=session)
            users = items.database["users"]
            users.update_one({"_id": "u"}, {"$set": {"rev": rev}}, upsert=True, session=session)
            items.database["configs"].update_one(
                {"_id": "c"}, {"$set": {"rev": rev}}, upsert=True, session=session
            )


class Told:
    """What the stream holds from now on."""

    def __init__(self, bus: Bus, start: int) -> None:
        self._bus = bus
        self._start = start

    async def until(self, rev: int) -> list[tuple[str, dict[str, Any]]]:
        """Everything, as soon as the write with that revision is told."""
        async with asyncio.timeout(45):
            while True:
                with contextlib.suppress(errors.PlugarrError):
                    found = await self._all()
                    if any(kind.startswith("item") and data["rev"] == rev for kind, data in found[-30:]):
                        return found
                await asyncio.sleep(0.1)

    async def first(self, kind: str) -> None:
        """Wait for an event of that type."""
        async with asyncio.timeout(45):
            while True:
                with contextlib.suppress(errors.PlugarrError):
                    if any(found == kind for found, _ in await self._all()):
                        return
                await asyncio.sleep(0.05)

    async def _all(self) -> list[tuple[str, dict[str, Any]]]:
        walk = self._bus.walk(EVENTS_DATA, "plugarr.v1.>")
        events = [orjson.loads(held.data) async for held in walk if held.seq > self._start]
        return [(event["type"], event["data"]) for event in events]


def assert_complete(events: list[tuple[str, dict[str, Any]]], last: int) -> None:
    items = [data["rev"] for kind, data in events if kind.startswith("item.")]
    assert items == list(range(1, last + 1))
    for kind in ("config.", "user."):
        assert len([1 for found, _ in events if found.startswith(kind)]) == last // 10
    configs = [data["rev"] for kind, data in events if kind.startswith("config.")]
    assert configs == list(range(10, last + 1, 10))
    # Only where the database was new to the stream.
    assert [kind for kind, _ in events].count("changes.lost") == 1


def identity_of(url: str) -> str:
    """Whose positions are those of this database."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        database.create_collection("configs")
        listed = database.command("listCollections", filter={"name": "configs"})
    return bytes(listed["cursor"]["firstBatch"][0]["info"]["uuid"]).hex()


@pytest.fixture
async def bus(bus_of: BusOf) -> Bus:
    return await bus_of("data")


@pytest.fixture
async def told(bus: Bus) -> Told:
    return Told(bus, await last_seq(bus))


@pytest.fixture
async def replicas(nats: RunningNats, mongo_url: str, tmp_path: Path, bus: Bus) -> AsyncIterator[Replicas]:
    found = Replicas(nats, mongo_url, tmp_path, bus)
    yield found
    found.end()


@pytest.fixture
async def writer(mongo_url: str) -> AsyncIterator[Writer]:
    found = Writer(mongo_url)
    yield found
    await found.stop()


async def test_whoever_is_killed_or_stopped_or_wakes_up_late_nothing_is_lost_or_doubled(
    nats: RunningNats, replicas: Replicas, writer: Writer, told: Told
) -> None:
    for _ in range(2):
        replicas.start()
    await told.first("changes.lost")
    writer.start()
    await writer.write_more(100)
    stopped = await replicas.tailer()
    replicas.signal(stopped, signal.SIGSTOP)
    await writer.write_more(50)
    killed = await replicas.tailer(other_than=stopped)
    await writer.write_more(50)
    # It wakes up in the middle of its work, and has long been followed by the other one.
    replicas.signal(stopped, signal.SIGCONT)
    await writer.write_more(100)
    nats.kill_and_restart()
    await writer.write_more(100)
    replicas.kill(killed)
    await replicas.tailer(other_than=killed)
    await writer.write_more(100)
    last = await writer.stop()
    assert_complete(await told.until(last), last)


async def test_another_database_is_said_and_one_that_dies_is_read_on_from_where_it_was(
    nats: RunningNats, tmp_path: Path, bus: Bus, replicas: Replicas
) -> None:
    # One that is new, and by whose own word has forgotten nothing since a position of the other one.
    replicas.start()
    await Told(bus, 0).first("changes.lost")
    replicas.end()
    told = Told(bus, await last_seq(bus))
    server = Mongo(
        binary=binaries.mongod(),
        store=tmp_path / "db",
        log=tmp_path / "mongo.log",
        keyfile=nats.secrets / "mongo-keyfile",
        root_password=(nats.secrets / "mongo-root").read_text(),
        data_password=(nats.secrets / "mongo-data").read_text(),
        port=free_port(),
    )
    process = server.start()
    others = Replicas(nats, server.url, tmp_path, bus)
    writer = Writer(server.url)
    try:
        others.start()
        await told.first("changes.lost")
        writer.start()
        for _ in range(2):
            await writer.write_more(100)
            process.kill()
            process.wait()
            process = await asyncio.to_thread(server.start)
        await writer.write_more(100)
        last = await writer.stop()
        assert_complete(await told.until(last), last)
    finally:
        await writer.stop()
        others.end()
        stop(process)


async def test_a_position_that_mongodb_has_forgotten_is_said_and_reading_goes_on(
    bus: Bus, mongo_url: str, replicas: Replicas, writer: Writer, told: Told
) -> None:
    forgotten = {TOKEN: f"{identity_of(mongo_url)}:82{'00' * 20}"}
    subject = c.CHANGES_CHECKED.subject.pattern()
    await bus.put(subject, bus.enveloped("changes.checked", ChangesChecked(reason="quiet")), forgotten)
    replicas.start()
    await told.first("changes.lost")
    writer.start()
    await writer.write_more(20)
    last = await writer.stop()
    assert_complete(await told.until(last), last)
