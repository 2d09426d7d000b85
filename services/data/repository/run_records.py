"""Writing the run history: a projection of `RUN_CMD` and `RUN_STATE`.

Each write may come twice, and in any order: an entry of the ledger counts if its sequence is higher than the
one that is stored, nothing follows a final state, and a run's command is the first that was stored for it.
"""

from typing import Any, Final

import orjson
from pymongo import UpdateOne
from pymongo import errors as mongo

from services.data.models import Batch, ReceivedCommand, StateEntry, utc
from services.data.repository.mongo import Database, Document
from shared.contracts.base import timestamp_of
from shared.contracts.runs import FINAL

RUNS: Final = "runs"
_ENDED: Final = sorted(FINAL)
_SAID: Final = (
    "actor",
    "executor",
    "epoch",
    "started_at",
    "ended_at",
    "outcome",
    "cause",
    "error",
    "error_type",
)


class RunRecords:
    """The writing side of the run history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = database.collection(RUNS)

    async def record(self, batch: Batch) -> None:
        """Write a batch; it is stored by a majority when this returns."""
        operations: list[UpdateOne] = []
        for received in batch.commands:
            operations += _of_command(received)
        for entry in batch.states:
            operations += _of_state(entry)
        if not operations:
            return
        try:
            await self._write(operations)
        except mongo.BulkWriteError as error:
            if any(fault["code"] != 11000 for fault in error.details["writeErrors"]):
                raise
            # Another replica made the same document at the same moment: now it is there.
            await self._write(operations)

    async def _write(self, operations: list[UpdateOne]) -> None:
        async with self._database.bounded():
            await self._runs.bulk_write(operations, ordered=True)


def _of_command(received: ReceivedCommand) -> list[UpdateOne]:
    command = received.command
    values: Document = {
        "plugin": command.plugin,
        "action": command.action,
        "kind": command.kind,
        "trigger": command.trigger,
        "actor": command.actor,
        "parent": command.parent,
        "retry_of": command.retry_of,
        "params": _json(command.model_dump(mode="json", include={"params"})["params"]),
        "secret_params": list(command.secret_params),
        "caller": command.caller.model_dump() if command.caller else None,
        "expires_at": command.expires_at,
        "created_at": command.created_at or timestamp_of(received.time_s),
        "command_seq": received.seq,
    }
    made = {"state": "queued", "state_seq": 0, "at": utc(received.time_s)}
    first = {
        "_id": command.run_id,
        "$or": [{"command_seq": None}, {"command_seq": {"$gt": received.seq}}],
    }
    return [
        UpdateOne({"_id": command.run_id}, {"$setOnInsert": {**values, **made}}, upsert=True),
        UpdateOne(first, {"$set": values}),
    ]


def _of_state(entry: StateEntry) -> list[UpdateOne]:
    state = entry.state
    said: Document = {name: value for name in _SAID if (value := getattr(state, name)) is not None}
    values: Document = {
        "state": state.state,
        "state_seq": entry.seq,
        "attempt": state.attempt,
        "plugin": state.plugin,
        "action": state.action,
        **said,
    }
    if state.command_seq is not None:
        values["claimed_seq"] = state.command_seq
    if state.state in FINAL:
        values["result"] = _json(state.model_dump(mode="json", include={"result"})["result"])
    made = {
        "state": "queued",
        "state_seq": 0,
        "plugin": state.plugin,
        "action": state.action,
        "created_at": state.started_at or timestamp_of(entry.time_s),
        "at": utc(entry.time_s),
    }
    newer = {"_id": state.run_id, "state_seq": {"$lt": entry.seq}, "state": {"$nin": _ENDED}}
    operations = [
        UpdateOne({"_id": state.run_id}, {"$setOnInsert": made}, upsert=True),
        UpdateOne(newer, {"$set": values}),
    ]
    if state.state == "running":
        # A claim that comes after the end still says who had the run, and since when.
        late = {"_id": state.run_id, "state_seq": {"$gt": entry.seq}, "started_at": None}
        operations.append(UpdateOne(late, {"$set": said}))
    return operations


def _json(value: Any) -> bytes:
    """Params and results as JSON: any keys and numbers, nothing is looked up in them."""
    return orjson.dumps(value)
