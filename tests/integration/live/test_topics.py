"""What clients are told, topic by topic."""

from typing import Any

import pytest

from shared.contracts import catalog as c
from shared.contracts.base import Event, new_id
from shared.contracts.changes import ChangesLost, DataChanged, UserChanged
from shared.contracts.plugins import WEBSOCKET_EVENT, AppEvent
from shared.contracts.runs import RunLogged, RunProgressed, RunState
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import manifest
from tests.integration.live.conftest import Client, Join, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def changed(site: Served, kind: str, item: int, plugin: str = "calendar") -> None:
    """As data's tailer tells of it."""
    event = DataChanged(plugin=plugin, collection="events", id=item, rev=1)
    await site.platform.data.store(c.DATA_CHANGED, event, type=kind, plugin=plugin, collection="events")


async def test_a_run_is_followed_from_its_claim_to_its_end(shared_site: Served, join: Join) -> None:
    executor, run_id = shared_site.platform.executor, new_id()
    client = await join(shared_site, "viewer")
    topics = (
        "runs",
        "runs.my=20plugin",
        "runs.other",
        f"run.{run_id}",
        f"log.{run_id}",
        f"progress.{run_id}",
    )
    assert set(await client.subscribe(*topics)) == set(topics)
    state = RunState(run_id=run_id, plugin="my plugin", action="sync", state="running")
    seq = await executor.store(c.RUN_STATE_CHANGED, state, type="run.running", expect_last=0, run_id=run_id)
    by_topic = {frame["topic"]: frame for frame in [await client.next() for _ in range(3)]}
    assert set(by_topic) == {"runs", "runs.my=20plugin", f"run.{run_id}"}
    claimed = by_topic["runs"]
    assert claimed["type"] == "run.running"
    assert claimed["data"] == state.model_dump(mode="json")
    assert claimed["at"].endswith(f":{seq}")

    line = {"time": "2026-01-01T00:00:00.000Z", "level": "info", "message": "hello"}
    logged = RunLogged(plugin="my plugin", run_id=run_id, lines=(line,))
    seq = await executor.store(c.RUN_LOGGED, logged, type="run.logged", run_id=run_id)
    frame = await client.next()
    assert (frame["topic"], frame["type"]) == (f"log.{run_id}", "log.lines")
    assert frame["data"]["lines"] == [{"seq": seq, **line}]

    progress = RunProgressed(plugin="my plugin", run_id=run_id, done=1, total=2, message="half")
    await executor.store(c.RUN_PROGRESSED, progress, type="run.progressed", run_id=run_id)
    frame = await client.next()
    assert (frame["topic"], frame["type"]) == (f"progress.{run_id}", "run.progressed")
    assert frame["data"]["done"] == 1


async def test_a_large_result_is_left_out_and_said_so(shared_site: Served, join: Join) -> None:
    run_id = new_id()
    client = await join(shared_site, "viewer")
    await client.subscribe(f"run.{run_id}")
    state = RunState(run_id=run_id, plugin="p", action="a", state="succeeded", result="x" * 20_000)
    await shared_site.platform.executor.store(c.RUN_STATE_CHANGED, state, type="run.succeeded", run_id=run_id)
    data = (await client.next())["data"]
    assert "result" not in data
    assert data["result_left_out"] is True


async def test_data_is_told_by_id_and_revision_only(shared_site: Served, join: Join) -> None:
    client = await join(shared_site, "viewer")
    await client.subscribe("data.calendar.events")
    await changed(shared_site, "item.added", 7)
    await changed(shared_site, "item.added", 8, plugin="another")
    await changed(shared_site, "item.removed", 7)
    added, removed = await client.next(), await client.next()
    assert (added["type"], added["data"]) == ("item.added", {"id": 7, "rev": 1})
    assert removed["type"] == "item.removed"


async def test_whoever_is_told_of_a_plugin_reads_what_it_was_told_of(shared_site: Served, join: Join) -> None:
    platform = shared_site.platform
    client, http = await join(shared_site, "viewer"), shared_site.as_("viewer")
    await client.subscribe("plugins", "navigation")
    for generation in range(1, 6):
        found = manifest("told", name=f"Version {generation}", generation=generation)
        await platform._manifests.put("manifest.told", found.to_bytes())
        await platform.changed("told", "updated")
        frames = [await client.next(), await client.next()]
        assert {frame["type"] for frame in frames} == {"plugin.updated", "navigation.changed"}
        plugins = (await http.get("/api/plugins/plugins/")).json()["plugins"]
        assert [one["name"] for one in plugins if one["key"] == "told"] == [f"Version {generation}"]


@pytest.mark.parametrize("level", ["user", "admin", "viewer"])
async def test_what_plugins_send_to_pages_reaches_users_in_dispatcharrs_shape(
    shared_site: Served, join: Join, level: str
) -> None:
    client = await join(shared_site, level)
    await client.subscribe("runs")
    sent = {"type": "plugin", "plugin": "my_plugin", "message": "Sync completed"}
    for group, data in (("another", {"n": 0}), ("updates", sent)):
        payload: Any = {"group": group, "type": "update", "data": data}
        event = AppEvent(name=WEBSOCKET_EVENT, payload=payload, plugin="my_plugin")
        await shared_site.platform.executor.store(c.APP_EVENT, event, type="app.event", name=WEBSOCKET_EVENT)
    if level == "viewer":
        await client.say(op="ping")
        assert await client.next() == {"type": "pong"}
    else:
        assert await client.next() == {"type": "update", "data": sent}


async def test_topics_ask_for_a_level_and_names_must_mean_something(shared_site: Served, join: Join) -> None:
    client = await join(shared_site, "user")
    cases = {
        "users": "permission_denied",
        "nonsense": "invalid",
        "data.only_one": "invalid",
        "data.UPPER.case": "invalid",
        "run.>": "invalid",
        "data.*.events": "invalid",
        "updates": "invalid",
    }
    for topic, code in cases.items():
        await client.say(op="subscribe", topics=[topic, "plugins"])
        error, subscribed = await client.next(), await client.next()
        assert (error["type"], error["code"], error["topic"]) == ("error", code, topic)
        assert set(subscribed["topics"]) == {"plugins"}
    admin = await join(shared_site, "admin")
    await admin.subscribe("users", "configs", "schedules")
    event = UserChanged(id="u1")
    await shared_site.platform.data.store(c.USER_CHANGED, event, type="user.added", user="u1")
    assert (await admin.next())["data"] == {"id": "u1"}


async def test_a_topic_has_one_subscription_however_many_follow_it(shared_site: Served, join: Join) -> None:
    hub = shared_site.gateway.hub
    clients: list[Client] = [await join(shared_site, "viewer") for _ in range(5)]
    before = hub.subscriptions
    for client in clients:
        await client.subscribe("data.shared.topic", "data.shared.other")
    assert hub.subscriptions == before + 2
    received = shared_site.gateway.bus.nc.stats["in_msgs"]
    await changed_one(shared_site, "shared", "topic")
    for client in clients:
        assert (await client.next())["topic"] == "data.shared.topic"
    assert shared_site.gateway.bus.nc.stats["in_msgs"] == received + 1
    for client in clients[:4]:
        await client.say(op="unsubscribe", topics=["data.shared.topic", "data.shared.other"])
    await changed_one(shared_site, "shared", "topic")
    assert (await clients[4].next())["topic"] == "data.shared.topic"
    assert hub.subscriptions == before + 2
    await clients[4].leave()
    await until(lambda: hub.subscriptions == before)
    # Those who have left are told nothing more.
    await clients[0].say(op="ping")
    assert await clients[0].next() == {"type": "pong"}


async def changed_one(site: Served, plugin: str, collection: str) -> None:
    event = DataChanged(plugin=plugin, collection=collection, id=1, rev=1)
    await site.platform.data.store(
        c.DATA_CHANGED, event, type="item.added", plugin=plugin, collection=collection
    )


async def test_lost_changes_make_everybody_reload_who_follows_data(shared_site: Served, join: Join) -> None:
    client = await join(shared_site, "viewer")
    await client.subscribe("data.calendar.events", "schedules", "runs")
    await changed(shared_site, "item.added", 1)
    seen = (await client.next())["at"]
    lost: Event = ChangesLost(reason="a test")
    await shared_site.platform.data.store(c.CHANGES_LOST, lost, type="changes.lost")
    told = [await client.next(), await client.next()]
    assert {(frame["topic"], frame["type"]) for frame in told} == {
        ("data.calendar.events", "reload"),
        ("schedules", "reload"),
    }
    await changed(shared_site, "item.added", 2)
    after = await client.next()
    assert after["data"]["id"] == 2
    # Nor does anybody come back to before.
    again = await join(shared_site, "viewer")
    await again.subscribe("data.calendar.events", **{"data.calendar.events": seen})
    assert (await again.next())["type"] == "reload"
