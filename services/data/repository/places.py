"""The registry of plugins' collections, and the counters that number their items."""

import contextlib
from typing import Final

from bson.int64 import Int64
from pymongo import DESCENDING, ReturnDocument
from pymongo import errors as mongo

from services.data.models import MAX_COLLECTIONS, Place
from services.data.repository.mongo import Database, Session
from shared import errors
from shared.contracts.base import now
from shared.documents import MAX_INT

_NAMESPACE_EXISTS: Final = 48


class Places:
    """Where plugins' collections lie. A counter is the sign that its collection is registered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._registry = database.collection("collections")
        self._counters = database.collection("counters")
        self._plugins = database.collection("plugins")

    async def take_ids(self, place: Place, count: int, *, above: int = 0) -> int:
        """Take so many ids, all greater than `above`, for ever; the first of them.

        One step, outside any transaction: those who add never wait for one another, and gaps are allowed.
        """
        if above > MAX_INT - count:
            raise errors.Invalid("items: an _id leaves no room for later ones", path="items")
        step = [{"$set": {"last": {"$add": [{"$max": ["$last", Int64(above)]}, Int64(count)]}}}]
        for _ in range(3):
            async with self._database.bounded():
                counter = await self._counters.find_one_and_update(
                    {"_id": place.physical, "last": {"$lte": MAX_INT - count}},
                    step,
                    return_document=ReturnDocument.AFTER,
                )
                if counter:
                    return int(counter["last"]) - count + 1
                # By its number: another one may have registered the collection meanwhile.
                used_up = {"_id": place.physical, "last": {"$gt": MAX_INT - count}}
                if await self._counters.find_one(used_up):
                    raise errors.Conflict("the collection has no ids left", path="collection")
            await self._register(place)
        raise errors.Unavailable("the collection is being deleted")

    async def catch_up(self, place: Place) -> None:
        """Raise the counter over every id in use; needed where a deletion overtook an addition."""
        async with self._database.bounded():
            last = await self._last_id(place)
            await self._counters.update_one({"_id": place.physical}, {"$max": {"last": Int64(last)}})

    async def lock(self, place: Place, session: Session) -> None:
        """Have replacing and clearing one collection follow one another."""
        await self._registry.update_one({"_id": place.physical}, {"$inc": {"replaced": 1}}, session=session)

    async def forget(self, plugin: str) -> int:
        """Delete all of a plugin's collections; how many there were."""
        async with self._database.bounded(self._database.bulk_timeout_s):
            names = [found["_id"] async for found in self._registry.find({"plugin": plugin}, {"_id": 1})]
            await self._counters.delete_many({"_id": {"$in": names}})
            for name in names:
                await self._database.db.drop_collection(name)
            await self._registry.delete_many({"_id": {"$in": names}})
            await self._plugins.delete_one({"_id": plugin})
        return len(names)

    async def _register(self, place: Place) -> None:
        last = await self._last_id(place)

        async def enter(session: Session) -> None:
            if not await self._registry.find_one({"_id": place.physical}, session=session):
                await self._count(place, session)
                entry = {
                    "_id": place.physical,
                    "plugin": place.plugin,
                    "collection": place.collection,
                    "created_at": now(),
                    "replaced": 0,
                }
                await self._registry.insert_one(entry, session=session)
            await self._counters.update_one(
                {"_id": place.physical},
                {"$setOnInsert": {"last": Int64(last)}},
                upsert=True,
                session=session,
            )

        await self._database.transact(enter)
        async with self._database.bounded():
            # Made here and not by the first insert, whose transaction would then stand in others' way.
            with contextlib.suppress(mongo.CollectionInvalid):
                await self._create(place.physical)

    async def _create(self, name: str) -> None:
        try:
            await self._database.db.create_collection(name)
        except mongo.OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise

    async def _count(self, place: Place, session: Session) -> None:
        """Count one collection more for its plugin. Raises Invalid over the limit."""
        counted = await self._plugins.find_one_and_update(
            {"_id": place.plugin},
            {"$inc": {"collections": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if counted["collections"] > MAX_COLLECTIONS:
            raise errors.Invalid(
                f"collection: a plugin has at most {MAX_COLLECTIONS:,} collections", path="collection"
            )

    async def _last_id(self, place: Place) -> int:
        async with self._database.bounded():
            collection = self._database.collection(place.physical)
            found = await collection.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
        return int(found["_id"]) if found else 0
