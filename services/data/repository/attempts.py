"""Attempts to log in, counted by name and by address, for all replicas together.

An attempt is counted before it is made: a hundred at once are a hundred, not one. Time is the database's.
"""

from datetime import timedelta
from typing import Final

from pymongo import ReturnDocument

from services.data.repository.mongo import Database, Document

ATTEMPTS: Final = "login_attempts"
FORGOTTEN_S: Final = 3600
"""Whoever does not try for so long starts anew."""


class Attempts:
    """How often somebody tried, and when they may again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attempts = database.collection(ATTEMPTS)

    async def take(self, key: str, *, free: int, longest_s: float) -> float:
        """Count an attempt; 0 if it may be made now, else the seconds to wait.

        After `free` attempts each one doubles the pause before the next, up to `longest_s`.
        """
        tried = {"$add": [{"$ifNull": ["$tried", 0]}, 1]}
        over = {"$min": [{"$subtract": [tried, free]}, 20]}
        pause_ms = {"$min": [{"$multiply": [500, {"$pow": [2, over]}]}, longest_s * 1000]}
        # No pause is no time at all: of two attempts at once the later one may have the earlier `$$NOW`.
        until = {"$cond": [{"$gte": [over, 0]}, {"$add": ["$$NOW", pause_ms]}, None]}
        # A pause longer than any: the clock was wrong when it began, and has been put right.
        longest = {"$add": ["$$NOW", longest_s * 1000]}
        waiting = {"$and": [{"$gt": ["$until", "$$NOW"]}, {"$lte": ["$until", longest]}]}
        steps: list[Document] = [
            {"$set": {"allowed": {"$not": [waiting]}}},
            {
                "$set": {
                    "tried": {"$cond": ["$allowed", tried, "$tried"]},
                    "until": {"$cond": ["$allowed", until, "$until"]},
                    "at": "$$NOW",
                }
            },
        ]
        async with self._database.bounded():
            found = await self._attempts.find_one_and_update(
                {"_id": key}, steps, upsert=True, return_document=ReturnDocument.AFTER
            )
        if found["allowed"]:
            return 0.0
        left: timedelta = found["until"] - found["at"]
        return max(left.total_seconds(), 0.1)

    async def succeeded(self, name_key: str, address_key: str) -> None:
        """Forget a name's attempts, and one of its address's: whoever may come in is not held up."""
        async with self._database.bounded():
            await self._attempts.delete_one({"_id": name_key})
            await self._attempts.update_one(
                {"_id": address_key, "tried": {"$gt": 0}},
                [{"$set": {"tried": {"$subtract": ["$tried", 1]}, "until": None}}],
            )
