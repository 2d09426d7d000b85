"""What becomes of run commands, on a real nats-server, with hosts written by hand."""

import asyncio
from typing import Any

import pytest

from services.executor.ports import HostCall, Upcalls
from shared.contracts import catalog as c
from shared.contracts.base import INLINE_LIMIT, new_id, now
from shared.contracts.plugins import Lease
from shared.contracts.runs import RunControlled, RunState
from shared.contracts.streams import LEASES
from shared.messaging.kv import Kv
from shared.messaging.objects import Objects, resolved
from tests.integration.executor.world import Running, World, until


class Gate:
    """An action that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, call: HostCall, _upcalls: Upcalls) -> Any:
        self.begun.set()
        await self.open.wait()
        return {"status": "ok"}


async def ready(world: World, key: str, **execution: Any) -> Running:
    one = await world.executor()
    await world.install(key, **execution)
    await world.enable(key)
    await world.until_loaded(key)
    return one


async def test_an_action_runs_once_and_its_caller_hears_of_it(world: World, key: str) -> None:
    one = await ready(world, key)
    run_id = await world.request(key, "echo", params={"a": 1})
    result = await world.result(run_id)
    assert result.result == {"status": "ok", "params": {"a": 1}, "executor": one.name}
    entry = await world.until_state(run_id, "succeeded")
    assert (entry.outcome, entry.executor, entry.attempt) == ("ok", one.name, 1)
    assert entry.started_at is not None
    assert entry.ended_at is not None
    assert one.hosts.calls[run_id] == 1


async def test_a_failure_is_a_final_state_with_its_cause(world: World, key: str) -> None:
    one = await ready(world, key)

    async def fail(_call: HostCall, _upcalls: Upcalls) -> Any:
        raise ValueError("no such channel")

    async def deny(_call: HostCall, _upcalls: Upcalls) -> Any:
        raise PermissionError("not yours")

    one.hosts.acts |= {"fail": fail, "deny": deny}
    failed, denied = await world.run(key, "fail"), await world.run(key, "deny")
    assert (failed.state, failed.cause, failed.error, failed.error_type) == (
        "failed", "raised", "no such channel", "ValueError",
    )  # fmt: skip
    assert (denied.state, denied.cause) == ("failed", "denied")


async def test_a_repeated_command_is_not_run_again_and_answered_only_to_the_same_actor(
    world: World, key: str
) -> None:
    one = await ready(world, key)
    run_id = await world.request(key, "echo")
    await world.result(run_id)
    world.results.pop(run_id)
    await world.request(key, "echo", run_id=run_id, actor="user:mallory")
    await world.run(key, "echo")
    assert not world.results[run_id].done()
    await world.request(key, "echo", run_id=run_id)
    assert (await world.result(run_id)).state == "succeeded"
    assert one.hosts.calls[run_id] == 1


async def test_a_run_of_a_dead_executor_is_lost_and_never_run_again(world: World, key: str) -> None:
    one = await ready(world, key)
    run_id = new_id()
    claimed = RunState(
        run_id=run_id,
        plugin=key,
        action="echo",
        state="running",
        actor="user:admin",
        executor="gone",
        epoch=7,
    )
    await world.ledger.append(claimed, after=0)
    await world.request(key, "echo", run_id=run_id)
    result = await world.result(run_id)
    assert (result.state, result.cause) == ("lost", "executor_gone")
    assert one.hosts.calls[run_id] == 0


async def test_a_run_of_a_living_executor_is_looked_at_again_later(world: World, key: str) -> None:
    one = await ready(world, key)
    leases = Kv(one.bus, LEASES)
    epoch = await leases.create(
        "executor.other", Lease(holder="other", site="here").model_dump_json().encode()
    )
    run_id = new_id()
    claimed = RunState(
        run_id=run_id, plugin=key, action="echo", state="running", actor="user:admin", executor="other", epoch=epoch
    )  # fmt: skip
    seq = await world.ledger.append(claimed, after=0)
    await world.request(key, "echo", run_id=run_id)
    await world.run(key, "echo")
    assert not world.results[run_id].done()
    done = claimed.model_copy(update={"state": "succeeded", "result": {"by": "other"}, "ended_at": now()})
    await world.ledger.append(done, after=seq)
    await leases.delete("executor.other")
    assert (await world.result(run_id)).result == {"by": "other"}
    assert one.hosts.calls[run_id] == 0


async def test_a_run_that_asked_for_another_attempt_gets_it(world: World, key: str) -> None:
    one = await ready(world, key)
    run_id = new_id()
    first = RunState(run_id=run_id, plugin=key, action="echo", state="running", executor="gone", epoch=1)
    seq = await world.ledger.append(first, after=0)
    await world.ledger.append(first.model_copy(update={"state": "queued", "attempt": 2}), after=seq)
    await world.request(key, "echo", run_id=run_id)
    await world.result(run_id)
    entry = await world.until_state(run_id, "succeeded")
    assert (entry.attempt, one.hosts.calls[run_id]) == (2, 1)


async def test_a_result_that_comes_too_late_changes_nothing(world: World, key: str) -> None:
    one = await ready(world, key)
    gate = one.hosts.acts["wait"] = Gate()
    run_id = await world.request(key, "wait")
    await gate.begun.wait()
    held = await world.data.last(c.RUN_STATE, c.RUN_STATE_CHANGED.subject.of(run_id=run_id))
    entry = await world.entry(run_id)
    assert held is not None
    assert entry is not None
    lost = entry.model_copy(update={"state": "lost", "cause": "executor_gone"})
    await world.ledger.append(lost, after=held.seq)
    gate.open.set()
    await world.run(key, "echo")
    assert (await world.until_state(run_id, "lost")).cause == "executor_gone"
    assert not world.results[run_id].done()


async def test_a_disabled_plugins_command_fails_and_says_why(world: World, key: str) -> None:
    one = await ready(world, key)
    # The executor learns of it by the command alone: nobody tells it.
    world.configs[key] = world.configs[key].model_copy(update={"enabled": False, "rev": 9})
    result = await world.run(key, "echo", config_rev=9)
    assert (result.state, result.cause) == ("failed", "plugin_disabled")
    assert not one.hosts.calls


async def test_a_plugin_that_does_not_load_says_so_to_each_run(world: World, key: str) -> None:
    one = await world.executor()
    one.hosts.broken = "SyntaxError: no"
    await world.install(key)
    await world.enable(key)
    loaded = await world.until_loaded(key)
    assert (loaded.ok, loaded.error) == (False, "SyntaxError: no")
    result = await world.run(key, "echo")
    assert (result.state, result.cause, result.error) == ("failed", "not_loaded", f"Plugin '{key}' not found")


async def test_settings_stored_before_a_run_was_asked_for_are_seen_by_it(world: World, key: str) -> None:
    one = await world.executor()
    one.hosts.attributes["fields"] = [
        {"id": "limit", "label": "Limit", "type": "number", "default": 5},
        {"id": "name", "label": "Name", "type": "string", "default": "x"},
    ]
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    await world.run(key, "echo")
    assert one.hosts.settings == {"limit": 5, "name": "x"}
    rev = await world.configure(key, {"name": "y", "mine": [1]}, tell=False)
    await world.run(key, "echo", config_rev=rev)
    assert one.hosts.settings == {"limit": 5, "name": "y", "mine": [1]}


async def test_large_params_and_results_travel_by_reference(world: World, key: str) -> None:
    one = await ready(world, key)
    objects = Objects(world.gateway)
    text = "x" * (INLINE_LIMIT + 1)
    reference = await objects.put(b'{"text": "' + text.encode() + b'"}')
    result = await world.run(key, "echo", params=reference)
    assert (await resolved(objects, result.result))["params"] == {"text": text}

    async def huge(_call: HostCall, _upcalls: Upcalls) -> Any:
        return {"blob": "x" * (64 * 1024 * 1024)}

    one.hosts.acts["huge"] = huge
    result = await world.run(key, "huge")
    assert (result.state, result.cause) == ("failed", "unserialisable")
    missing = reference.model_copy(update={"digest": "0" * 64})
    assert (await world.run(key, "echo", params=missing)).cause == "invalid_command"


async def test_a_running_run_is_cancelled_and_a_hung_plugin_blocks_no_other(world: World, key: str) -> None:
    one = await ready(world, key)
    other = f"{key}_other"
    await world.install(other)
    await world.enable(other)
    await world.until_loaded(other)
    gate = one.hosts.acts["wait"] = Gate()
    hung = [await world.request(key, "wait") for _ in range(8)]
    await gate.begun.wait()
    assert (await world.run(other, "echo")).state == "succeeded"
    for run_id in hung:
        await world.until_state(run_id, "running")
        await world.data.publish(
            c.RUN_CONTROLLED, RunControlled(run_id=run_id, wish="cancel"), type="run.cancel_wished", run_id=run_id
        )  # fmt: skip
    assert {(await world.result(run_id)).state for run_id in hung} == {"cancelled"}


async def test_a_run_longer_than_the_time_to_acknowledge_starts_once(world: World, key: str) -> None:
    one = await ready(world, key)
    gate = one.hosts.acts["wait"] = Gate()
    run_id = await world.request(key, "wait")
    await gate.begun.wait()
    await asyncio.sleep(8)  # the time itself is what is tested: longer than the bus waits for a word
    gate.open.set()
    assert (await world.result(run_id)).state == "succeeded"
    assert one.hosts.calls[run_id] == 1


async def test_an_expired_command_is_lost_and_not_run(world: World, key: str) -> None:
    one = await ready(world, key)
    result = await world.run(key, "echo", expires_at="2020-01-01T00:00:00.000Z")
    assert (result.state, result.cause) == ("lost", "expired")
    assert not one.hosts.calls


async def test_commands_that_make_no_sense_fail_where_they_name_a_run(world: World, key: str) -> None:
    await ready(world, key)
    run_id = new_id()
    subject = c.RUN_REQUESTED.subject.of(plugin=key)
    await world.gateway.put(subject, b"not json")
    await world.gateway.put(subject, b'{"run_id": "%s", "plugin": "x", "action": 7}' % run_id.encode())
    assert (await world.until_state(run_id, "failed")).cause == "invalid_command"
    other = await world.request(key, "echo", run_id=new_id())
    assert (await world.result(other)).state == "succeeded"


async def test_a_run_that_outlives_the_grace_time_is_lost_by_the_shutdown(world: World, key: str) -> None:
    one = await world.executor(grace_s=0.0)
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    gate = one.hosts.acts["wait"] = Gate()
    run_id = await world.request(key, "wait")
    await gate.begun.wait()
    await one.close()
    result = await world.result(run_id)
    assert (result.state, result.cause) == ("lost", "shutdown")
    assert (key, "stop shutdown") in one.hosts.said
    leases = Kv(world.gateway, LEASES)

    async def given_back() -> bool:
        return await leases.get(f"executor.{one.name}") is None

    await until(given_back, 1)


async def test_exactly_one_of_two_executors_that_get_the_same_command_runs_it(world: World, key: str) -> None:
    first, second = await world.executor(), await world.executor()
    await world.install(key, placement="any")
    await world.enable(key)
    await world.until_loaded(key)

    async def both() -> bool:
        return key in first.hosts.alive and key in second.hosts.alive

    await until(both)
    runs = [new_id() for _ in range(20)]
    # Each command twice: most of them meet on different executors.
    for run_id in runs:
        await asyncio.gather(
            world.request(key, "echo", run_id=run_id), world.request(key, "echo", run_id=run_id)
        )
    for run_id in runs:
        assert (await world.result(run_id)).state == "succeeded"
        assert first.hosts.calls[run_id] + second.hosts.calls[run_id] == 1


@pytest.mark.usefixtures("abandoned")  # log-ins that the server refuses while it reads its users again
async def test_an_outside_users_command_speaks_for_that_user_only(world: World, key: str) -> None:
    one = await ready(world, key)
    run_id, other = new_id(), new_id()
    subject = c.RUN_REQUESTED_BY_USER.subject.of(plugin=key, action="echo", user="Ann")
    # The server lets a bus user publish on no other subject; another action is a lie in the payload.
    body = '{{"run_id": "{}", "plugin": "{}", "action": "{}", "actor": "user:admin"}}'
    ann = await world.outsider("Ann", key, "echo")
    await ann.publish(subject, body.format(run_id, key, "echo").encode())
    await ann.publish(subject, body.format(other, key, "delete").encode())
    assert (await world.until_state(run_id, "succeeded")).actor == "bus:Ann"
    refused = await world.until_state(other, "failed")
    assert (refused.cause, refused.actor) == ("permission_denied", "bus:Ann")
    assert one.hosts.calls[other] == 0
    await ann.close()
