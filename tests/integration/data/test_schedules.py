"""Schedules tick: once each, however many replicas there are, and whatever was down meanwhile."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.data.main import App
from services.data.repository.mongo import Database
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import schedules as m
from shared.contracts.base import new_id, now, timestamp_of
from shared.contracts.data import DeletePluginConfig, SetEnabled
from shared.messaging.bus import Bus
from shared.messaging.ledger import Ledger
from tests.integration.data.conftest import StartData
from tests.integration.data.schedules_talk import commands, end_runs, eventually, get, make, ticks

BusOf = Callable[[str], Awaitable[Bus]]


async def rewind(mongo_url: str, schedule_id: str, seconds: float) -> str:
    """Have a schedule wait for a tick that was due so long ago, as if nobody had been there since."""
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    due = timestamp_of((datetime.now(UTC) - timedelta(seconds=seconds)).timestamp())
    await database.collection("schedules").update_one({"_id": schedule_id}, {"$set": {"next_at": due}})
    database.close()
    return due


async def test_each_tick_is_one_run_however_many_replicas_there_are(
    start_data: StartData, bus_of: BusOf
) -> None:
    for _ in range(3):
        await start_data()
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    plugin = f"p {new_id()}"
    await gateway.request(c.SET_ENABLED, SetEnabled(key=plugin, enabled=True))
    made = await make(gateway, plugin, interval_s=1, overlap="allow", params={"a.$b": [1]})
    assert made.next_at is not None

    async def enough() -> list[m.Tick] | None:
        found = [tick for tick in await ticks(gateway, made.id) if tick.outcome == "ran"]
        return found if len(found) >= 4 else None

    found = await eventually(enough)

    async def all_sent() -> bool:
        # A tick is entered before its command is stored.
        sent = {command.run_id for command in await commands(executor, plugin)}
        return {tick.run_id for tick in found} <= sent

    await eventually(all_sent)
    sent = await commands(executor, plugin)
    assert {command.trigger for command in sent} == {"schedule"}
    assert {command.actor for command in sent} == {f"schedule:{made.id}"}
    assert {str(command.params) for command in sent} == {"{'a.$b': [1]}"}
    assert len({command.run_id for command in sent}) == len(sent)
    # A second apart each, whenever it was dealt with.
    moments = sorted(datetime.fromisoformat(tick.at) for tick in found)
    distances = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
    assert all(distance == pytest.approx(round(distance), abs=0.002) for distance in distances)
    shown = await get(gateway, made.id)
    assert shown.last_at is not None
    assert shown.rev == 1


async def test_a_tick_that_is_told_again_and_again_is_one_run(
    data: App, gateway: Bus, plugin: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, cron="0 0 1 1 *", overlap="allow")
    assert made.next_at is not None
    due = m.TickDue(schedule_id=made.id, rev=made.rev, due=made.next_at)
    await asyncio.gather(*(data.schedules._ticker.tick(due) for _ in range(8)))
    assert len(await commands(await bus_of("executor"), plugin)) == 1
    assert len(await ticks(gateway, made.id)) == 1


async def test_a_tick_is_skipped_while_the_last_run_goes_on(
    gateway: Bus, plugin: str, executor: Ledger, bus_of: BusOf
) -> None:
    bus = await bus_of("executor")
    made = await make(gateway, plugin, interval_s=1)

    async def skipped() -> m.Tick | None:
        return next((tick for tick in await ticks(gateway, made.id) if tick.outcome == "skipped"), None)

    tick = await eventually(skipped)
    [first] = await commands(bus, plugin)
    assert tick.reason == f"run {first.run_id} has not ended"

    async def counted() -> bool:
        # A tick is entered before its schedule goes on.
        return (await get(gateway, made.id)).skipped_count >= 1

    await eventually(counted)
    await end_runs(executor, bus, plugin)

    async def second() -> bool:
        return len(await commands(bus, plugin)) > 1

    await eventually(second)


async def test_what_was_missed_is_shown_and_the_next_tick_is_waited_for(
    data: App, gateway: Bus, plugin: str, mongo_url: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    first = await rewind(mongo_url, made.id, 3 * 3600 + 600)
    await data.schedules.reconcile()
    [tick] = await ticks(gateway, made.id)
    assert (tick.outcome, tick.count, tick.at, tick.run_id) == ("missed", 4, first, None)
    assert tick.reason == "the platform was not running"
    shown = await get(gateway, made.id)
    assert (shown.missed_count, shown.last_run_id) == (4, None)
    assert shown.next_at is not None
    assert shown.next_at > now()
    assert await commands(await bus_of("executor"), plugin) == []


async def test_what_was_missed_is_made_up_for_once_where_the_schedule_says_so(
    data: App, gateway: Bus, plugin: str, mongo_url: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, interval_s=3600, missed="run_once")
    await rewind(mongo_url, made.id, 3 * 3600 + 600)
    await asyncio.gather(data.schedules.reconcile(), data.schedules.reconcile())
    ran, missed = await ticks(gateway, made.id)
    assert (ran.outcome, missed.outcome, missed.count) == ("ran", "missed", 3)
    assert "made up for" in (ran.reason or "")
    [command] = await commands(await bus_of("executor"), plugin)
    assert command.run_id == ran.run_id
    assert (await get(gateway, made.id)).missed_count == 3


async def test_a_paused_schedule_does_not_tick_and_has_no_timer(
    data: App, gateway: Bus, plugin: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, interval_s=1, overlap="allow")
    bus = await bus_of("executor")
    await eventually(lambda: commands(bus, plugin))
    paused = await gateway.request(c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, enabled=False))
    assert (paused.enabled, paused.next_at, paused.rev) == (False, None, 2)
    assert made.id not in {timer.schedule_id async for timer in data.schedules._timers.every()}
    # A tick of the former revision, should one be under way, is none any more.
    await data.schedules._ticker.tick(m.TickDue(schedule_id=made.id, rev=1, due=now()))
    before = len(await ticks(gateway, made.id))
    resumed = await gateway.request(c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, enabled=True))
    assert resumed.next_at is not None
    assert resumed.next_at > now()

    async def more() -> bool:
        return len(await ticks(gateway, made.id)) > before

    await eventually(more)
    assert not [tick for tick in await ticks(gateway, made.id) if tick.outcome == "missed"]


async def test_a_schedule_of_a_disabled_plugin_waits_and_says_so(gateway: Bus, plugin: str) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    assert (made.problem, made.enabled) == (None, True)
    await gateway.request(c.SET_ENABLED, SetEnabled(key=plugin, enabled=False))
    shown = await get(gateway, made.id)
    assert (shown.next_at, shown.enabled) == (None, True)
    # Nothing but a config is known of this test's plugin.
    assert shown.problem == f"plugin {plugin!r} is not installed"
    with pytest.raises(errors.PluginDisabled):
        await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id))
    await gateway.request(c.SET_ENABLED, SetEnabled(key=plugin, enabled=True))

    async def waits_again() -> bool:
        return (await get(gateway, made.id)).next_at is not None

    await eventually(waits_again)
    assert (await get(gateway, made.id)).missed_count == 0


async def test_schedules_go_with_their_plugins_data_only(gateway: Bus, plugin: str) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    await gateway.request(c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=plugin))
    assert "not installed" in ((await get(gateway, made.id)).problem or "")
    await gateway.request(c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=plugin, with_data=True))
    with pytest.raises(errors.NotFound):
        await get(gateway, made.id)


async def test_a_single_time_comes_about_once(gateway: Bus, plugin: str, bus_of: BusOf) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    made = await make(gateway, plugin, at=at, timezone="Europe/Berlin")
    assert made.next_at == made.at

    async def over() -> m.StoredSchedule | None:
        found = await get(gateway, made.id)
        return None if found.enabled else found

    shown = await eventually(over)
    assert shown.next_at is None
    [command] = await commands(await bus_of("executor"), plugin)
    assert shown.last_run_id == command.run_id
    with pytest.raises(errors.Invalid, match="has passed") as raised:
        await gateway.request(c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, enabled=True))
    assert raised.value.path == "at"


async def test_a_change_of_the_name_leaves_the_next_tick_and_a_change_of_the_time_does_not(
    gateway: Bus, plugin: str
) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    named = await gateway.request(c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, name="New", rev=1))
    assert (named.name, named.next_at, named.rev) == ("New", made.next_at, 2)
    with pytest.raises(errors.Conflict, match="rev 2"):
        await gateway.request(c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, name="Newer", rev=1))
    timed = await gateway.request(
        c.UPDATE_SCHEDULE, m.UpdateSchedule(id=made.id, cron="0 0 1 1 *", actor="user:bob")
    )
    assert (timed.cron, timed.interval_s, timed.updated_by) == ("0 0 1 1 *", None, "user:bob")
    assert timed.next_at is not None
    assert timed.next_at.endswith("-01-01T00:00:00.000Z")
    assert (timed.created_by, timed.created_at) == ("user:ann", made.created_at)


async def test_a_change_while_a_tick_is_dealt_with_loses_neither(
    data: App, gateway: Bus, plugin: str, bus_of: BusOf
) -> None:
    made = await make(gateway, plugin, interval_s=3600, overlap="allow")
    bus = await bus_of("executor")
    for number in range(5):
        known = await get(gateway, made.id)
        assert known.next_at is not None
        due = m.TickDue(schedule_id=made.id, rev=known.rev, due=known.next_at)
        change = m.UpdateSchedule(id=made.id, name=f"n{number}")
        await asyncio.gather(data.schedules._ticker.tick(due), gateway.request(c.UPDATE_SCHEDULE, change))
        changed = await get(gateway, made.id)
        assert changed.name == f"n{number}"
        sent = {command.run_id for command in await commands(bus, plugin)}
        ran = {tick.run_id for tick in await ticks(gateway, made.id)}
        # Each tick that is entered is a run, and never twice for one time.
        assert ran <= sent
        assert len({tick.at for tick in await ticks(gateway, made.id)}) == len(ran)


async def test_lost_timers_are_set_again_and_strange_ones_go(data: App, gateway: Bus, plugin: str) -> None:
    made = await make(gateway, plugin, interval_s=3600)
    timers = data.schedules._timers
    await timers.drop(made.id)
    strange = m.TickDue(schedule_id=new_id(), rev=1, due=made.next_at or "")
    await timers.set(strange)
    assert await data.schedules.reconcile() >= 2
    found = {timer.schedule_id: timer async for timer in timers.every()}
    assert found[made.id].due == made.next_at
    assert strange.schedule_id not in found


async def test_schedules_are_listed_by_name_and_by_plugin(gateway: Bus, plugin: str) -> None:
    for name in ("b", "c", "a"):
        await make(gateway, plugin, name=name, cron="@yearly")
    await make(gateway, f"{plugin} other", cron="@yearly")
    page = await gateway.request(c.LIST_SCHEDULES, m.ListSchedules(plugin=plugin, limit=2))
    assert ([one.name for one in page.schedules], page.total) == (["a", "b"], 3)
    rest = await gateway.request(c.LIST_SCHEDULES, m.ListSchedules(plugin=plugin, offset=2))
    assert [one.name for one in rest.schedules] == ["c"]


async def test_bad_times_and_params_are_refused_with_their_path(gateway: Bus, plugin: str) -> None:
    for path, values in (
        ("cron", {"cron": "* * *"}),
        ("cron", {}),
        ("cron", {"cron": "* * * * *", "interval_s": 5}),
        ("timezone", {"cron": "* * * * *", "timezone": "Mars/Base"}),
        ("at", {"at": "2001-01-01T00:00:00Z"}),
        ("params", {"cron": "* * * * *", "params": {"text": "x" * 300_000}}),
    ):
        with pytest.raises(errors.Invalid) as raised:
            await make(gateway, plugin, **values)
        assert raised.value.path == path
    with pytest.raises(errors.NotFound):
        await get(gateway, new_id())
    with pytest.raises(errors.NotFound):
        await gateway.request(c.DELETE_SCHEDULE, m.DeleteSchedule(id=new_id()))


async def test_the_history_of_ticks_keeps_the_newest(
    data: App, gateway: Bus, plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.data.repository.schedules.MOST_TICKS", 3)
    made = await make(gateway, plugin, cron="@yearly", overlap="allow")
    for _ in range(5):
        await gateway.request(c.RUN_SCHEDULE, m.RunSchedule(id=made.id))
    newest = (await ticks(gateway, made.id))[:3]
    await data.schedules.prune()
    assert await ticks(gateway, made.id) == newest
