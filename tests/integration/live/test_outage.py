"""A bus that goes away and comes back: clients stay connected and miss nothing."""

import asyncio

import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.changes import DataChanged
from tests.integration.gateway.conftest import Served
from tests.integration.live.conftest import Join
from tests.servers import RunningNats

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOPIC = "data.calendar.events"


async def surely_changed(site: Served, item: int) -> None:
    """Tell of a change, as often as it takes; stored once."""
    event = DataChanged(plugin="calendar", collection="events", id=item, rev=1)
    msg_id = new_id()
    async with asyncio.timeout(40):
        while True:
            try:
                await site.platform.data.store(
                    c.DATA_CHANGED,
                    event,
                    type="item.added",
                    msg_id=msg_id,
                    timeout_s=3.0,
                    plugin="calendar",
                    collection="events",
                )
            except errors.PlugarrError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_bus_that_is_killed_again_and_again_costs_no_frame(
    nats: RunningNats, shared_site: Served, join: Join
) -> None:
    clients = [await join(shared_site, level) for level in ("viewer", "user")]
    for client in clients:
        await client.subscribe(TOPIC, "plugins")
    for round_ in range(2):
        for item in range(20):
            if item == 10:
                nats.kill_and_restart()
            await surely_changed(shared_site, round_ * 20 + item)
    for client in clients:
        frames = [await client.next() for _ in range(40)]
        assert [frame["data"]["id"] for frame in frames] == list(range(40))


async def test_whoever_subscribes_while_the_bus_is_away_is_served_when_it_is_back(
    nats: RunningNats, shared_site: Served, join: Join
) -> None:
    client = await join(shared_site)
    nats.process.kill()
    nats.process.wait()
    await client.say(op="subscribe", topics=[TOPIC])
    await client.say(op="ping")
    # It is answered meanwhile.
    assert await client.next() == {"type": "pong"}
    nats.process = nats.server.start()
    assert (await client.next(40))["type"] == "subscribed"
    await surely_changed(shared_site, 1)
    assert (await client.next())["data"]["id"] == 1
