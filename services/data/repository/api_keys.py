"""API keys: only their hashes are stored."""

from typing import Final

from services.data.repository.mongo import Database, Document
from services.data.repository.users import API_KEYS
from shared.contracts.base import new_id, now, parse_timestamp, timestamp_of
from shared.contracts.users import ApiKey

_USED_EVERY_S: Final = 60.0
"""`last_used` is written no more often than this."""


class ApiKeys:
    """API keys of users."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = database.collection(API_KEYS)

    async def create(self, user_id: str, name: str, prefix: str, key_hash: str) -> ApiKey:
        document: Document = {
            "_id": new_id(),
            "user_id": user_id,
            "name": name,
            "prefix": prefix,
            "hash": key_hash,
            "created_at": now(),
        }
        async with self._database.bounded():
            await self._keys.insert_one(document)
        return _key(document)

    async def of(self, user_id: str | None) -> list[ApiKey]:
        """Keys of a user, or of all; the oldest first."""
        wanted = {} if user_id is None else {"user_id": user_id}
        async with self._database.bounded():
            return [_key(found) async for found in self._keys.find(wanted, {"hash": 0}).sort("_id", 1)]

    async def delete(self, key_id: str, user_id: str | None) -> bool:
        """Delete a key, if it is that user's; whether there was one."""
        wanted = {"_id": key_id} if user_id is None else {"_id": key_id, "user_id": user_id}
        async with self._database.bounded():
            return bool((await self._keys.delete_one(wanted)).deleted_count)

    async def owner(self, key_hash: str) -> str | None:
        """The user to whom a key belongs; notes that it was used."""
        async with self._database.bounded():
            found = await self._keys.find_one({"hash": key_hash})
            if found is None:
                return None
            seen = timestamp_of(parse_timestamp(now()).timestamp() - _USED_EVERY_S)
            if (found.get("last_used") or "") < seen:
                await self._keys.update_one({"_id": found["_id"]}, {"$set": {"last_used": now()}})
        return str(found["user_id"])


def _key(document: Document) -> ApiKey:
    return ApiKey.model_validate({**document, "id": document["_id"]})
