"""A client that comes back gets what it has missed, once and in order, or is told to reload."""

import pytest

from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.runs import RunLogged, RunProgressed, RunState
from tests.integration.gateway.conftest import Served, served
from tests.integration.live.conftest import Join
from tests.integration.live.test_topics import changed

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOPIC = "data.calendar.events"


async def test_frames_follow_from_the_last_one_seen(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    await client.subscribe(TOPIC)
    await changed(shared_site, "item.added", 1)
    seen = (await client.next())["at"]
    await client.leave()
    for number in range(2, 400):
        await changed(shared_site, "item.added", number)
    again = await join(shared_site)
    assert await again.subscribe(TOPIC, **{TOPIC: seen}) == {TOPIC: seen}
    await changed(shared_site, "item.added", 400)
    assert [(await again.next())["data"]["id"] for _ in range(2, 401)] == list(range(2, 401))


async def test_who_has_seen_no_frame_resumes_from_where_it_subscribed(
    shared_site: Served, join: Join
) -> None:
    client = await join(shared_site)
    position = (await client.subscribe(TOPIC))[TOPIC]
    await client.leave()
    await changed(shared_site, "item.added", 1)
    again = await join(shared_site)
    await again.subscribe(TOPIC, **{TOPIC: position})
    assert (await again.next())["data"]["id"] == 1


async def test_any_gateway_goes_on_where_another_one_ended(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    await client.subscribe(TOPIC)
    await changed(shared_site, "item.added", 1)
    seen = (await client.next())["at"]
    await changed(shared_site, "item.added", 2)
    async with served(shared_site.platform, shared_site.gateway.settings) as other:
        again = await join(other)
        await again.subscribe(TOPIC, **{TOPIC: seen})
        await changed(shared_site, "item.added", 3)
        assert [(await again.next())["data"]["id"] for _ in range(2)] == [2, 3]
        await again.leave()


@pytest.mark.parametrize("since", ["123:4", "nonsense", "123", ":", "9" * 64])
async def test_a_position_that_means_nothing_here_makes_the_client_reload(
    shared_site: Served, join: Join, since: str
) -> None:
    client = await join(shared_site)
    await client.subscribe(TOPIC, **{TOPIC: since})
    frame = await client.next()
    assert (frame["topic"], frame["type"]) == (TOPIC, "reload")
    await changed(shared_site, "item.added", 5)
    assert (await client.next())["data"]["id"] == 5


async def test_a_position_that_is_still_to_come_makes_the_client_reload(
    shared_site: Served, join: Join
) -> None:
    client = await join(shared_site)
    epoch, _, seq = (await client.subscribe(TOPIC))[TOPIC].partition(":")
    await client.subscribe(TOPIC, **{TOPIC: f"{epoch}:{int(seq) + 1000}"})
    assert (await client.next())["type"] == "reload"


async def test_too_much_to_catch_up_with_is_read_anew(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    position = (await client.subscribe("runs.busy"))["runs.busy"]
    for _ in range(1010):
        state = RunState(run_id=new_id(), plugin="busy", action="a", state="running")
        await shared_site.platform.executor.tell(
            c.RUN_STATE_CHANGED, state, type="run.running", run_id=state.run_id
        )
    again = await join(shared_site)
    await again.subscribe("runs.busy", **{"runs.busy": position})
    assert (await again.next())["type"] == "reload"


async def test_what_a_stream_no_longer_holds_makes_the_client_reload(shared_site: Served, join: Join) -> None:
    run_id = new_id()
    executor = shared_site.platform.executor
    client = await join(shared_site)
    position = (await client.subscribe(f"log.{run_id}"))[f"log.{run_id}"]
    await client.leave()
    line = {"time": "2026-01-01T00:00:00.000Z", "level": "info", "message": "x"}
    logged = RunLogged(plugin="p", run_id=run_id, lines=(line,))
    for _ in range(3):
        await executor.tell(c.RUN_LOGGED, logged, type="run.logged", run_id=run_id)
    # A limit takes all but the newest: what is left alone would look like all that was missed.
    streams = shared_site.platform.provisioner.nc.jetstream()
    limits = (await streams.stream_info(c.RUN_LOG)).config
    await streams.update_stream(limits.evolve(max_msgs=1))
    await streams.update_stream(limits)
    await executor.tell(c.RUN_LOGGED, logged, type="run.logged", run_id=run_id)
    again = await join(shared_site)
    await again.subscribe(f"log.{run_id}", **{f"log.{run_id}": position})
    assert (await again.next())["type"] == "reload"


async def test_progress_resumes_with_the_latest(shared_site: Served, join: Join) -> None:
    run_id = new_id()
    topic = f"progress.{run_id}"
    client = await join(shared_site)
    position = (await client.subscribe(topic))[topic]
    await client.leave()
    for done in range(5):
        progress = RunProgressed(plugin="p", run_id=run_id, done=done)
        await shared_site.platform.executor.store(
            c.RUN_PROGRESSED, progress, type="run.progressed", run_id=run_id
        )
    again = await join(shared_site)
    await again.subscribe(topic, **{topic: position})
    assert (await again.next())["data"]["done"] == 4


async def test_subscribing_again_begins_again(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    position = (await client.subscribe(TOPIC))[TOPIC]
    await changed(shared_site, "item.added", 1)
    assert (await client.next())["data"]["id"] == 1
    await client.subscribe(TOPIC, **{TOPIC: position})
    assert (await client.next())["data"]["id"] == 1
    await changed(shared_site, "item.added", 2)
    assert (await client.next())["data"]["id"] == 2
