"""Run now: the user's run, one at a time where the schedule may not overlap."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.data.main import App
from services.data.repository.mongo import Database
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import schedules as m
from shared.contracts.base import new_id, timestamp_of
from shared.messaging.bus import Bus
from shared.messaging.ledger import Ledger
from tests.integration.data.schedules_talk import commands, end_runs, get, make, ticks

BusOf = Callable[[str], Awaitable[Bus]]


async def test_run_now_is_the_users_run_and_refused_while_the_last_one_goes_on(
    gateway: Bus, plugin: str, executor: Ledger, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, cron="0 0 1 1 *", secret_params=("key",), params={"key": "s3"})
    bus = await bus_of("executor")
    started = await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id, actor="user:bob"))
    [command] = await commands(bus, plugin)
    assert (command.run_id, command.actor, command.trigger) == (started.run_id, "user:bob", "user")
    assert (command.params, command.secret_params) == ({"key": "s3"}, ("key",))
    with pytest.raises(errors.Conflict, match=started.run_id):
        await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id))
    await end_runs(executor, bus, plugin)
    await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id))
    [_, tick] = await ticks(gateway, made.id)
    assert (tick.outcome, tick.reason) == ("ran", "run now by user:bob")
    assert (await get(gateway, made.id)).next_at == made.next_at


async def test_of_two_who_run_it_now_at_once_one_does(gateway: Bus, plugin: str, bus_of: BusOf) -> None:
    made = await make(gateway, plugin, cron="@yearly")
    asked = (gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id)) for _ in range(6))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict"] * 5 + ["ScheduleStarted"]
    assert len(await commands(await bus_of("executor"), plugin)) == 1


async def test_a_run_that_was_never_stored_holds_up_no_tick(
    data: App, gateway: Bus, plugin: str, mongo_url: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, cron="@yearly")
    # As after the end of the process that was about to store its command.
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    hour_ago = timestamp_of((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    await database.collection("schedules").update_one(
        {"_id": made.id}, {"$set": {"last_at": hour_ago, "last_run_id": new_id()}}
    )
    database.close()
    await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id))
    assert len(await commands(await bus_of("executor"), plugin)) == 1
