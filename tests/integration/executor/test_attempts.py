"""Further attempts of a run: asked for by its manifest or by itself, counted in the ledger, and never unasked."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest

from services.executor.ports import HostCall, Upcalls
from shared.contracts import catalog as c
from shared.contracts.base import new_id, now, parse_timestamp
from shared.contracts.runs import RunState
from tests.integration.executor.fakes import Again, Dies
from tests.integration.executor.test_runs import Gate, ready
from tests.integration.executor.world import World, until


def failing(times: int, *, error: Callable[[], Exception]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """An action that fails so often and then says which attempt it was."""

    async def act(call: HostCall, _upcalls: Upcalls) -> Any:
        if call.attempt <= times:
            raise error()
        return {"status": "ok", "attempt": call.attempt}

    return act


async def waiting(world: World, run_id: str, attempt: int) -> RunState:
    """The run's entry when it waits for that attempt."""

    async def check() -> RunState | None:
        entry = await world.entry(run_id)
        return entry if entry and (entry.state, entry.attempt) == ("queued", attempt) else None

    return await until(check)


async def test_the_manifests_retries_end_with_the_first_attempt_that_succeeds(world: World, key: str) -> None:
    one = await ready(world, key, retries=3, backoff_s=0.2)
    one.hosts.acts["flaky"] = failing(1, error=lambda: ValueError("boom"))
    run_id = await world.request(key, "flaky")
    entry = await waiting(world, run_id, 2)
    assert (entry.cause, entry.error, entry.executor, entry.started_at) == ("raised", "boom", None, None)
    assert entry.retry_at is not None
    assert not world.results[run_id].done()
    # The data service stores the command again when that is due.
    await asyncio.sleep(
        max(0.0, parse_timestamp(entry.retry_at).timestamp() - parse_timestamp(now()).timestamp())
    )
    await world.request(key, "flaky", run_id=run_id)
    result = await world.result(run_id)
    assert (result.state, result.result) == ("succeeded", {"status": "ok", "attempt": 2})
    final = await world.until_state(run_id, "succeeded")
    assert (final.attempt, final.error, final.retry_at, one.hosts.calls[run_id]) == (2, None, None, 2)
    held = await world.data.last(c.RUN_LOG, c.RUN_LOGGED.subject.of(run_id=run_id))
    assert held is not None
    assert b"attempt 1 ended (boom); attempt 2 follows in 0.2 s" in held.data


async def test_without_retries_a_failure_is_the_end(world: World, key: str) -> None:
    one = await ready(world, key)
    one.hosts.acts["flaky"] = failing(1, error=lambda: ValueError("boom"))
    result = await world.run(key, "flaky")
    assert (result.state, one.hosts.calls[result.run_id]) == ("failed", 1)


async def test_when_the_retries_are_used_up_the_last_failure_counts(world: World, key: str) -> None:
    one = await ready(world, key, retries=1, backoff_s=0.0)
    one.hosts.acts["flaky"] = failing(9, error=lambda: ValueError("boom"))
    run_id = await world.request(key, "flaky")
    await waiting(world, run_id, 2)
    await world.request(key, "flaky", run_id=run_id)
    result = await world.result(run_id)
    assert (result.state, result.cause, one.hosts.calls[run_id]) == ("failed", "raised", 2)


async def test_a_run_may_ask_for_another_attempt_itself(world: World, key: str) -> None:
    one = await ready(world, key)
    one.hosts.acts["poll"] = failing(2, error=Again)
    run_id = await world.request(key, "poll")
    for attempt in (2, 3):
        entry = await waiting(world, run_id, attempt)
        assert (entry.cause, entry.error) == ("retry", "not yet there")
        await world.request(key, "poll", run_id=run_id)
    assert (await world.result(run_id)).result["attempt"] == 3
    assert one.hosts.calls[run_id] == 3


async def test_a_command_that_comes_before_the_next_attempt_is_due_begins_nothing(
    world: World, key: str
) -> None:
    one = await ready(world, key)
    one.hosts.acts["poll"] = failing(1, error=lambda: Again(3600.0))
    run_id = await world.request(key, "poll")
    await waiting(world, run_id, 2)
    await world.request(key, "poll", run_id=run_id)
    await world.run(key, "echo")
    assert one.hosts.calls[run_id] == 1
    assert (await world.entry(run_id)).state == "queued"


async def test_a_command_that_comes_too_early_by_our_clock_is_kept_until_the_attempt_is_due(
    world: World, key: str
) -> None:
    one = await ready(world, key)
    one.hosts.acts["poll"] = failing(1, error=lambda: Again(1.0))
    run_id = await world.request(key, "poll")
    await waiting(world, run_id, 2)
    # The only one: the data service's clock is ahead, and it has forgotten when the attempt was due.
    await world.request(key, "poll", run_id=run_id)
    assert (await world.result(run_id)).result["attempt"] == 2


@pytest.mark.parametrize("error", [Dies, Again])
async def test_a_run_that_was_cancelled_gets_no_other_attempt_however_it_ends(
    world: World, key: str, error: Callable[[], Exception]
) -> None:
    one = await ready(world, key, retries=3, backoff_s=0.0)
    gate = Gate()

    async def work(call: HostCall, upcalls: Upcalls) -> Any:
        await gate(call, upcalls)
        raise error()

    one.hosts.acts["work"] = work
    one.hosts.deaf.add("work")
    run_id = await world.request(key, "work")
    await gate.begun.wait()
    await one.executor.service.cancel(run_id)
    gate.open.set()
    result = await world.result(run_id)
    assert result.state == ("failed" if error is Dies else "cancelled")
    assert one.hosts.calls[run_id] == 1


async def test_a_run_of_a_dead_executor_is_tried_again_only_where_its_manifest_asks_for_that(
    world: World, key: str
) -> None:
    one = await ready(world, key, retries=1, backoff_s=0.0)
    run_id = new_id()
    claimed = RunState(
        run_id=run_id, plugin=key, action="echo", state="running", actor="user:admin", executor="gone", epoch=7
    )  # fmt: skip
    await world.ledger.append(claimed, after=0)
    await world.request(key, "echo", run_id=run_id)
    entry = await waiting(world, run_id, 2)
    assert entry.cause == "executor_gone"
    await world.request(key, "echo", run_id=run_id)
    assert (await world.result(run_id)).state == "succeeded"
    assert one.hosts.calls[run_id] == 1


async def test_a_plugins_result_and_error_are_stored_and_told_without_its_passwords(
    world: World, key: str
) -> None:
    one = await world.executor()
    one.hosts.attributes["fields"] = [
        {"id": "secret", "label": "S", "type": "string", "input_type": "password"}
    ]

    async def tell(_call: HostCall, _upcalls: Upcalls) -> Any:
        return {"status": "ok", "url": "http://u:hunter2@host", "token": "hunter2"}

    one.hosts.acts["tell"] = tell
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    rev = await world.configure(key, {"secret": "hunter2"})
    result = await world.run(key, "tell", config_rev=rev)
    assert result.result == {"status": "ok", "url": "http://u:***@host", "token": "***"}
    held = await world.data.last(c.RUN_STATE, c.RUN_STATE_CHANGED.subject.of(run_id=result.run_id))
    assert held is not None
    assert b"hunter2" not in held.data


async def test_where_a_run_got_to_is_kept_with_its_end_and_a_late_result_is_noted_in_its_log(
    world: World, key: str
) -> None:
    one = await ready(world, key)
    gate = Gate()

    async def work(call: HostCall, upcalls: Upcalls) -> Any:
        upcalls.progress(key, call.run_id, 3, 4, "nearly")
        return await gate(call, upcalls)

    one.hosts.acts["work"] = work
    late = await world.request(key, "work")
    await gate.begun.wait()
    held = await world.data.last(c.RUN_STATE, c.RUN_STATE_CHANGED.subject.of(run_id=late))
    entry = await world.entry(late)
    assert held is not None
    assert entry is not None
    await world.ledger.append(entry.model_copy(update={"state": "lost", "cause": "x"}), after=held.seq)
    gate.open.set()
    done = await world.run(key, "work")
    final = await world.until_state(done.run_id, "succeeded")
    assert final.progress is not None
    assert (final.progress.done, final.progress.total, final.progress.message) == (3, 4, "nearly")

    async def noted() -> bool:
        said = await world.data.last(c.RUN_LOG, c.RUN_LOGGED.subject.of(run_id=late))
        return said is not None and "a late result" in orjson.loads(said.data)["data"]["lines"][-1]["message"]

    await until(noted)
    assert (await world.entry(late)).state == "lost"
