"""What is wrong with one schedule is its own: it holds up no other, and no plugin's end."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.data.main import App
from services.data.repository.mongo import Database
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import schedules as m
from shared.contracts.base import new_id, timestamp_of
from shared.contracts.data import DeletePluginConfig, SetEnabled
from shared.messaging.bus import Bus
from tests.integration.data.schedules_talk import eventually, get, make, ticks

BusOf = Callable[[str], Awaitable[Bus]]


@pytest.fixture
async def schedules(mongo_url: str) -> AsyncIterator[Any]:
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    yield database.collection("schedules")
    database.close()


async def keep(executor: Bus, schedule_id: str, plugin: str, **more: Any) -> m.StoredSchedule:
    values = {"id": schedule_id, "name": "Nightly", "plugin": plugin, "action": "go", "interval_s": 3600}
    return await executor.request(c.KEEP_SCHEDULE, m.KeepSchedule(**values | more))


async def test_one_bad_schedule_holds_up_none_behind_it(
    data: App, gateway: Bus, plugin: str, schedules: Any
) -> None:
    unreadable, untimed, sound = [await make(gateway, plugin, interval_s=3600) for _ in range(3)]
    overdue = timestamp_of((datetime.now(UTC) - timedelta(hours=3, minutes=30)).timestamp())
    await schedules.update_many({}, {"$set": {"next_at": overdue}})
    await schedules.update_one({"_id": untimed.id}, {"$set": {"interval_s": None, "cron": "whenever"}})
    await schedules.update_one({"_id": unreadable.id}, {"$set": {"name": ["no", "text"]}})
    await data.schedules.reconcile()
    assert [tick.outcome for tick in await ticks(gateway, sound.id)] == ["missed"]
    await data.schedules.prune()

    # Nor where its plugin is disabled, or deleted with its data.
    await gateway.request(c.SET_ENABLED, SetEnabled(key=plugin, enabled=False))
    await schedules.update_many({}, {"$set": {"next_at": overdue}})
    await gateway.request(c.SET_ENABLED, SetEnabled(key=plugin, enabled=True))

    async def goes_on() -> bool:
        return (await get(gateway, sound.id)).next_at not in (None, overdue)

    await eventually(goes_on)
    await gateway.request(c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=plugin, with_data=True))
    assert await schedules.count_documents({}) == 0


async def test_the_timer_of_an_unreadable_schedule_holds_up_no_other(
    data: App, gateway: Bus, plugin: str, schedules: Any
) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    await schedules.update_one({"_id": made.id}, {"$set": {"name": ["no", "text"]}})
    timers = data.schedules._timers
    due = timestamp_of(time.time() + 3600)
    strangers = {new_id() for _ in range(3)}
    for stranger in strangers:
        await timers.set(m.TickDue(schedule_id=stranger, rev=1, due=due))
    await data.schedules.reconcile()
    assert {timer.schedule_id async for timer in timers.every()} & {made.id, *strangers} == {made.id}


async def test_schedules_are_gone_once_their_plugins_deletion_is_answered(
    gateway: Bus, plugin: str, schedules: Any
) -> None:
    for _ in range(20):
        await make(gateway, plugin, interval_s=3600)
    await gateway.request(c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=plugin, with_data=True))
    assert await schedules.count_documents({}) == 0


async def test_periodic_tasks_are_limited_as_other_schedules_are(
    data: App, gateway: Bus, plugin: str, bus_of: BusOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = await bus_of("executor")
    kept = await keep(executor, new_id(), plugin)
    monkeypatch.setattr(m, "MAX_SCHEDULES", 1)
    with pytest.raises(errors.Conflict):
        await keep(executor, new_id(), plugin)
    assert (await keep(executor, kept.id, plugin, interval_s=60)).interval_s == 60


async def test_a_periodic_task_that_is_only_renamed_waits_for_the_same_tick(
    data: App, gateway: Bus, plugin: str, bus_of: BusOf
) -> None:
    executor = await bus_of("executor")
    kept = await keep(executor, new_id(), plugin)
    assert kept.next_at is not None
    renamed = await keep(executor, kept.id, plugin, name="Hourly", params={"deep": True})
    assert (renamed.name, renamed.next_at, renamed.rev) == ("Hourly", kept.next_at, 2)
    timers = {timer.schedule_id: timer async for timer in data.schedules._timers.every()}
    assert timers[kept.id] == m.TickDue(schedule_id=kept.id, rev=2, due=kept.next_at)
    assert (await keep(executor, kept.id, plugin, name="Hourly", interval_s=7200)).next_at != kept.next_at
