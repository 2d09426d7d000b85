"""What administrators chose for plugins: one document a plugin, `rev` rising for ever.

A deleted config leaves its `rev` behind: a plugin that comes back must not look older than it is known to be.
"""

from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument

from services.data.repository.documents import decoded
from services.data.repository.mongo import Database, Document
from shared.contracts.base import Timestamp, now
from shared.contracts.data import PluginConfig

CONFIGS: Final = "configs"


class Configs:
    """Plugin configs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._configs = database.collection(CONFIGS, raw=True)

    async def every(self) -> list[PluginConfig]:
        """Every config, in the order of keys."""
        async with self._database.bounded():
            found = self._configs.find({"deleted": {"$ne": True}}).sort("_id")
            return [_config(document) async for document in found]

    async def get(self, key: str) -> PluginConfig:
        """A plugin's config; the defaults where nothing was chosen yet."""
        async with self._database.bounded():
            found = await self._configs.find_one({"_id": key})
        return _config(found) if found else PluginConfig(key=key)

    async def enabled_since(self, keys: set[str]) -> dict[str, Timestamp]:
        """Those of the plugins that are enabled, and since when."""
        async with self._database.bounded():
            found = self._configs.find(
                {"_id": {"$in": sorted(keys)}, "enabled": True}, {"enabled_at": 1, "updated_at": 1}
            )
            return {one["_id"]: one.get("enabled_at") or one["updated_at"] async for one in found}

    async def set_enabled(self, key: str, *, enabled: bool, deleting: bool) -> PluginConfig:
        """Enable or disable a plugin."""
        since = {"$cond": [{"$eq": ["$enabled", True]}, "$enabled_at", now()]} if enabled else None
        ever = {"$or": [{"$ifNull": ["$ever_enabled", False]}, enabled]}
        chosen = {"enabled": enabled, "ever_enabled": ever, "enabled_at": since, "deleting": deleting}
        return await self._write(key, chosen)

    async def set_settings(self, key: str, settings: dict[str, Any]) -> PluginConfig:
        """Replace a plugin's settings."""
        return await self._write(key, {"settings": {"$literal": settings}})

    async def set_placement(self, key: str, placement: str | None) -> PluginConfig:
        """Say where a plugin runs, or leave that to its manifest."""
        return await self._write(key, {"placement": placement})

    async def delete(self, key: str) -> bool:
        """Forget what was chosen; whether there was anything."""
        gone = {"deleted": True, "enabled": False, "ever_enabled": False, "settings": {"$literal": {}}}
        async with self._database.bounded():
            result = await self._configs.update_one(
                {"_id": key, "deleted": {"$ne": True}},
                [
                    {"$set": {**gone, "rev": {"$add": ["$rev", 1]}, "updated_at": now()}},
                    {"$unset": ["placement", "enabled_at", "deleting"]},
                ],
            )
        return bool(result.modified_count)

    async def _write(self, key: str, values: Document) -> PluginConfig:
        stages = [
            {
                "$set": {
                    "enabled": {"$ifNull": ["$enabled", False]},
                    "ever_enabled": {"$ifNull": ["$ever_enabled", False]},
                    "settings": {"$ifNull": ["$settings", {"$literal": {}}]},
                    "rev": {"$add": [{"$ifNull": ["$rev", 0]}, 1]},
                    "updated_at": now(),
                    "deleted": False,
                    **values,
                }
            }
        ]
        async with self._database.bounded():
            written = await self._configs.find_one_and_update(
                {"_id": key}, stages, upsert=True, return_document=ReturnDocument.AFTER
            )
        return _config(written)


def _config(raw: RawBSONDocument) -> PluginConfig:
    document = decoded(raw)
    return PluginConfig.model_validate({**document, "key": document["_id"]})
