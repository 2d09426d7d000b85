"""What background tasks leave behind: results by task, counters of chords; gone after a day."""

from datetime import UTC, datetime
from typing import Final

from pymongo import ReturnDocument
from pymongo import errors as mongo

from services.data.repository.mongo import Database

TASK_VALUES: Final = "task_values"
_STEPS_KNOWN: Final = 100


class TaskValues:
    """Keys and values of one plugin after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values = database.collection(TASK_VALUES)

    async def get(self, plugin: str, keys: tuple[str, ...]) -> dict[str, str]:
        """The values that there are."""
        wanted = {_id(plugin, key): key for key in keys}
        async with self._database.bounded():
            found = self._values.find({"_id": {"$in": list(wanted)}}, {"value": 1})
            return {wanted[one["_id"]]: one["value"] async for one in found if "value" in one}

    async def put(self, plugin: str, key: str, value: str) -> None:
        async with self._database.bounded():
            change = {"$set": {"value": value, "plugin": plugin, "at": datetime.now(UTC)}}
            await self._values.update_one({"_id": _id(plugin, key)}, change, upsert=True)

    async def count(self, plugin: str, key: str, step: str) -> int:
        """Raise a counter by one, to what is answered; a step taken before is only answered again."""
        change = {
            "$inc": {"count": 1},
            "$push": {"steps": {"$each": [step], "$slice": -_STEPS_KNOWN}},
            "$set": {"plugin": plugin, "at": datetime.now(UTC)},
        }
        name = _id(plugin, key)
        async with self._database.bounded():
            for _ in range(2):
                try:
                    found = await self._values.find_one_and_update(
                        {"_id": name, "steps": {"$ne": step}},
                        change,
                        upsert=True,
                        return_document=ReturnDocument.AFTER,
                    )
                except mongo.DuplicateKeyError:
                    # The step was taken, or another one made the counter at the same moment.
                    found = await self._values.find_one({"_id": name, "steps": step})
                if found is not None:
                    steps: list[str] = found["steps"]
                    return int(found["count"]) - (len(steps) - 1 - steps.index(step))
        return 0

    async def drop(self, plugin: str, key: str) -> None:
        async with self._database.bounded():
            await self._values.delete_one({"_id": _id(plugin, key)})

    async def forget(self, plugin: str) -> None:
        """Drop all of a plugin's."""
        async with self._database.bounded():
            await self._values.delete_many({"plugin": plugin})


def _id(plugin: str, key: str) -> str:
    # No plugin's key holds a line break.
    return f"{plugin}\n{key}"
