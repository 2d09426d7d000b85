"""What is known of files, and where a plugin still names them."""

import re
import time
from collections.abc import Iterable
from typing import Final

import orjson

from services.data.models import utc
from services.data.repository.mongo import Database, Document
from services.data.repository.schedules import SCHEDULES
from shared.contracts.files import StoredFile

FILES: Final = "files"


class Files:
    """The documents beside the contents, which lie in the Object Store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._files = database.collection(FILES)

    async def insert(self, file: StoredFile, *, keep_until_s: float) -> None:
        """Make a file known, or say the same once more."""
        document = {**file.model_dump(exclude={"id"}), "keep_until": utc(keep_until_s)}
        async with self._database.bounded():
            await self._files.update_one({"_id": file.id}, {"$setOnInsert": document}, upsert=True)

    async def get(self, file_id: str) -> StoredFile | None:
        async with self._database.bounded():
            found = await self._files.find_one({"_id": file_id})
        return None if found is None else _file(found)

    async def use(self, plugin: str, ids: Iterable[str], *, keep_until_s: float) -> dict[str, StoredFile]:
        """Give files that are nobody's to a plugin; those of the files that exist, whosever they are."""
        wanted = {"_id": {"$in": sorted(ids)}}
        async with self._database.bounded():
            await self._files.update_many(
                {**wanted, "plugin": {"$in": [None, plugin]}},
                {"$set": {"plugin": plugin}, "$max": {"keep_until": utc(keep_until_s)}},
            )
            return {found["_id"]: _file(found) async for found in self._files.find(wanted)}

    async def known(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are files."""
        async with self._database.bounded():
            found = self._files.find({"_id": {"$in": sorted(ids)}}, {"_id": 1})
            return {one["_id"] async for one in found}

    async def expired(self, now_s: float, limit: int) -> list[StoredFile]:
        """Files that are kept only where something names them."""
        async with self._database.bounded():
            found = self._files.find({"keep_until": {"$lt": utc(now_s)}}).sort("keep_until", 1).limit(limit)
            return [_file(one) async for one in found]

    async def keep(self, ids: Iterable[str], *, until_s: float) -> None:
        """Do not ask again for a while."""
        async with self._database.bounded():
            await self._files.update_many(
                {"_id": {"$in": sorted(ids)}}, {"$max": {"keep_until": utc(until_s)}}
            )

    async def release(self, plugin: str) -> None:
        """Keep a plugin's files only where something names them."""
        async with self._database.bounded():
            await self._files.update_many({"plugin": plugin}, {"$set": {"keep_until": utc(time.time())}})

    async def forget(self, file_id: str, now_s: float) -> bool:
        """Forget a file, unless it has come into use by now; whether it is forgotten."""
        async with self._database.bounded():
            result = await self._files.delete_one({"_id": file_id, "keep_until": {"$lt": utc(now_s)}})
        return bool(result.deleted_count)

    async def named_by(self, plugin: str, ids: set[str]) -> set[str]:
        """Those of the files that the plugin's schedules or documents name."""
        named: set[str] = set()
        async with self._database.bounded(self._database.bulk_timeout_s):
            schedules = self._database.collection(SCHEDULES).find({"plugin": plugin}, {"params": 1})
            async for one in schedules:
                named |= mentioned(one.get("params") or b"", ids)
            places = self._database.collection("collections").find({"plugin": plugin}, {"_id": 1})
            async for place in places:
                left = ids - named
                if not left:
                    break
                # Ids are hexadecimal: nothing in them means anything to a pattern.
                query: Document = {"s": {"$regex": "|".join(map(re.escape, sorted(left)))}}
                async for item in self._database.collection(place["_id"]).find(query, {"s": 1}):
                    named |= mentioned(item["s"].encode(), left)
        return named


def mentioned(text: bytes, ids: set[str]) -> set[str]:
    """Those of the ids that stand in a text."""
    return {file_id for file_id in ids if file_id.encode() in text}


def mentioned_in(value: object, ids: set[str]) -> set[str]:
    """Those of the ids that stand in a JSON value."""
    return mentioned(orjson.dumps(value), ids)


def _file(document: Document) -> StoredFile:
    return StoredFile.model_validate({**document, "id": document["_id"]})
