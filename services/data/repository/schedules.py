"""Schedules, and what became of their ticks.

What somebody changes raises `rev`; what a tick changes does not, and is done only while the schedule still
waits for exactly that tick.
"""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import ValidationError
from pymongo import errors as mongo

from services.data.models import utc
from services.data.repository.mongo import Database, Document
from shared import errors
from shared.contracts.base import JsonObject, Timestamp, parse_timestamp
from shared.contracts.schedules import ListTicks, StoredSchedule, Tick, TickOutcome
from shared.logging import get_logger

SCHEDULES: Final = "schedules"
TICKS: Final = "schedule_ticks"
NOBODY: Final = "the platform was not running"
_SENT: Final = "last_sent_at"
"""When the last run was asked for; `last_at` is when it was due, which may be long before."""
MOST_TICKS: Final = 5000
"""Entries that are kept of one schedule, besides the days for which all are kept."""
_BULK: Final = 1000

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of the tick that a schedule waits for: made once, then followed by whoever comes."""

    key: str
    """Follows from the schedule and the time that was waited for."""
    schedule_id: str
    at: Timestamp
    outcome: TickOutcome
    reason: str | None
    run_id: str | None
    missed_at: Timestamp | None = None
    """The first of the ticks before this one that nobody was there for."""
    missed: int = 0
    """How many those are."""

    def entry(self) -> Document:
        """As the history of ticks keeps it, and whoever comes later follows it."""
        entry = self._entry(self.key, self.at, self.outcome, self.reason)
        if self.outcome == "missed":
            entry |= {"due_at": self.missed_at or self.at, "count": self.missed + 1}
        return {**entry, "run_id": self.run_id, "decision": orjson.dumps(asdict(self))}

    def missed_entry(self) -> Document | None:
        """The entry of those that were missed before one that was not."""
        if self.outcome == "missed" or self.missed_at is None:
            return None
        return {**self._entry(f"{self.key}.missed", self.missed_at, "missed", NOBODY), "count": self.missed}

    def _entry(self, key: str, at: Timestamp, outcome: TickOutcome, reason: str | None) -> Document:
        return {
            "_id": key,
            "schedule_id": self.schedule_id,
            "due_at": at,
            "outcome": outcome,
            "reason": reason,
            "at": utc(time.time()),
        }


class Schedules:
    """Every access to schedules and their ticks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._schedules = database.collection(SCHEDULES)
        self._ticks = database.collection(TICKS)

    async def get(self, schedule_id: str) -> StoredSchedule | None:
        async with self._database.bounded():
            found = await self._schedules.find_one({"_id": schedule_id})
        return None if found is None else _schedule(found)

    async def page(self, plugin: str | None, limit: int, offset: int) -> tuple[list[StoredSchedule], int]:
        """A page by name, and the number of all that match."""
        wanted = {} if plugin is None else {"plugin": plugin}
        async with self._database.bounded():
            total = await self._schedules.count_documents(wanted)
            page = self._schedules.find(wanted).sort([("name", 1), ("_id", 1)]).skip(offset).limit(limit)
            return [_schedule(one) async for one in page], total

    async def count(self) -> int:
        async with self._database.bounded():
            return int(await self._schedules.count_documents({}))

    async def every(self) -> list[StoredSchedule]:
        """Every schedule that can be read, without params."""
        async with self._database.bounded(self._database.bulk_timeout_s):
            found = self._schedules.find({}, {"params": 0}).batch_size(_BULK)
            return _readable([one async for one in found])

    async def of_plugin(self, plugin: str) -> list[StoredSchedule]:
        """A plugin's schedules that can be read, without params."""
        async with self._database.bounded():
            found = self._schedules.find({"plugin": plugin}, {"params": 0})
            return _readable([one async for one in found])

    async def ids_of_plugin(self, plugin: str) -> list[str]:
        """A plugin's schedules, also those that cannot be read."""
        async with self._database.bounded():
            return [one["_id"] async for one in self._schedules.find({"plugin": plugin}, {"_id": 1})]

    async def insert(self, schedule: StoredSchedule) -> None:
        async with self._database.bounded():
            try:
                await self._schedules.insert_one(_document(schedule))
            except mongo.DuplicateKeyError as error:
                raise errors.Conflict(f"schedule {schedule.id} is there already") from error

    async def replace(self, schedule: StoredSchedule, known: StoredSchedule) -> bool:
        """Write a schedule over the one that is known; whether that was still there."""
        document = _document(schedule)
        # What ticks have done meanwhile stays.
        for name in ("_id", "last_at", "last_run_id", "missed_count", "skipped_count"):
            del document[name]
        async with self._database.bounded():
            result = await self._schedules.update_one(_waiting(known), {"$set": document})
        return bool(result.matched_count)

    async def set_due(self, schedule: StoredSchedule, next_at: Timestamp | None) -> bool:
        """Have it wait for another tick, or for none; whether it still waited for the one that is known."""
        async with self._database.bounded():
            result = await self._schedules.update_one(_waiting(schedule), {"$set": {"next_at": next_at}})
        return bool(result.matched_count)

    async def delete(self, schedule_id: str) -> bool:
        """Remove a schedule and its ticks; whether there was one."""
        async with self._database.bounded():
            result = await self._schedules.delete_one({"_id": schedule_id})
            await self._ticks.delete_many({"schedule_id": schedule_id})
        return bool(result.deleted_count)

    # Ticks

    async def decide(self, decision: Decision) -> Decision:
        """Keep what is to become of a tick; what was decided before, where somebody was quicker."""
        async with self._database.bounded():
            await self._enter(decision.entry())
            found = await self._ticks.find_one({"_id": decision.key})
        # Its schedule may be removed just now, and its ticks with it.
        return decision if found is None else Decision(**orjson.loads(found["decision"]))

    async def advance(self, schedule: StoredSchedule, decision: Decision, next_at: Timestamp | None) -> bool:
        """Enter what became of the tick, and wait for the next one; False where somebody else did."""
        ran, skipped = decision.outcome == "ran", decision.outcome == "skipped"
        missed = decision.missed + (decision.outcome == "missed")
        values: Document = {"next_at": next_at}
        if ran:
            values |= {"last_at": decision.at, "last_run_id": decision.run_id, _SENT: utc(time.time())}
        if schedule.at is not None:
            values["enabled"] = False
        async with self._database.bounded():
            missed_entry = decision.missed_entry()
            if missed_entry is not None:
                await self._enter(missed_entry)
            result = await self._schedules.update_one(
                _waiting(schedule),
                {"$set": values, "$inc": {"missed_count": missed, "skipped_count": int(skipped)}},
            )
        return bool(result.modified_count)

    async def ran_now(self, schedule: StoredSchedule, decision: Decision, *, alone: bool) -> bool:
        """Have a run that no tick asked for be the last one; `alone` only where no other is since the known."""
        wanted: Document = {"_id": schedule.id}
        if alone:
            wanted["last_run_id"] = schedule.last_run_id
        async with self._database.bounded():
            result = await self._schedules.update_one(
                wanted,
                {
                    "$set": {
                        "last_at": decision.at,
                        "last_run_id": decision.run_id,
                        _SENT: utc(time.time()),
                    }
                },
            )
        return bool(result.matched_count)

    async def enter(self, decision: Decision) -> None:
        """Keep what became of something that no tick asked for."""
        async with self._database.bounded():
            await self._enter(decision.entry())

    async def sent_s(self, schedule: StoredSchedule) -> float:
        """When the command of its last run was stored, as far as is known: seconds since 1970."""
        async with self._database.bounded():
            found = await self._schedules.find_one(
                {"_id": schedule.id, "last_run_id": schedule.last_run_id}, {_SENT: 1}
            )
        if found and found.get(_SENT):
            sent: datetime = found[_SENT]
            return sent.replace(tzinfo=UTC).timestamp()
        return parse_timestamp(schedule.last_at).timestamp() if schedule.last_at else 0.0

    async def ticks(self, query: ListTicks) -> tuple[list[Tick], int]:
        """A page of what became of ticks, the newest first, and how many there are."""
        wanted = {"schedule_id": query.id}
        async with self._database.bounded():
            total = await self._ticks.count_documents(wanted)
            page = self._ticks.find(wanted).sort([("due_at", -1), ("_id", -1)])
            page = page.skip(query.offset).limit(query.limit)
            return [_tick(one) async for one in page], total

    async def prune(self, schedule_id: str) -> int:
        """Forget all but the newest ticks; how many were forgotten."""
        wanted: Document = {"schedule_id": schedule_id}
        async with self._database.bounded():
            oldest = await (
                self._ticks.find(wanted, {"due_at": 1})
                .sort("due_at", -1)
                .skip(MOST_TICKS)
                .limit(1)
                .to_list(1)
            )
            if not oldest:
                return 0
            result = await self._ticks.delete_many({**wanted, "due_at": {"$lte": oldest[0]["due_at"]}})
        return int(result.deleted_count)

    async def _enter(self, entry: Document) -> None:
        try:
            await self._ticks.update_one({"_id": entry["_id"]}, {"$setOnInsert": entry}, upsert=True)
        except mongo.DuplicateKeyError:
            return  # another replica entered the same


def _waiting(schedule: StoredSchedule) -> Document:
    """The schedule, while it waits for the tick that is known."""
    return {"_id": schedule.id, "rev": schedule.rev, "next_at": schedule.next_at}


def _document(schedule: StoredSchedule) -> Document:
    document = schedule.model_dump(exclude={"id", "params", "problem"})
    # As text: nothing is looked up in params, and any keys are theirs.
    return {**document, "_id": schedule.id, "params": orjson.dumps(schedule.params)}


def _schedule(document: Document) -> StoredSchedule:
    params: JsonObject = orjson.loads(document["params"]) if document.get("params") else {}
    return StoredSchedule.model_validate({**document, "id": document["_id"], "params": params})


def _readable(documents: list[Document]) -> list[StoredSchedule]:
    """Schedules; what another tool made of one of them stands in the way of no other."""
    found: list[StoredSchedule] = []
    for document in documents:
        try:
            found.append(_schedule(document))
        except ValidationError as error:
            log.warning("schedule_not_understood", schedule=str(document["_id"]), reason=str(error)[:500])
    return found


def _tick(document: Document) -> Tick:
    fields: dict[str, Any] = {name: document.get(name) for name in ("outcome", "reason", "run_id")}
    return Tick.model_validate({**fields, "at": document["due_at"], "count": document.get("count", 1)})
