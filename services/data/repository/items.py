"""Plugins' documents: `{_id, rev, created_at, updated_at, s, d}` in a collection of their own.

Every write carries an operation, which is recorded in the write's own transaction: a repeated command finds
it and gets the first one's answer, without the write being done again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import orjson
from bson.int64 import Int64
from pymongo import errors as mongo

from services.data.models import Item, Operation, Place, Stamp, Write
from services.data.repository import queries
from services.data.repository.documents import decoded, stored
from services.data.repository.mongo import Database, Document, Session, translate
from services.data.repository.places import Places
from shared import errors
from shared.contracts.base import now
from shared.contracts.data import ListItems

OPERATIONS: Final = "operations"
_SLICE: Final = 5000
_BATCH: Final = 1000


class _AlreadyDone(Exception):
    """The operation is recorded: the write was done before."""


class _IdTaken(Exception):
    """An id that the counter gave is in use."""


class Items:
    """The items of plugins' collections."""

    def __init__(self, database: Database, places: Places) -> None:
        self._database = database
        self._places = places
        self._operations = database.collection(OPERATIONS)

    async def get(self, place: Place, item_id: int) -> tuple[Stamp, dict[str, Any]] | None:
        """An item and its document."""
        async with self._database.bounded():
            raw = await self._raw(place).find_one({"_id": item_id}, {"s": 0})
        return None if raw is None else _read(decoded(raw))

    async def find(self, query: ListItems) -> tuple[int, AsyncIterator[tuple[Stamp, dict[str, Any]]]]:
        """The number of all that match, and the page, read as the reader takes it; both of one moment.

        Raises Invalid for a query that cannot be, TimedOut for one that takes too long.
        """
        place = Place(query.plugin, query.collection)
        for attempt in range(5):
            try:
                return await self._open(place, query)
            except errors.Unavailable:
                # A collection that was made a moment ago is in no snapshot yet.
                if attempt == 4 or not self._database.primary_known:
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError

    async def add(self, place: Place, item: Item, operation: Operation) -> Stamp:
        """Add an item under a new id."""
        for _ in range(5):
            item_id = await self._places.take_ids(place, 1)
            document = stored(item_id, item.data, item.text, now())

            async def insert(session: Session, document: Document = document) -> Document:
                try:
                    await self._raw(place).insert_one(document, session=session)
                except mongo.DuplicateKeyError as error:
                    raise _IdTaken from error
                return _stamped(document)

            try:
                return _stamp(await self._once(operation, insert))
            except _IdTaken:
                await self._places.catch_up(place)
        raise errors.Unavailable("the collection is being replaced")

    async def change(
        self,
        place: Place,
        item_id: int,
        change: Callable[[dict[str, Any]], Item],
        operation: Operation,
        *,
        remember: bool,
    ) -> tuple[Stamp, dict[str, Any] | None] | None:
        """Put what `change` makes of the document in its place; None where there is none.

        `remember` returns the new document, to a repeated command too: needed where it follows from the old one.
        """
        collection = self._raw(place)

        async def update(session: Session) -> Document:
            raw = await collection.find_one({"_id": item_id}, {"s": 0}, session=session)
            if raw is None:
                return {"absent": True}
            old = decoded(raw)
            item = change(old["d"])
            document = {**old, "rev": old["rev"] + 1, "updated_at": now()}
            values = {"rev": document["rev"], "updated_at": document["updated_at"]}
            literals = {"d": {"$literal": item.data}, "s": {"$literal": item.text}}
            # A plain update would take `$` and `.` in keys for operators and paths.
            await collection.update_one({"_id": item_id}, [{"$set": values | literals}], session=session)
            kept = {"data": orjson.dumps(item.data)} if remember else {}
            return {**_stamped(document), **kept}

        answer = await self._once(operation, update)
        if answer.get("absent"):
            return None
        return _stamp(answer), orjson.loads(answer["data"]) if remember else None

    async def delete(self, place: Place, item_id: int, operation: Operation) -> int:
        """Delete an item; how many there were."""

        async def remove(session: Session) -> Document:
            result = await self._raw(place).delete_one({"_id": item_id}, session=session)
            return {"deleted": result.deleted_count}

        return int((await self._once(operation, remove))["deleted"])

    async def clear(self, place: Place, operation: Operation) -> int:
        """Delete all items at once; how many there were."""

        async def remove(session: Session) -> Document:
            await self._places.lock(place, session)
            result = await self._raw(place).delete_many({}, session=session)
            return {"deleted": result.deleted_count}

        return int((await self._once(operation, remove, bulk=True))["deleted"])

    async def replace(
        self, place: Place, items: list[Item], ids: list[int | None], operation: Operation
    ) -> list[Stamp]:
        """Put these items in the place of all there are, at once; those without an id are numbered."""
        before = await self._recorded(operation)
        if before is not None:
            return _stamps(before)
        first = await self._places.take_ids(place, ids.count(None), above=max([0, *filter(None, ids)]))
        numbered = _numbered(ids, first)
        time = now()
        collection = self._raw(place)

        async def swap(session: Session) -> Document:
            await self._places.lock(place, session)
            await collection.delete_many({}, session=session)
            for start in range(0, len(items), _SLICE):
                slice_ids = numbered[start : start + _SLICE]
                pairs = zip(slice_ids, items[start : start + _SLICE], strict=True)
                documents = [stored(item_id, item.data, item.text, time) for item_id, item in pairs]
                await collection.insert_many(documents, session=session)
            return {"time": time, "ids": b"".join(item_id.to_bytes(8, "big") for item_id in numbered)}

        return _stamps(await self._once(operation, swap, bulk=True))

    async def take_ids(self, place: Place, count: int, above: int) -> int:
        """The first of so many ids that nobody else gets."""
        return await self._places.take_ids(place, count, above=above)

    async def write_together(self, writes: Sequence[Write], operation: Operation) -> None:
        """Do all of these writes in their order, at once. Raises Conflict where an id is in use."""
        time = now()

        async def write_all(session: Session) -> Document:
            for place in {write.place for write in writes if write.verb == "clear"}:
                await self._places.lock(place, session)
            for same, run in groupby(writes, key=lambda write: (write.verb, write.place)):
                await self._write_run(same, list(run), time, session)
            return {}

        try:
            await self._once(operation, write_all, bulk=True)
        except mongo.BulkWriteError as error:
            raise errors.Conflict("an id is in use: the collection was replaced meanwhile") from error

    async def _write_run(
        self, same: tuple[str, Place], run: list[Write], time: str, session: Session
    ) -> None:
        verb, place = same
        collection = self._raw(place)
        ids = [write.id for write in run]
        match verb:
            case "clear":
                await collection.delete_many({}, session=session)
            case "delete":
                await collection.delete_many({"_id": {"$in": ids}}, session=session)
            case "add":
                documents = [stored(w.id, w.item.data, w.item.text, time) for w in run if w.id and w.item]
                for start in range(0, len(documents), _SLICE):
                    await collection.insert_many(documents[start : start + _SLICE], session=session)
            case _:
                for write in run:
                    assert write.item is not None
                    values = {"rev": {"$add": ["$rev", 1]}, "updated_at": time}
                    literals = {"d": {"$literal": write.item.data}, "s": {"$literal": write.item.text}}
                    await collection.update_one(
                        {"_id": write.id}, [{"$set": values | literals}], session=session
                    )

    async def _once(
        self, operation: Operation, write: Callable[[Session], Awaitable[Document]], *, bulk: bool = False
    ) -> Document:
        """Do a write and record its answer, in one transaction; or find the answer of the first time."""

        async def recorded(session: Session) -> Document:
            answer = await write(session)
            entry = {"_id": operation.key, "of": operation.digest, "at": datetime.now(UTC), "answer": answer}
            try:
                await self._operations.insert_one(entry, session=session)
            except mongo.DuplicateKeyError as error:
                raise _AlreadyDone from error
            return answer

        try:
            return await self._database.transact(
                recorded, timeout_s=self._database.bulk_timeout_s if bulk else None
            )
        except _AlreadyDone:
            before = await self._recorded(operation)
            if before is None:
                raise errors.Conflict("this operation was done more than an hour ago") from None
            return before

    async def _recorded(self, operation: Operation) -> Document | None:
        async with self._database.bounded():
            entry = await self._operations.find_one({"_id": operation.key})
        if entry is None:
            return None
        if entry["of"] != operation.digest:
            raise errors.Invalid("op_id: it was used for writing something else", path="op_id")
        answer: Document = entry["answer"]
        return answer

    async def _open(
        self, place: Place, query: ListItems
    ) -> tuple[int, AsyncIterator[tuple[Stamp, dict[str, Any]]]]:
        options: Document = {"allowDiskUse": True, "maxTimeMS": int(self._database.bulk_timeout_s * 1000)}
        if queries.needs_collation(query):
            options["collation"] = queries.COLLATION
        counting, listing = queries.counting(query), queries.listing(query)
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self._database.snapshot())
            async with self._database.bounded(self._database.bulk_timeout_s):
                counted = self._database.collection(place.physical).aggregate(
                    counting, session=session, **options
                )
                total = sum([found["n"] async for found in counted])
                cursor = self._raw(place).aggregate(listing, session=session, batchSize=_BATCH, **options)
                first = await cursor.to_list(1)
            opened = stack.pop_all()

        async def read() -> AsyncIterator[tuple[Stamp, dict[str, Any]]]:
            async with opened:
                try:
                    for raw in first:
                        yield _read(decoded(raw))
                    async for raw in cursor:
                        yield _read(decoded(raw))
                except mongo.PyMongoError as error:
                    raise translate(error) or error from error
                finally:
                    await cursor.close()

        return total, read()

    def _raw(self, place: Place) -> Any:
        return self._database.collection(place.physical, raw=True)


def _numbered(ids: list[int | None], first: int) -> list[int]:
    following = iter(range(first, first + len(ids)))
    return [next(following) if item_id is None else item_id for item_id in ids]


def _stamped(document: Document) -> Document:
    answer = {name: document[name] for name in ("rev", "created_at", "updated_at")}
    return {"id": Int64(document["_id"]), **answer}


def _stamp(answer: Document) -> Stamp:
    return Stamp(int(answer["id"]), answer["rev"], answer["created_at"], answer["updated_at"])


def _stamps(answer: Document) -> list[Stamp]:
    packed, time = answer["ids"], answer["time"]
    ids = (int.from_bytes(packed[at : at + 8], "big") for at in range(0, len(packed), 8))
    return [Stamp(item_id, 1, time, time) for item_id in ids]


def _read(document: Document) -> tuple[Stamp, dict[str, Any]]:
    stamp = Stamp(int(document["_id"]), document["rev"], document["created_at"], document["updated_at"])
    return stamp, document["d"]
