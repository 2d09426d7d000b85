"""Run now: the user's run, one at a time where the schedule may not overlap."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.data.clients import Commands
from services.data.main import App
from services.data.models import ReceivedCommand, StoredRun
from services.data.repository.mongo import Database
from services.data.repository.runs import Runs
from services.data.service.ticker import Ticker
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import schedules as m
from shared.contracts.base import new_id, timestamp_of
from shared.contracts.runs import RunRequested
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


def ticker_of(data: App, **instead: Any) -> Ticker:
    """The replica's ticker, with other parts."""
    own = data.schedules._ticker
    names = ("schedules", "configs", "runs", "ledger", "commands", "payloads", "timers")
    return Ticker(**{name: getattr(own, f"_{name}") for name in names} | instead)


class Unsendable(Commands):
    """As without the bus."""

    async def send(self, command: RunRequested, *, msg_id: str | None = None) -> int:
        raise errors.Unavailable("no bus")


class Unfound(Commands):
    """As where the command has been worked off."""

    async def find(self, run_id: str) -> ReceivedCommand | None:
        return None


class Behind(Runs):
    """A history that has not come so far."""

    async def get(self, run_id: str) -> StoredRun | None:
        return None


async def test_a_run_that_could_not_be_asked_for_is_no_tick(data: App, gateway: Bus, plugin: str) -> None:
    made = await make(gateway, plugin, cron="@yearly")
    ticker = ticker_of(data, commands=Unsendable(data.bus))
    with pytest.raises(errors.Unavailable):
        await ticker.run_now(made, new_id(), None)
    assert await ticks(gateway, made.id) == []


async def test_a_run_that_was_made_up_for_goes_on_from_when_it_was_asked_for(
    data: App, gateway: Bus, plugin: str, mongo_url: str
) -> None:
    made = await make(gateway, plugin, interval_s=3600, missed="run_once")
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    due = timestamp_of((datetime.now(UTC) - timedelta(minutes=30)).timestamp())
    await database.collection("schedules").update_one({"_id": made.id}, {"$set": {"next_at": due}})
    await data.schedules.reconcile()
    shown = await get(gateway, made.id)
    assert (shown.last_at, shown.last_run_id is None) == (due, False)
    ticker = ticker_of(data, commands=Unfound(data.bus), runs=Behind(database))
    assert await ticker.going(await data.schedules._find(made.id)) == shown.last_run_id
    database.close()
