"""Reading the run history."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from services.data.models import StoredRun, utc
from services.data.repository.mongo import Database, Document
from services.data.repository.run_records import RUNS
from shared import errors
from shared.contracts.base import ObjectRef, Timestamp, parse_timestamp
from shared.contracts.runs import Caller, ListRuns, Run

_SEARCHED: Final = ("_id", "plugin", "action", "actor", "error")
_FILTERS: Final = ("plugin", "action", "state", "outcome", "kind", "trigger", "actor", "parent")
_ID_BEGINS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{0,27}")
_NEVER_TAKEN: Final[Document] = {"attempt": None}
"""What waits for another attempt was taken once: its command is another, and newer."""
_MOST_SEARCHED: Final = 20_000
"""Runs that a search for a text looks through."""
_MOST_COUNTED: Final = 20_000
_COUNT_S: Final = 0.5
_FAR: Final = 1000
_MOST_SIBLINGS: Final = 1000
_SCHEDULE: Final = "schedule:"
_BRIEF: Final = {"params": 0, "result": 0}
_SWEPT: Final = 500


class Runs:
    """The reading side of the run history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = database.collection(RUNS)

    async def get(self, run_id: str) -> StoredRun | None:
        """A run with its params and result; None where history has nothing of it."""
        async with self._database.bounded():
            found = await self._runs.find_one({"_id": run_id})
        return None if found is None else _stored(found)

    async def page(self, query: ListRuns) -> tuple[list[Run], int, bool]:
        """A page of runs, without params and results, how many match, and whether that is the exact number."""
        wanted: Document = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
        if query.search:
            return await self._search(query, wanted)
        found = await (self._far if query.offset > _FAR else self._near)(query, wanted)
        seen = query.offset + len(found)
        if len(found) <= query.limit and (found or not query.offset):
            return found, seen, True
        total, exact = await self._count(wanted)
        return found[: query.limit], max(total, seen if found else 0), exact

    async def _near(self, query: ListRuns, wanted: Document) -> list[Run]:
        """The page's runs, and one more where there is one."""
        async with self._database.bounded():
            page = self._runs.find(wanted, _BRIEF).sort(_order(query)).skip(query.offset)
            return [_stored(one).run async for one in page.limit(query.limit + 1)]

    async def _far(self, query: ListRuns, wanted: Document) -> list[Run]:
        """The same far behind: what is skipped is read from an index alone."""
        async with self._database.bounded():
            page = self._runs.find(wanted, {"_id": 1}).sort(_order(query)).skip(query.offset)
            ids = [one["_id"] async for one in page.limit(query.limit + 1)]
            found = self._runs.find({"_id": {"$in": ids}}, _BRIEF)
            runs = {one["_id"]: _stored(one).run async for one in found}
        return [runs[run_id] for run_id in ids if run_id in runs]

    async def _search(self, query: ListRuns, wanted: Document) -> tuple[list[Run], int, bool]:
        """Runs by a text: by the beginning of an id among all, by any other text among the first that match."""
        text = str(query.search)
        if "\0" in text:
            raise errors.Invalid("search: NUL", path="search")
        if _ID_BEGINS.fullmatch(text.lower()):
            begins = {"_id": {"$gte": text.lower(), "$lt": text.lower() + "g"}}
            among: list[Document] = [{"$match": {**wanted, **begins}}, {"$sort": dict(_order(query))}]
            exact = True
        else:
            regex = {"$regex": re.escape(text), "$options": "i"}
            among = [{"$match": wanted}] if wanted else []
            among += [
                {"$sort": dict(_order(query))},
                {"$limit": _MOST_SEARCHED},
                {"$match": {"$or": [{name: regex} for name in _SEARCHED]}},
            ]
            looked_through, whole = await self._count(wanted)
            exact = whole and looked_through <= _MOST_SEARCHED
        ends: list[Document] = [{"$skip": query.offset}, {"$limit": query.limit + 1}, {"$project": _BRIEF}]
        async with self._database.bounded():
            found = [_stored(one).run async for one in self._runs.aggregate([*among, *ends])]
        seen = query.offset + len(found)
        if len(found) <= query.limit and (found or not query.offset):
            return found, seen, exact
        try:
            async with self._database.bounded(_COUNT_S):
                counted = await self._runs.aggregate([*among, {"$count": "total"}]).to_list(1)
        except errors.TimedOut:
            return found[: query.limit], seen if found else 0, False
        return found[: query.limit], counted[0]["total"] if counted else 0, exact

    async def _count(self, wanted: Document) -> tuple[int, bool]:
        """How many match, and whether that is all of them: neither many nor rare ones are counted to the end."""
        if not wanted:
            # Kept by the database itself; after it was killed it may be a little off for a while.
            async with self._database.bounded():
                return await self._runs.estimated_document_count(), True
        try:
            async with self._database.bounded(_COUNT_S):
                count = await self._runs.count_documents(wanted, limit=_MOST_COUNTED)
        except errors.TimedOut:
            return 0, False
        return count, count < _MOST_COUNTED

    async def siblings(self, run: Run) -> list[Run]:
        """Running runs of the same plugin in the same executor."""
        wanted = {
            "plugin": run.plugin,
            "state": "running",
            "executor": run.executor,
            "_id": {"$ne": run.run_id},
        }
        async with self._database.bounded():
            found = self._runs.find(wanted, _BRIEF).sort("created_at", -1).limit(_MOST_SIBLINGS)
            return [_stored(one).run async for one in found]

    async def sent_again(self, run: Run) -> None:
        """Note that the command of a run's next attempt is stored."""
        async with self._database.bounded():
            waiting = {"_id": run.run_id, "state": "queued", "attempt": run.attempt}
            await self._runs.update_one(waiting, {"$unset": {"retry_at": ""}})

    async def due(self, now: Timestamp) -> list[StoredRun]:
        """Queued runs whose next attempt is to begin, the longest waiting first."""
        wanted = {"state": "queued", "retry_at": {"$lte": now}}
        async with self._database.bounded():
            found = self._runs.find(wanted, _BRIEF).sort("retry_at", 1).limit(_SWEPT)
            return [_stored(one) async for one in found]

    async def first_commands(self, run_ids: list[str]) -> dict[str, int]:
        """Run id → sequence of the command that counts as the run's."""
        async with self._database.bounded():
            found = self._runs.find({"_id": {"$in": run_ids}}, {"command_seq": 1})
            return {one["_id"]: one["command_seq"] async for one in found if one.get("command_seq")}

    async def overdue(self, now: Timestamp, before_s: float) -> list[StoredRun]:
        """Queued runs that have expired, or were asked for before a moment (seconds since 1970)."""
        late = [{"expires_at": {"$lt": now}}, {"at": {"$lt": utc(before_s)}}]
        return await self._swept({"state": "queued", **_NEVER_TAKEN, "$or": late})

    async def queued_plugins(self) -> set[str]:
        """Plugins for which runs are queued."""
        async with self._database.bounded():
            return set(await self._runs.distinct("plugin", {"state": "queued"}))

    async def queued(self, plugin: str, *, before_s: float | None = None) -> list[StoredRun]:
        """Queued runs of a plugin, or those of them that were asked for before a moment."""
        wanted: Document = {"state": "queued", "plugin": plugin}
        if before_s is not None:
            wanted |= {"at": {"$lt": utc(before_s)}, **_NEVER_TAKEN}
        return await self._swept(wanted)

    async def running(self) -> AsyncIterator[StoredRun]:
        """Runs that history believes to be running, the oldest first."""
        async with self._database.bounded():
            found = await self._runs.find({"state": "running"}, _BRIEF).sort("created_at", 1).to_list(10_000)
        for one in found:
            yield _stored(one)

    async def _swept(self, wanted: Document) -> list[StoredRun]:
        async with self._database.bounded():
            found = self._runs.find(wanted, _BRIEF).sort("created_at", 1).limit(_SWEPT)
            return [_stored(one) async for one in found]


def _order(query: ListRuns) -> list[tuple[str, int]]:
    direction = -1 if query.sort.startswith("-") else 1
    return [("created_at", direction), ("_id", direction)]


def _stored(document: Document) -> StoredRun:
    started, ended = document.get("started_at"), document.get("ended_at")
    fields = {name: document[name] for name in Run.model_fields if document.get(name) is not None}
    for name in ("params", "result"):
        if name in fields:
            fields[name] = _payload(fields[name])
    if started and ended:
        took = parse_timestamp(ended) - parse_timestamp(started)
        fields["duration_s"] = round(took.total_seconds(), 3)
    actor = str(document.get("actor") or "")
    if document.get("trigger") == "schedule" and actor.startswith(_SCHEDULE):
        fields["schedule_id"] = actor.removeprefix(_SCHEDULE)
    caller = document.get("caller")
    return StoredRun(
        run=Run.model_validate({**fields, "run_id": document["_id"]}),
        caller=Caller.model_validate(caller) if caller else None,
        command_seq=document.get("claimed_seq") or document.get("command_seq"),
        epoch=document.get("epoch"),
        secret_params=tuple(document.get("secret_params") or ()),
        expires_at=document.get("expires_at"),
    )


def _payload(data: bytes) -> Any:
    value = orjson.loads(data)
    return ObjectRef.read(value) or value
