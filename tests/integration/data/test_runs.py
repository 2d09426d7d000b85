"""The run history follows the bus: recorded, listed, cancelled, repeated, swept."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import permutations
from typing import Any

import orjson
import pytest

from services.data.clients import Commands
from services.data.main import App
from services.data.models import Batch, ReceivedCommand, StateEntry
from services.data.repository.mongo import Database
from services.data.repository.run_records import RunRecords
from services.data.repository.runs import Runs
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import runs as m
from shared.contracts.base import JsonObject, new_id, now, timestamp_of
from shared.contracts.names import token
from shared.contracts.streams import MANIFESTS
from shared.messaging.bus import Bus, Refused
from shared.messaging.kv import Kv
from shared.messaging.ledger import NOTHING, Ledger
from shared.messaging.objects import Objects
from tests.integration.data.runs_talk import CALLER, ask, history, recorded, result_of, state_of

BusOf = Callable[[str], Awaitable[Bus]]


async def test_a_run_is_recorded_from_command_to_outcome(gateway: Bus, plugin: str, executor: Ledger) -> None:
    command = await ask(gateway, plugin, params={"a.$b": [1]}, actor="user:ann", trigger="user")
    queued = await recorded(gateway, command.run_id, plugin, "queued")
    assert (queued.actor, queued.trigger, queued.action) == ("user:ann", "user", "go")
    started = now()
    claim = await executor.append(
        state_of(command, "running", executor="e1", epoch=4, started_at=started), after=NOTHING
    )
    assert (await recorded(gateway, command.run_id, plugin, "running")).executor == "e1"
    done = state_of(command, "succeeded", outcome="ok", result={"$x": 1}, ended_at=now())
    await executor.append(done, after=claim)
    listed = await recorded(gateway, command.run_id, plugin, "succeeded")
    assert (listed.params, listed.result) == (None, None)
    run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
    assert (run.params, run.result, run.outcome) == ({"a.$b": [1]}, {"$x": 1}, "ok")
    assert (run.started_at, run.executor) == (started, "e1")
    assert run.duration_s is not None


async def test_any_order_of_the_entries_gives_the_same_history(
    gateway: Bus, plugin: str, executor: Ledger, data: App, mongo_url: str
) -> None:
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    await database.wait_ready()
    records, runs = RunRecords(database), Runs(database)
    seen = set()
    for order in permutations(range(4)):
        command = m.RunRequested(run_id=new_id(), plugin=plugin, action="go", params={"p": 1}, actor="bus:x")
        steps: list[Batch] = [
            Batch(commands=[ReceivedCommand(command, 5, 1.0)]),
            Batch(commands=[ReceivedCommand(command.model_copy(update={"params": {"p": 2}}), 9, 2.0)]),
            Batch(
                states=[
                    StateEntry(
                        state_of(command, "running", executor="e", started_at=timestamp_of(3)), 10, 3.0
                    )
                ]
            ),
            Batch(
                states=[
                    StateEntry(state_of(command, "failed", error="no", ended_at=timestamp_of(4)), 12, 4.0)
                ]
            ),
        ]
        for index in order:
            await records.record(steps[index])
            await records.record(steps[index])
        stored = await runs.get(command.run_id)
        assert stored is not None
        seen.add(stored.run.model_copy(update={"run_id": "same"}).model_dump_json())
    assert len(seen) == 1, seen
    only = orjson.loads(seen.pop())
    assert (only["state"], only["params"], only["executor"], only["duration_s"]) == (
        "failed",
        {"p": 1},
        "e",
        1.0,
    )
    database.close()


async def test_passwords_are_masked_in_history(gateway: Bus, plugin: str) -> None:
    params: JsonObject = {"user": "u", "password": "hunter2"}
    small = await ask(gateway, plugin, params=params, secret_params=("password",))
    large = await Objects(gateway).put(orjson.dumps(params | {"x": "y" * 600_000}))
    big = await ask(gateway, plugin, params=large, secret_params=("password",))
    for command in (small, big):
        await recorded(gateway, command.run_id, plugin, "queued")
        run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
        assert "hunter2" not in run.model_dump_json()
        shown: Any = run.params
        if command is big:
            shown = orjson.loads(await Objects(gateway).get(run.model_dump()["params"]["$object"]))
        assert (shown["user"], shown["password"]) == ("u", "***")


async def test_large_params_and_results_stay_references(gateway: Bus, plugin: str, executor: Ledger) -> None:
    reference = await Objects(gateway).put(orjson.dumps({"x": "y" * 600_000}))
    command = await ask(gateway, plugin, params=reference)
    await executor.append(state_of(command, "succeeded", result=reference), after=NOTHING)
    await recorded(gateway, command.run_id, plugin, "succeeded")
    run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
    assert run.params == run.result == reference


@pytest.mark.parametrize("known", [True, False])
async def test_a_run_of_a_plugin_that_is_not_enabled_fails_and_its_caller_hears_of_it(
    gateway: Bus, bus_of: BusOf, known: bool
) -> None:
    key = f"off {new_id()}"
    if known:
        await Kv(await bus_of("registry"), MANIFESTS).put(f"manifest.{token(key)}", b"{}")
    run_id = new_id()
    result = await result_of(gateway, lambda: ask(gateway, key, run_id=run_id, caller=CALLER))
    cause = "plugin_disabled" if known else "plugin_not_found"
    assert (result.run_id, result.state, result.cause) == (run_id, "failed", cause)
    assert (await recorded(gateway, run_id, key, "failed")).cause == cause


async def test_commands_that_are_not_valid_end_their_run(gateway: Bus, plugin: str) -> None:
    run_id, other = new_id(), new_id()
    subject = c.RUN_REQUESTED.subject.of(plugin=plugin)
    for payload in (
        b"no json",
        b"[]",
        orjson.dumps({"run_id": run_id, "plugin": plugin, "action": "go", "surprise": 1}),
        orjson.dumps({"run_id": other, "plugin": "another", "action": "go"}),
    ):
        await gateway.put(subject, payload)
    assert (await recorded(gateway, run_id, plugin, "failed")).cause == "invalid_command"
    assert (await recorded(gateway, other, plugin, "failed")).cause == "permission_denied"


async def test_nobody_ends_anothers_run_by_its_id(gateway: Bus, plugin: str) -> None:
    command = await ask(gateway, plugin)
    await recorded(gateway, command.run_id, plugin, "queued")
    await gateway.put(
        c.RUN_REQUESTED.subject.of(plugin=plugin), orjson.dumps({"run_id": command.run_id, "plugin": 1})
    )
    await ask(gateway, "no such plugin", run_id=command.run_id, actor="x")
    later = await ask(gateway, plugin)
    await recorded(gateway, later.run_id, plugin, "queued")
    run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
    assert (run.state, run.plugin) == ("queued", plugin)


async def test_history_is_filtered_searched_sorted_and_paged(
    gateway: Bus, plugin: str, executor: Ledger
) -> None:
    commands = [await ask(gateway, plugin, action=f"act{n % 2}", actor=f"user:u{n}") for n in range(6)]
    failed = state_of(commands[3], "failed", error="Connection REFUSED by (peer)")
    await executor.append(failed, after=NOTHING)
    await recorded(gateway, commands[3].run_id, plugin, "failed")
    for command in commands:
        await recorded(gateway, command.run_id, plugin, "failed" if command is commands[3] else "queued")
    ids = [command.run_id for command in commands]
    page = await history(gateway, plugin=plugin, limit=2, offset=1)
    assert (page.total, [run.run_id for run in page.runs]) == (6, [ids[4], ids[3]])
    page = await history(gateway, plugin=plugin, sort="created_at", limit=2)
    assert [run.run_id for run in page.runs] == ids[:2]
    assert (await history(gateway, plugin=plugin, state="failed")).total == 1
    assert (await history(gateway, plugin=plugin, action="act1")).total == 3
    assert (await history(gateway, plugin=plugin, search="refused by (")).total == 1
    assert (await history(gateway, plugin=plugin, search="USER:u5")).total == 1
    assert (await history(gateway, plugin=plugin, actor="user:u5")).total == 1


async def test_a_run_is_found_before_history_has_it(gateway: Bus, plugin: str) -> None:
    for _ in range(5):
        command = await ask(gateway, plugin, params={"p": 1})
        run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
        assert (run.state, run.params) == ("queued", {"p": 1})
    with pytest.raises(errors.NotFound):
        await gateway.request(c.GET_RUN, m.GetRun(run_id=new_id()))


async def test_a_stored_outcome_is_shown_at_once(gateway: Bus, plugin: str, executor: Ledger) -> None:
    for _ in range(5):
        command = await ask(gateway, plugin)
        await executor.append(state_of(command, "succeeded", result={"n": 1}), after=NOTHING)
        run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
        assert (run.state, run.result) == ("succeeded", {"n": 1})


async def test_a_queued_run_is_cancelled_and_never_claimed(
    gateway: Bus, plugin: str, executor: Ledger
) -> None:
    command = m.RunRequested(run_id=new_id(), plugin=plugin, action="go", caller=CALLER)

    async def cancelled() -> m.RunRequested:
        await gateway.store(c.RUN_REQUESTED, command, plugin=plugin)
        answer = await gateway.request(c.CANCEL_RUN, m.CancelRun(run_id=command.run_id, actor="user:ann"))
        assert (answer.ended, answer.run.state) == (True, "cancelled")
        return command

    result = await result_of(gateway, cancelled)
    assert (result.state, result.cause) == ("cancelled", "cancelled")
    with pytest.raises(Refused):
        await executor.append(state_of(command, "running"), after=NOTHING)
    again = await gateway.request(c.CANCEL_RUN, m.CancelRun(run_id=command.run_id))
    assert (again.ended, again.run.state) == (True, "cancelled")
    assert (await recorded(gateway, command.run_id, plugin, "cancelled")).error == "cancelled by user:ann"


async def test_the_executor_is_told_to_cancel_what_runs(
    gateway: Bus, plugin: str, executor: Ledger, bus_of: BusOf
) -> None:
    command = await ask(gateway, plugin)
    await executor.append(state_of(command, "running", executor="e"), after=NOTHING)
    told: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: Any) -> None:
        await told.put(message.data)

    host = await bus_of("executor")
    await host.listen(c.RUN_CONTROLLED.subject.pattern(), take)
    answer = await gateway.request(c.CANCEL_RUN, m.CancelRun(run_id=command.run_id, actor="user:ann"))
    assert (answer.ended, answer.run.state) == (False, "running")
    wish = c.RUN_CONTROLLED.envelope.model_validate_json(await asyncio.wait_for(told.get(), 5)).data
    assert (wish.run_id, wish.wish, wish.actor) == (command.run_id, "cancel", "user:ann")


async def test_a_run_is_repeated_with_its_own_params(
    gateway: Bus, plugin: str, executor: Ledger, bus_of: BusOf
) -> None:
    command = await ask(gateway, plugin, params={"password": "hunter2"}, secret_params=("password",))
    with pytest.raises(errors.Conflict, match="still queued"):
        await gateway.request(c.RETRY_RUN, m.RetryRun(run_id=command.run_id))
    await executor.append(state_of(command, "failed", command_seq=None), after=NOTHING)
    answer = await gateway.request(c.RETRY_RUN, m.RetryRun(run_id=command.run_id, actor="user:ann"))
    assert (answer.plugin, answer.action) == (plugin, "go")
    await recorded(gateway, answer.run_id, plugin, "queued")
    run = await gateway.request(c.GET_RUN, m.GetRun(run_id=answer.run_id))
    assert (run.trigger, run.retry_of, run.actor) == ("retry", command.run_id, "user:ann")
    # The new command has the password that history does not show.
    sent = await Commands(await bus_of("executor")).find(answer.run_id)
    assert sent is not None
    assert sent.command.params == {"password": "hunter2"}
    assert sent.command.secret_params == ("password",)
    assert "hunter2" not in run.model_dump_json()


async def test_what_a_run_wrote_is_read_page_by_page(gateway: Bus, plugin: str, bus_of: BusOf) -> None:
    command = await ask(gateway, plugin)
    host = await bus_of("executor")
    for number in range(30):
        lines = tuple({"time": now(), "level": "info", "message": f"{number}.{part}"} for part in range(3))
        logged = m.RunLogged(plugin=plugin, run_id=command.run_id, lines=lines)
        await host.store(c.RUN_LOGGED, logged, type="run.logged", run_id=command.run_id)
    found: list[str] = []
    after = 0
    while True:
        query = m.GetRunLog(run_id=command.run_id, after=after, limit=20)
        page = await gateway.request(c.GET_RUN_LOG, query)
        found += [str(line["message"]) for line in page.lines]
        after = page.last_seq
        if not page.more:
            break
    assert found == [f"{number}.{part}" for number in range(30) for part in range(3)]
    rest = await gateway.request(c.GET_RUN_LOG, m.GetRunLog(run_id=command.run_id, after=after))
    assert (rest.lines, rest.last_seq, rest.more) == ((), after, False)


@pytest.mark.parametrize(
    "run_id", ["ffffffff-ffff-7fff-bfff-ffffffffffff", "01890000-0000-7000-8000-000000000000"]
)
async def test_a_run_that_never_was_is_not_found_whatever_its_id_says(gateway: Bus, run_id: str) -> None:
    for asked in (
        gateway.request(c.GET_RUN, m.GetRun(run_id=run_id)),
        gateway.request(c.GET_RUN_LOG, m.GetRunLog(run_id=run_id)),
        gateway.request(c.CANCEL_RUN, m.CancelRun(run_id=run_id)),
        gateway.request(c.RETRY_RUN, m.RetryRun(run_id=run_id)),
    ):
        with pytest.raises(errors.NotFound):
            await asked


async def test_a_page_behind_the_last_is_empty_however_far(gateway: Bus) -> None:
    page = await gateway.request(c.LIST_RUNS, m.ListRuns(offset=2**62))
    assert page.runs == ()
