"""The run history at a million runs: its pages, counts and searches, and what a run costs to record."""

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.harness import Figure, latencies, p50
from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.process import free_port, stop
from deploy.embedded.secrets import ensure_secrets
from services.data.models import Batch, ReceivedCommand, StateEntry
from services.data.repository.indexes import prepare
from services.data.repository.mongo import Database
from services.data.repository.run_records import RUNS, RunRecords
from services.data.repository.runs import Runs
from shared.contracts.base import new_id, timestamp_of
from shared.contracts.runs import ListRuns, RunRequested, RunState

MANY: Final = 1_000_000
_AT_ONCE: Final = 10_000
_TIMES: Final = 15
_RECORDED: Final = 20_000
_BATCH: Final = 500
_PLUGINS: Final = 40
_STATES: Final = ("succeeded",) * 90 + ("failed",) * 7 + ("cancelled", "timed_out", "lost")


class Floor(NamedTuple):
    """What the driver alone needs in the same mongod."""

    value: float
    name: str


@contextmanager
def mongo() -> Iterator[str]:
    """A mongod as the platform embeds it; its URL."""
    with tempfile.TemporaryDirectory(prefix="plugarr-bench-") as name:
        folder = Path(name)
        secrets = ensure_secrets(folder / "secrets")
        server = Mongo(
            binary=binaries.mongod(),
            store=folder / "db",
            log=folder / "mongod.log",
            keyfile=folder / "secrets" / "mongo-keyfile",
            root_password=secrets["mongo-root"],
            data_password=secrets["mongo-data"],
            port=free_port(),
        )
        process = server.start()
        try:
            yield server.url_without_user.replace("mongodb://", f"mongodb://data:{secrets['mongo-data']}@")
        finally:
            stop(process)


def _document(number: int, chance: random.Random) -> dict[str, Any]:
    at = time.time() - 25 * 86_400 * (1 - number / MANY)
    state = chance.choice(_STATES)
    error = "ConnectionError: upstream refused" if state == "failed" else None
    return {
        "_id": new_id(),
        "plugin": f"plugin_{chance.randrange(_PLUGINS)}",
        "action": f"action_{chance.randrange(5)}",
        "kind": "action",
        "trigger": "user",
        "actor": f"user:u{chance.randrange(20)}",
        "state": state,
        "outcome": "ok" if state == "succeeded" else None,
        "params": b'{"text":"' + b"x" * 100 + b'"}',
        "result": b'{"status":"ok"}',
        "attempt": 1,
        "executor": "executor-1",
        "epoch": 7,
        "command_seq": number,
        "claimed_seq": number,
        "state_seq": number,
        "created_at": timestamp_of(at),
        "started_at": timestamp_of(at),
        "ended_at": timestamp_of(at + 0.5),
        **({"error": error, "cause": "raised"} if error else {}),
    }


async def _fill(database: Database) -> None:
    chance = random.Random(7)  # without `at`: nothing of it expires meanwhile
    for start in range(0, MANY, _AT_ONCE):
        documents = [_document(start + number, chance) for number in range(_AT_ONCE)]
        await database.collection(RUNS).insert_many(documents, ordered=False)


async def _ms(call: Callable[[], Awaitable[object]], times: int = _TIMES) -> float:
    await call()
    return p50(await latencies(call, times)) / 1000


async def _record(database: Database) -> float:
    """Short runs a second: command, claim and end in one batch, as the recorder gets them."""
    records = RunRecords(database)
    began = time.perf_counter()
    for start in range(0, _RECORDED, _BATCH):
        batch = Batch()
        for number in range(start, start + _BATCH):
            command = RunRequested(run_id=new_id(), plugin="plugin_1", action="a", params={"n": number})
            said = {"run_id": command.run_id, "plugin": "plugin_1", "action": "a", "command_seq": number}
            claim = RunState(**said, state="running", executor="e", epoch=1)
            end = claim.model_copy(update={"state": "succeeded", "outcome": "ok", "result": {"n": number}})
            batch.commands.append(ReceivedCommand(command, number + 1, time.time()))
            batch.states += [
                StateEntry(claim, 2 * number, time.time()),
                StateEntry(end, 2 * number + 1, time.time()),
            ]
        await records.record(batch)
    return _RECORDED / (time.perf_counter() - began)


async def _inserted(database: Database) -> float:
    """Documents a second, put into a collection without indexes in batches of the same size: the floor of recording."""
    chance = random.Random(7)
    batches = [[_document(number, chance) for number in range(_BATCH)] for _ in range(_RECORDED // _BATCH)]
    began = time.perf_counter()
    for documents in batches:
        await database.collection("floor").insert_many(documents, ordered=False)
    return _RECORDED / (time.perf_counter() - began)


async def _measure(url: str) -> list[Figure]:
    database = Database(url, timeout_s=60, bulk_timeout_s=60)
    await database.wait_ready()
    await prepare(database, history_days=30)
    await _fill(database)
    runs = Runs(database)

    def page(**query: Any) -> Callable[[], Awaitable[object]]:
        return lambda: runs.page(ListRuns(**query))

    found = await runs.page(ListRuns(plugin="plugin_3"))
    asked = {
        "the newest 50": page(),
        "the newest 50 of one plugin": page(plugin="plugin_3"),
        "the failed of one plugin": page(plugin="plugin_3", state="failed"),
        "all that succeeded (900,000)": page(state="succeeded"),
        "what runs now (none)": page(state="running"),
        "the 10,000th page": page(offset=500_000),
        "a text in the errors": page(search="upstream refused"),
        "a text that is nowhere": page(search="nowhere to be found"),
        "an id's beginning": page(search=found[0][0].run_id[:18]),
        "one run": lambda: runs.get(found[0][0].run_id),
        "what the sweeper looks for": lambda: runs.overdue("2020-01-01T00:00:00.000Z", 0.0),
    }
    stored = database.collection(RUNS)
    newest = stored.find().sort([("created_at", -1), ("_id", -1)])
    one = Floor(await _ms(lambda: stored.find_one({"_id": found[0][0].run_id})), "find_one by id")
    fifty = Floor(
        await _ms(lambda: newest.clone().limit(50).to_list(50)), "the newest 50, as they are stored"
    )
    figures = []
    for name, call in asked.items():
        floor = one if name == "one run" else fifty
        figures.append(Figure(name, await _ms(call), "ms", *floor, wanted="≤ 100 ms"))
    # One after the other: the machine is the same for both.
    rate = Floor(await _inserted(database), "insert_many, no index")
    figures.append(Figure("short runs recorded", await _record(database), "/s", *rate))
    database.close()
    return figures


def measure() -> list[Figure]:
    with mongo() as url:
        return asyncio.run(_measure(url))
