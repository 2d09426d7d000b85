"""Writing the run history: a projection of `RUN_CMD` and `RUN_STATE`.

Each write may come twice, and in any order: an entry of the ledger counts if its sequence is higher than the
one that is stored, nothing follows a final state, and a run's command is the first that was stored for it.

Most runs are short: their command, claim and end come in one batch and are one insertion. So each run is first
written in the way that it most likely needs, and only what is not settled by that in the way that always works.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pymongo import UpdateOne
from pymongo import errors as mongo

from services.data.models import Batch, ReceivedCommand, StateEntry, utc
from services.data.repository.mongo import Database, Document
from shared.contracts.base import ObjectRef, timestamp_of
from shared.contracts.runs import FINAL

RUNS: Final = "runs"
_ENDED: Final = sorted(FINAL)
_SAID: Final = (
    "executor",
    "epoch",
    "started_at",
    "ended_at",
    "outcome",
    "cause",
    "error",
    "error_type",
    "retry_at",
)
"""What an entry of the ledger says, and what is not so any more where it does not say it."""
_COPIED: Final = ("kind", "trigger", "actor", "parent", "retry_of", "expires_at")
_DUPLICATE: Final = 11000


@dataclass(slots=True)
class _Run:
    """What a batch has of one run."""

    command: ReceivedCommand | None = None
    states: list[StateEntry] = field(default_factory=list)


class RunRecords:
    """The writing side of the run history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = database.collection(RUNS)

    async def record(self, batch: Batch) -> None:
        """Write a batch; it is stored by a majority when this returns."""
        runs = _by_run(batch)
        if not runs:
            return
        left = await self._likely(runs)
        if not left:
            return
        operations = [operation for run in left for operation in _whatever_is_stored(run)]
        try:
            await self._write(operations, ordered=True)
        except mongo.BulkWriteError as error:
            _refuse_other_faults(error)
            # Another replica made the same document at the same moment: now it is there.
            await self._write(operations, ordered=True)

    async def _likely(self, runs: list[_Run]) -> list[_Run]:
        """Insert the runs whose command is here, update the others; those that this may not have settled."""
        new = [run for run in runs if run.command is not None]
        known = [run for run in runs if run.command is None]
        inserts = [_insertion(run) for run in new]
        updates = [_update(_last(run.states)) for run in known]
        try:
            result = await self._write([*inserts, *updates], ordered=False)
        except mongo.BulkWriteError as error:
            _refuse_other_faults(error)
            return runs
        made = result.upserted_ids or {}
        left = [run for number, run in enumerate(new) if number not in made]
        if result.matched_count - len(left) != len(known):
            left += known  # which of them did not match is not told
        return left

    async def _write(self, operations: list[UpdateOne], *, ordered: bool) -> Any:
        async with self._database.bounded():
            return await self._runs.bulk_write(operations, ordered=ordered)


def _by_run(batch: Batch) -> list[_Run]:
    runs: dict[str, _Run] = {}
    for received in batch.commands:
        run = runs.setdefault(received.command.run_id, _Run())
        if run.command is None or received.seq < run.command.seq:
            run.command = received
    for entry in batch.states:
        runs.setdefault(entry.state.run_id, _Run()).states.append(entry)
    return list(runs.values())


def _insertion(run: _Run) -> UpdateOne:
    """The run as it stands, where nothing of it is stored yet."""
    assert run.command is not None
    document = {**_of_command(run.command), **_made(run.command.time_s)}
    if run.states:
        said, _ = _of_state(_last(run.states))
        document |= said
    return UpdateOne({"_id": run.command.command.run_id}, {"$setOnInsert": document}, upsert=True)


def _update(entry: StateEntry) -> UpdateOne:
    """An entry of the ledger, where it is newer than what is stored."""
    said, gone = _of_state(entry)
    newer = {"_id": entry.state.run_id, "state_seq": {"$lt": entry.seq}, "state": {"$nin": _ENDED}}
    change = {"$set": said, "$unset": dict.fromkeys(gone, "")} if gone else {"$set": said}
    return UpdateOne(newer, change)


def _whatever_is_stored(run: _Run) -> list[UpdateOne]:
    operations: list[UpdateOne] = []
    if run.command is not None:
        command = run.command.command
        values = _of_command(run.command)
        first = {
            "_id": command.run_id,
            "$or": [{"command_seq": None}, {"command_seq": {"$gt": run.command.seq}}],
        }
        made = {"$setOnInsert": {**values, **_made(run.command.time_s)}}
        operations += [
            UpdateOne({"_id": command.run_id}, made, upsert=True),
            UpdateOne(first, {"$set": values}),
        ]
    for entry in sorted(run.states, key=_seq):
        state = entry.state
        found: Document = {
            **_made(entry.time_s),
            "plugin": state.plugin,
            "action": state.action,
            "created_at": state.started_at or timestamp_of(entry.time_s),
        }
        operations += [
            UpdateOne({"_id": state.run_id}, {"$setOnInsert": found}, upsert=True),
            _update(entry),
        ]
        if state.state == "running":
            # A claim that comes after the end still says who had the run, and since when.
            late = {"_id": state.run_id, "state_seq": {"$gt": entry.seq}, "started_at": None}
            said = {name: value for name in _SAID if (value := getattr(state, name)) is not None}
            operations.append(UpdateOne(late, {"$set": said}))
    return operations


def _made(time_s: float) -> Document:
    return {"state": "queued", "state_seq": 0, "at": utc(time_s)}


def _of_command(received: ReceivedCommand) -> Document:
    command = received.command
    values: Document = {
        "plugin": command.plugin,
        "action": command.action,
        "params": _json(command.params),
        "created_at": command.created_at or timestamp_of(received.time_s),
        "command_seq": received.seq,
    }
    values |= {name: value for name in _COPIED if (value := getattr(command, name)) is not None}
    if command.secret_params:
        values["secret_params"] = list(command.secret_params)
    if command.caller is not None:
        values["caller"] = command.caller.model_dump()
    return values


def _of_state(entry: StateEntry) -> tuple[Document, list[str]]:
    """What an entry of the ledger sets, and what it takes away: it is the whole of what is so."""
    state = entry.state
    values: Document = {
        "state": state.state,
        "state_seq": entry.seq,
        "attempt": state.attempt,
        "plugin": state.plugin,
        "action": state.action,
    }
    if state.actor is not None:
        values["actor"] = state.actor
    if state.command_seq is not None:
        values["claimed_seq"] = state.command_seq
    if state.progress is not None:
        values["progress"] = state.progress.model_dump()
    if state.result is not None:
        values["result"] = _json(state.result)
    values |= {name: value for name in _SAID if (value := getattr(state, name)) is not None}
    # Only another attempt has something before it that does not hold any more.
    gone = [name for name in (*_SAID, "progress") if name not in values] if state.attempt > 1 else []
    return values, gone


def _last(states: list[StateEntry]) -> StateEntry:
    return max(states, key=_seq)


def _seq(entry: StateEntry) -> int:
    return entry.seq


def _refuse_other_faults(error: mongo.BulkWriteError) -> None:
    if any(fault["code"] != _DUPLICATE for fault in error.details["writeErrors"]):
        raise error


def _json(value: Any) -> bytes:
    """Params and results as JSON: any keys and numbers, nothing is looked up in them."""
    return orjson.dumps(value.model_dump() if isinstance(value, ObjectRef) else value)
