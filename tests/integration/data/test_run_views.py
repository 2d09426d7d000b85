"""What is shown of runs besides their states: progress, siblings, logs searched, further attempts, and how many."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from services.data.main import App
from services.data.repository import runs as runs_repository
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import runs as m
from shared.contracts.base import now, timestamp_of
from shared.messaging.bus import Bus
from shared.messaging.ledger import NOTHING, Ledger
from tests.integration.data.runs_talk import ask, history, recorded, state_of

BusOf = Callable[[str], Awaitable[Bus]]


async def get(gateway: Bus, run_id: str) -> m.Run:
    return await gateway.request(c.GET_RUN, m.GetRun(run_id=run_id))


async def test_progress_is_shown_while_a_run_goes_and_kept_with_its_end(
    gateway: Bus, plugin: str, executor: Ledger, bus_of: BusOf
) -> None:
    host = await bus_of("executor")
    command, silent = await ask(gateway, plugin), await ask(gateway, plugin)
    claim = await executor.append(state_of(command, "running", executor="e"), after=NOTHING)
    await executor.append(state_of(silent, "running", executor="e"), after=NOTHING)
    for done in (1, 2):
        said = m.RunProgressed(
            plugin=plugin, run_id=command.run_id, done=done, total=4, message=f"step {done}"
        )
        await host.store(c.RUN_PROGRESSED, said, type="run.progressed", run_id=command.run_id)
    shown = m.Progress(done=2, total=4, message="step 2")
    assert (await get(gateway, command.run_id)).progress == shown
    assert (await get(gateway, silent.run_id)).progress is None
    assert (await recorded(gateway, command.run_id, plugin, "running")).progress == shown
    last = m.Progress(done=4, total=4)
    await executor.append(state_of(command, "succeeded", progress=last, result={}), after=claim)
    assert (await recorded(gateway, command.run_id, plugin, "succeeded")).progress == last
    assert (await get(gateway, command.run_id)).progress == last


async def test_siblings_are_the_runs_that_share_the_process(
    gateway: Bus, plugin: str, executor: Ledger
) -> None:
    commands = {name: await ask(gateway, plugin) for name in ("it", "beside", "elsewhere", "ended", "queued")}
    for name, command in commands.items():
        if name == "queued":
            continue
        where = "e2" if name == "elsewhere" else "e1"
        seq = await executor.append(state_of(command, "running", executor=where), after=NOTHING)
        if name == "ended":
            await executor.append(state_of(command, "succeeded", executor=where, result={}), after=seq)
    for name, command in commands.items():
        state = {"ended": "succeeded", "queued": "queued"}.get(name, "running")
        await recorded(gateway, command.run_id, plugin, state)

    async def siblings(name: str) -> list[str]:
        query = m.GetSiblings(run_id=commands[name].run_id)
        return [run.run_id for run in (await gateway.request(c.GET_SIBLINGS, query)).siblings]

    assert await siblings("it") == [commands["beside"].run_id]
    assert await siblings("elsewhere") == await siblings("queued") == await siblings("ended") == []
    with pytest.raises(errors.NotFound):
        await gateway.request(c.GET_SIBLINGS, m.GetSiblings(run_id="ffffffff-ffff-7fff-bfff-ffffffffffff"))


async def test_a_log_is_searched_and_says_what_is_missing_at_its_beginning(
    gateway: Bus, plugin: str, bus_of: BusOf
) -> None:
    command = await ask(gateway, plugin)
    host = await bus_of("executor")
    for number in range(20):
        lines = tuple(
            {"time": now(), "level": "info", "message": f"{number} {text}", "logger": "p"}
            for text in ("Straße OK", "warn")
        )
        logged = m.RunLogged(plugin=plugin, run_id=command.run_id, lines=lines, before=7 + 2 * number)
        await host.store(c.RUN_LOGGED, logged, type="run.logged", run_id=command.run_id)

    async def page(**query: object) -> m.RunLog:
        return await gateway.request(c.GET_RUN_LOG, m.GetRunLog(run_id=command.run_id, **query))

    first = await page(search="STRASSE", limit=5)
    assert [line["message"] for line in first.lines] == [f"{number} Straße OK" for number in range(5)]
    assert (first.more, first.missing) == (True, 7)
    rest = await page(search="STRASSE", after=first.last_seq)
    assert [str(line["message"]).split()[0] for line in rest.lines] == [
        str(number) for number in range(5, 20)
    ]
    assert (rest.more, rest.missing) == (False, 0)
    nothing = await page(search="never written")
    assert (nothing.lines, nothing.more) == ((), False)


async def test_the_command_of_a_due_attempt_is_stored_again_once_and_no_earlier(
    gateway: Bus, plugin: str, executor: Ledger, data: App
) -> None:
    soon, later = await ask(gateway, plugin, params={"p": 1}), await ask(gateway, plugin)
    stored = {}
    for command, wait_s in ((soon, -1.0), (later, 600.0)):
        await recorded(gateway, command.run_id, plugin, "queued")
        found = await data.sweeper._runs.get(command.run_id)
        assert found is not None
        stored[command.run_id] = found.command_seq
        seq = {"command_seq": found.command_seq}
        claim = await executor.append(state_of(command, "running", executor="e", **seq), after=NOTHING)
        again = state_of(
            command, "queued", attempt=2, cause="raised", error="boom", **seq,
            retry_at=timestamp_of(time.time() + wait_s),
        )  # fmt: skip
        await executor.append(again, after=claim)
    waiting = await recorded(gateway, later.run_id, plugin, "queued")
    while waiting.attempt != 2:
        waiting = await recorded(gateway, later.run_id, plugin, "queued")
    assert (waiting.error, waiting.executor, waiting.retry_at is not None) == ("boom", None, True)

    bus = data.sweeper._commands._bus
    subject = c.RUN_REQUESTED.subject.of(plugin=plugin)

    async def stored_now() -> list[m.RunRequested]:
        return [m.RunRequested.model_validate_json(one.data) async for one in bus.walk(c.RUN_CMD, subject)]

    async with asyncio.timeout(15):
        while len(await stored_now()) < 3:
            await data.sweeper.resend()
            await asyncio.sleep(0.02)  # the recorder tells nobody how far it is
    assert ((await stored_now())[-1].run_id, (await stored_now())[-1].params) == (soon.run_id, {"p": 1})
    await data.sweeper.resend()
    assert len(await stored_now()) == 3
    assert (await get(gateway, later.run_id)).state == "queued"


async def test_what_no_attempt_says_any_more_is_not_shown(
    gateway: Bus, plugin: str, executor: Ledger
) -> None:
    command = await ask(gateway, plugin)
    first = await executor.append(
        state_of(command, "running", executor="e1", started_at=now()), after=NOTHING
    )
    failed = state_of(command, "queued", attempt=2, cause="raised", error="boom", retry_at=now())
    second = await executor.append(failed, after=first)
    claimed = state_of(command, "running", attempt=2, executor="e2", started_at=now())
    third = await executor.append(claimed, after=second)
    done = claimed.model_copy(update={"state": "succeeded", "outcome": "ok", "result": {}, "ended_at": now()})
    await executor.append(done, after=third)
    for run in (
        await recorded(gateway, command.run_id, plugin, "succeeded"),
        await get(gateway, command.run_id),
    ):
        assert (run.attempt, run.executor, run.error, run.cause, run.retry_at) == (2, "e2", None, None, None)


async def test_many_runs_are_not_counted_to_the_end_and_ids_are_found_by_their_beginning(
    gateway: Bus, plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [await ask(gateway, plugin, action="act") for _ in range(12)]
    for command in commands:
        await recorded(gateway, command.run_id, plugin, "queued")
    monkeypatch.setattr(runs_repository, "_MOST_COUNTED", 10)
    page = await history(gateway, plugin=plugin, limit=5)
    assert (len(page.runs), page.total, page.exact) == (5, 10, False)
    page = await history(gateway, plugin=plugin, limit=5, offset=10)
    assert (len(page.runs), page.total, page.exact) == (2, 12, True)
    page = await history(gateway, plugin=plugin, search=commands[3].run_id[:30].upper())
    assert commands[3].run_id in {run.run_id for run in page.runs}
    for most_counted in (10, 4):
        monkeypatch.setattr(runs_repository, "_MOST_COUNTED", most_counted)
        monkeypatch.setattr(runs_repository, "_MOST_SEARCHED", 4)
        page = await history(gateway, plugin=plugin, search="ACT")
        assert (page.total, page.exact) == (4, False)
    assert (await history(gateway, plugin=plugin, kind="task")).total == 0
    assert (await history(gateway, plugin=plugin, kind="action", trigger="bus")).total == 12


async def test_an_operators_placement_is_kept_until_it_is_taken_back(gateway: Bus, plugin: str) -> None:
    config = await gateway.request(c.SET_PLACEMENT, d.SetPlacement(key=plugin, placement="any"))
    assert (config.placement, config.enabled) == ("any", True)
    await gateway.request(c.SET_SETTINGS, d.SetSettings(key=plugin, settings={"a": 1}))
    assert (await gateway.request(c.GET_CONFIG, d.GetConfig(key=plugin))).placement == "any"
    config = await gateway.request(c.SET_PLACEMENT, d.SetPlacement(key=plugin, placement=None))
    assert (config.placement, config.settings) == (None, {"a": 1})
