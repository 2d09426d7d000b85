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
_FILTERS: Final = ("plugin", "action", "state", "outcome", "actor", "parent")
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

    async def page(self, query: ListRuns) -> tuple[list[Run], int]:
        """A page of runs, without params and results, and the number of all that match."""
        wanted: Document = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
        if query.search:
            if "\0" in query.search:
                raise errors.Invalid("search: NUL", path="search")
            text = {"$regex": re.escape(query.search), "$options": "i"}
            wanted["$or"] = [{name: text} for name in _SEARCHED]
        direction = -1 if query.sort.startswith("-") else 1
        async with self._database.bounded():
            total = await self._runs.count_documents(wanted)
            page = self._runs.find(wanted, _BRIEF)
            page = page.sort([("created_at", direction), ("_id", direction)])
            page = page.skip(query.offset).limit(query.limit)
            return [_stored(found).run async for found in page], total

    async def first_commands(self, run_ids: list[str]) -> dict[str, int]:
        """Run id → sequence of the command that counts as the run's."""
        async with self._database.bounded():
            found = self._runs.find({"_id": {"$in": run_ids}}, {"command_seq": 1})
            return {one["_id"]: one["command_seq"] async for one in found if one.get("command_seq")}

    async def overdue(self, now: Timestamp, before_s: float) -> list[StoredRun]:
        """Queued runs that have expired, or were asked for before a moment (seconds since 1970)."""
        late = [{"expires_at": {"$lt": now}}, {"at": {"$lt": utc(before_s)}}]
        return await self._swept({"state": "queued", "$or": late})

    async def queued_plugins(self) -> set[str]:
        """Plugins for which runs are queued."""
        async with self._database.bounded():
            return set(await self._runs.distinct("plugin", {"state": "queued"}))

    async def queued(self, plugin: str, *, before_s: float | None = None) -> list[StoredRun]:
        """Queued runs of a plugin, or those of them that were asked for before a moment."""
        wanted: Document = {"state": "queued", "plugin": plugin}
        if before_s is not None:
            wanted["at"] = {"$lt": utc(before_s)}
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


def _stored(document: Document) -> StoredRun:
    started, ended = document.get("started_at"), document.get("ended_at")
    fields = {name: document[name] for name in Run.model_fields if document.get(name) is not None}
    for name in ("params", "result"):
        if name in fields:
            fields[name] = _payload(fields[name])
    if started and ended:
        took = parse_timestamp(ended) - parse_timestamp(started)
        fields["duration_s"] = round(took.total_seconds(), 3)
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
