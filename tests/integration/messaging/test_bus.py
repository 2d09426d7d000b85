"""Requests, streamed answers, stored messages, buckets, leases and objects on a real nats-server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.data import AddItem, ListHead, ListItems, RecordAnswer
from shared.contracts.plugins import PluginChanged, ReloadPlugins
from shared.contracts.runs import RunState
from shared.contracts.streams import MANIFESTS, PAYLOADS
from shared.messaging.bus import Bus, Refused
from shared.messaging.handlers import Handlers
from shared.messaging.kv import Kv
from shared.messaging.leases import HeldLease
from shared.messaging.objects import Objects

BusOf = Callable[[str], Awaitable[Bus]]


async def serve(bus: Bus, bind: Callable[[Handlers], None]) -> Handlers:
    handlers = Handlers(bus.broker, bus.service)
    bind(handlers)
    await bus.broker.start()
    return handlers


async def test_failure_is_a_reply_not_a_timeout(bus_of: BusOf) -> None:
    async def fail(command: AddItem) -> RecordAnswer:
        if command.collection == "bug":
            raise ZeroDivisionError
        raise errors.Conflict("no", path="data.x")

    data = await bus_of("data")
    await serve(data, lambda h: h.command(c.ADD_ITEM, fail))
    gateway = await bus_of("gateway")
    command = AddItem(plugin="p", collection="c", data={}, op_id="1")
    with pytest.raises(errors.Conflict) as caught:
        await gateway.request(c.ADD_ITEM, command)
    assert caught.value.path == "data.x"
    with pytest.raises(errors.Internal):
        await gateway.request(c.ADD_ITEM, command.model_copy(update={"collection": "bug"}))
    wrong = await gateway.nc.request(c.ADD_ITEM.subject, b'{"plugin": "p", "no": 1}', timeout=2)
    assert orjson.loads(wrong.data)["error"]["code"] == "invalid"


async def test_nobody_there_is_said_at_once(bus_of: BusOf) -> None:
    gateway = await bus_of("gateway")
    gateway.patience_s = 0.0
    async with asyncio.timeout(1):
        with pytest.raises(errors.Unavailable, match="no registry service"):
            await gateway.request(c.RELOAD_PLUGINS, ReloadPlugins())


async def test_a_slow_command_holds_up_no_other(bus_of: BusOf) -> None:
    release = asyncio.Event()

    async def answer(command: AddItem) -> RecordAnswer:
        if command.collection == "slow":
            await release.wait()
        return RecordAnswer(record=None)

    data = await bus_of("data")
    await serve(data, lambda h: h.command(c.ADD_ITEM, answer))
    gateway = await bus_of("gateway")
    slow = asyncio.create_task(
        gateway.request(c.ADD_ITEM, AddItem(plugin="p", collection="slow", data={}, op_id="1"))
    )
    await gateway.request(c.ADD_ITEM, AddItem(plugin="p", collection="quick", data={}, op_id="2"))
    assert not slow.done()
    release.set()
    await slow


async def test_a_streamed_answer_arrives_whole_in_order_at_the_readers_pace(bus_of: BusOf) -> None:
    made = 0

    async def numbers(_command: ListItems) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            nonlocal made
            for number in range(500):
                made += 1
                yield orjson.dumps([number])

        return ListHead(total=500), chunks()

    data = await bus_of("data")
    await serve(data, lambda h: h.streaming(c.LIST_ITEMS, numbers))
    gateway = await bus_of("gateway")
    head, chunks = await gateway.stream(c.LIST_ITEMS, ListItems(plugin="p", collection="c"))
    assert head.total == 500
    first = await anext(chunks)
    await asyncio.sleep(0.2)
    assert made < 20, "the sender runs ahead of its reader"
    assert [first, *[chunk async for chunk in chunks]] == [orjson.dumps([n]) for n in range(500)]


async def test_a_stream_cut_off_by_an_error_raises_it_at_the_reader(bus_of: BusOf) -> None:
    async def broken(_command: ListItems) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"[1]"
            raise errors.Unavailable("the database went away")

        return ListHead(total=1), chunks()

    data = await bus_of("data")
    await serve(data, lambda h: h.streaming(c.LIST_ITEMS, broken))
    gateway = await bus_of("gateway")
    _, chunks = await gateway.stream(c.LIST_ITEMS, ListItems(plugin="p", collection="c"))
    with pytest.raises(errors.Unavailable, match="went away"):
        [chunk async for chunk in chunks]


async def test_exactly_one_of_two_claims_is_admitted(bus_of: BusOf) -> None:
    one, two = await bus_of("executor"), await bus_of("executor")
    run_id = new_id()

    async def claim(bus: Bus) -> int | None:
        state = RunState(run_id=run_id, plugin="p", action="a", state="running")
        try:
            return await bus.store(
                c.RUN_STATE_CHANGED, state, type="run.claimed", expect_last=0, run_id=run_id
            )
        except Refused:
            return None

    admitted = [seq for seq in await asyncio.gather(claim(one), claim(two)) if seq is not None]
    assert len(admitted) == 1
    held = await one.last(c.RUN_STATE, c.RUN_STATE_CHANGED.subject.of(run_id=run_id))
    assert held is not None
    assert held.seq == admitted[0]
    assert orjson.loads(held.data)["type"] == "run.claimed"


async def test_entries_of_a_bucket_come_whole_however_many(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    kv = Kv(registry, MANIFESTS)
    await asyncio.gather(*(kv.put(f"manifest.p{number}", b"x") for number in range(2500)))
    await kv.delete("manifest.p7")
    found = await kv.entries("manifest.*")
    assert len(found) == 2499
    assert "manifest.p7" not in found


async def test_a_lease_passes_on_when_its_holder_is_gone_and_at_once_when_given_back(bus_of: BusOf) -> None:
    one, two = await bus_of("registry"), await bus_of("registry")
    gained: asyncio.Queue[str] = asyncio.Queue()

    def watcher(name: str) -> Callable[[int], Awaitable[None]]:
        async def on_gain(_epoch: int) -> None:
            await gained.put(name)

        return on_gain

    first, second = HeldLease(one, "registry"), HeldLease(two, "registry")
    first.start(gained=watcher("first"))
    assert await asyncio.wait_for(gained.get(), 3) == "first"
    second.start(gained=watcher("second"))
    await first.close()
    assert await asyncio.wait_for(gained.get(), 3) == "second"
    assert second.epoch > first.epoch
    assert not first.held
    # The holder vanishes without a word: its TTL ends it.
    assert second._task is not None
    second._task.cancel()
    third = HeldLease(one, "registry")
    third.start(gained=watcher("third"))
    assert await asyncio.wait_for(gained.get(), 10) == "third"
    await third.close()


async def test_objects_come_back_whole_and_are_stored_once(bus_of: BusOf) -> None:
    gateway = await bus_of("gateway")
    objects = Objects(gateway, PAYLOADS)
    data = bytes(range(256)) * 40_000
    reference = await objects.put(data)
    assert await objects.get(reference.digest) == data
    assert await objects.put(data) == reference
    assert await Objects(await bus_of("data"), PAYLOADS).get(reference.digest) == data
    with pytest.raises(errors.NotFound):
        await objects.get("0" * 64)
    assert await objects.get((await objects.put(b"")).digest) == b""


async def test_events_carry_the_envelope(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    seq = await registry.store(
        c.PLUGIN_CHANGED,
        PluginChanged(key="My Plug", change="discovered"),
        type="plugin.discovered",
        plugin="My Plug",
    )
    assert seq >= 1
