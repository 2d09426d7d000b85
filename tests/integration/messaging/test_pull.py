"""The continuous pull on a real consumer: everything once, never more at once than said, across a restart."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from deploy.provisioner.apply import ensure_durable
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.runs import RunRequested
from shared.contracts.streams import ACK_WAIT_S, Durable, plugin_durable, plugin_filters
from shared.messaging.bus import Bus
from shared.messaging.pull import Delivery, Pull
from tests.servers import RunningNats

BusOf = Callable[[str], Awaitable[Bus]]


class Worker:
    """Takes deliveries into a queue."""

    def __init__(self, bus: Bus, plugin: str, at_once: int) -> None:
        self.queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self.pull = Pull(bus, c.RUN_CMD, plugin_durable(plugin), self.queue.put_nowait, at_once=at_once)

    async def next(self, timeout_s: float = 10.0) -> Delivery:
        return await asyncio.wait_for(self.queue.get(), timeout_s)

    async def finish(self, delivery: Delivery) -> None:
        await delivery.ack()
        self.pull.done()


@pytest.fixture
async def plugin(bus_of: BusOf) -> str:
    """A plugin of this test's own, with a name that needs encoding, and its consumer."""
    name = f"My Plüg.{uuid.uuid4().hex[:6]}"
    provisioner = await bus_of("provisioner")
    durable = Durable(
        c.RUN_CMD, plugin_durable(name), plugin_filters(name), ack_wait_s=ACK_WAIT_S, max_ack_pending=100
    )
    await ensure_durable(provisioner.nc.jetstream(), durable)
    return name


async def request(bus: Bus, plugin: str, count: int) -> list[int]:
    commands = [RunRequested(run_id=new_id(), plugin=plugin, action="a") for _ in range(count)]
    return [await bus.store(c.RUN_REQUESTED, one, msg_id=one.run_id, plugin=plugin) for one in commands]


async def test_every_message_comes_once_and_in_order(bus_of: BusOf, plugin: str) -> None:
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    worker = Worker(executor, plugin, at_once=4)
    await worker.pull.start()
    sent = await request(gateway, plugin, 50)
    seen = []
    for _ in sent:
        delivery = await worker.next()
        seen.append(delivery.seq)
        assert delivery.delivered == 1
        await worker.finish(delivery)
    assert seen == sent
    assert worker.queue.empty()
    await worker.pull.stop()


async def test_no_more_is_in_hand_than_was_allowed(bus_of: BusOf, plugin: str) -> None:
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    worker = Worker(executor, plugin, at_once=3)
    await worker.pull.start()
    await request(gateway, plugin, 10)
    held = [await worker.next() for _ in range(3)]
    # Two messages of another plugin go through meanwhile: by then a fourth would have come.
    await executor.nc.flush()
    await asyncio.sleep(0.2)
    assert worker.queue.empty()
    await worker.finish(held.pop())
    await worker.next()
    await worker.pull.stop()


async def test_what_is_given_back_comes_again_and_what_is_in_progress_does_not(
    bus_of: BusOf, plugin: str
) -> None:
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    worker = Worker(executor, plugin, at_once=4)
    await worker.pull.start()
    await request(gateway, plugin, 2)
    back, long = await worker.next(), await worker.next()
    await back.nak(0.3)
    worker.pull.done()
    again = await worker.next()
    assert (again.seq, again.delivered) == (back.seq, 2)
    await worker.finish(again)
    for _ in range(4):
        await asyncio.sleep(ACK_WAIT_S / 3)
        await long.in_progress()
    assert worker.queue.empty()
    await worker.finish(long)
    await worker.pull.stop()


async def test_pulling_goes_on_after_the_server_was_killed(
    bus_of: BusOf, plugin: str, nats: RunningNats
) -> None:
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    worker = Worker(executor, plugin, at_once=2)
    await worker.pull.start()
    await request(gateway, plugin, 1)
    await worker.finish(await worker.next())
    nats.kill_and_restart()
    # Whoever asks at once may write into a connection that is dead already: it is sent again.
    sent = await request(gateway, plugin, 3)
    missing = set(sent)
    while missing:
        # The acknowledgement of the first may have died with the server: then it comes again.
        delivery = await worker.next(5)
        missing.discard(delivery.seq)
        await worker.finish(delivery)
    await worker.pull.stop()


async def test_a_consumer_that_is_made_later_is_found(bus_of: BusOf) -> None:
    name = f"late-{uuid.uuid4().hex[:6]}"
    gateway, executor, provisioner = (
        await bus_of("gateway"),
        await bus_of("executor"),
        await bus_of("provisioner"),
    )
    worker = Worker(executor, name, at_once=2)
    await worker.pull.start()
    (seq,) = await request(gateway, name, 1)
    durable = Durable(c.RUN_CMD, plugin_durable(name), plugin_filters(name), ack_wait_s=ACK_WAIT_S)
    await ensure_durable(provisioner.nc.jetstream(), durable)
    assert (await worker.next(15)).seq == seq
    await worker.pull.stop()


async def test_what_comes_while_a_pull_ends_is_offered_to_others_at_once(bus_of: BusOf, plugin: str) -> None:
    """Not only after the time to acknowledge: an executor that ends would hold runs up for so long."""
    gateway, executor = await bus_of("gateway"), await bus_of("executor")
    leaving, staying = Worker(executor, plugin, at_once=40), Worker(executor, plugin, at_once=100)
    await leaving.pull.start()
    sending = asyncio.create_task(request(gateway, plugin, 80))
    kept = [await leaving.next() for _ in range(3)]
    await leaving.pull.stop()
    sent = await sending
    while not leaving.queue.empty():
        kept.append(leaving.queue.get_nowait())
    for delivery in kept:
        await delivery.ack()
    await staying.pull.start()
    rest = {(await staying.next(ACK_WAIT_S / 2)).seq for _ in range(80 - len(kept))}
    assert rest | {delivery.seq for delivery in kept} == set(sent)
    await staying.pull.stop()
