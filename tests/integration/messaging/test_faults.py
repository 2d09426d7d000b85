"""What goes wrong on the bus ends in an answer, in bounded time, and leaves nothing behind."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from deploy.embedded.process import free_port
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.data import AddItem, ListConfigs, ListHead, ListItems, RecordAnswer
from shared.contracts.plugins import PluginChanged, ReloadPlugins
from shared.contracts.streams import LEASES, MANIFESTS
from shared.messaging.bus import Bus, connect, wait_connected
from shared.messaging.handlers import Handlers
from shared.messaging.kv import Kv
from shared.messaging.leases import HeldLease
from shared.settings import CommonSettings
from tests.servers import RunningNats

BusOf = Callable[[str], Awaitable[Bus]]
COMMAND = AddItem(plugin="p", collection="c", data={}, op_id="1")
LIST = ListItems(plugin="p", collection="c")


async def serve(bus: Bus, bind: Callable[[Handlers], None], *, at_once: int = 256) -> Handlers:
    handlers = Handlers(bus.broker, bus.service, at_once=at_once)
    bind(handlers)
    await bus.broker.start()
    await bus.nc.flush()
    await bus.nc.flush()
    return handlers


class Source:
    """Chunks whose end is seen."""

    def __init__(self, chunks: int, fault: Exception | None = None) -> None:
        self.closed = asyncio.Event()
        self.made = 0
        self._chunks = chunks
        self._fault = fault

    async def answer(self, _command: ListItems) -> tuple[ListHead, AsyncIterator[bytes]]:
        return ListHead(total=self._chunks), self._iterate()

    async def _iterate(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self._chunks):
                self.made += 1
                yield orjson.dumps([number])
            if self._fault:
                raise self._fault
        finally:
            self.closed.set()


def subscriptions(bus: Bus) -> int:
    return len(bus.nc._subs)


# Streams


async def test_a_reader_that_stops_in_the_middle_releases_sender_and_source(bus_of: BusOf) -> None:
    source = Source(1000)
    await serve(await bus_of("data"), lambda h: h.streaming(c.LIST_ITEMS, source.answer))
    gateway = await bus_of("gateway")
    before = subscriptions(gateway)
    _, chunks = await gateway.stream(c.LIST_ITEMS, LIST)
    await anext(chunks)
    await chunks.aclose()
    assert subscriptions(gateway) == before
    await asyncio.wait_for(source.closed.wait(), 3)
    assert source.made < 20


async def test_a_reader_that_is_cancelled_again_and_again_ends_nothing_but_its_stream(bus_of: BusOf) -> None:
    source = Source(1000)
    await serve(await bus_of("data"), lambda h: h.streaming(c.LIST_ITEMS, source.answer))
    gateway = await bus_of("gateway")
    before = subscriptions(gateway)
    for pauses in range(8):
        _, chunks = await gateway.stream(c.LIST_ITEMS, LIST)
        await anext(chunks)
        closing = asyncio.ensure_future(chunks.aclose())
        # As a browser that goes away has it: each pause on the way out is cancelled too.
        for _ in range(pauses):
            await asyncio.sleep(0)
        while not closing.done():
            closing.cancel()
            await asyncio.sleep(0)
    _, chunks = await gateway.stream(c.LIST_ITEMS, LIST)
    assert await anext(chunks) == b"[0]"
    await chunks.aclose()
    async with asyncio.timeout(3):
        while subscriptions(gateway) != before:
            await gateway.nc.flush()


async def test_a_streamed_answer_that_nobody_reads_can_be_closed(bus_of: BusOf) -> None:
    source = Source(1000)
    await serve(await bus_of("data"), lambda h: h.streaming(c.LIST_ITEMS, source.answer))
    gateway = await bus_of("gateway")
    before = subscriptions(gateway)
    _, chunks = await gateway.stream(c.LIST_ITEMS, LIST)
    await chunks.aclose()
    assert subscriptions(gateway) == before
    await asyncio.wait_for(source.closed.wait(), 3)


@pytest.mark.parametrize("fault", [ZeroDivisionError(), TimeoutError()])
async def test_a_source_that_breaks_is_an_error_at_the_reader_and_no_chunk(
    bus_of: BusOf, fault: Exception
) -> None:
    source = Source(2, fault)
    await serve(await bus_of("data"), lambda h: h.streaming(c.LIST_ITEMS, source.answer))
    _, chunks = await (await bus_of("gateway")).stream(c.LIST_ITEMS, LIST)
    assert [await anext(chunks), await anext(chunks)] == [b"[0]", b"[1]"]
    async with asyncio.timeout(3):
        with pytest.raises(errors.Internal):
            await anext(chunks)


async def test_an_item_that_no_message_carries_is_an_error_at_the_reader(bus_of: BusOf) -> None:
    async def large(_command: ListItems) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"[1]"
            yield b'["' + b"x" * 5 * 1024 * 1024 + b'"]'

        return ListHead(total=2), chunks()

    await serve(await bus_of("data"), lambda h: h.streaming(c.LIST_ITEMS, large))
    _, chunks = await (await bus_of("gateway")).stream(c.LIST_ITEMS, LIST)
    assert await anext(chunks) == b"[1]"
    async with asyncio.timeout(3):
        with pytest.raises(errors.TooLarge):
            await anext(chunks)


async def test_a_chunk_that_got_lost_is_an_error_and_no_shorter_list(bus_of: BusOf) -> None:
    source = Source(3)
    data = await bus_of("data")
    await serve(data, lambda h: h.streaming(c.LIST_ITEMS, source.answer))
    publish = data.nc.publish

    async def losing(subject: str, payload: bytes = b"", *rest: object, **more: object) -> None:
        # What a socket that the server's end closed does with what is written to it.
        if payload != b"[1]":
            await publish(subject, payload, *rest, **more)  # type: ignore[arg-type]

    data.nc.publish = losing  # type: ignore[method-assign]
    _, chunks = await (await bus_of("gateway")).stream(c.LIST_ITEMS, LIST)
    async with asyncio.timeout(3):
        with pytest.raises(errors.Unavailable, match="lost"):
            [chunk async for chunk in chunks]


# Commands


async def test_an_answer_that_no_message_carries_is_an_error_at_once(bus_of: BusOf) -> None:
    async def large(_command: AddItem) -> RecordAnswer:
        record = {
            "id": 1,
            "data": {"x": "y" * 5 * 1024 * 1024},
            "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z",
        }
        return RecordAnswer.model_validate({"record": record})

    await serve(await bus_of("data"), lambda h: h.command(c.ADD_ITEM, large))
    async with asyncio.timeout(3):
        with pytest.raises(errors.TooLarge):
            await (await bus_of("gateway")).request(c.ADD_ITEM, COMMAND)


async def test_a_command_that_no_message_carries_is_refused(bus_of: BusOf) -> None:
    gateway = await bus_of("gateway")
    command = AddItem(plugin="p", collection="c", data={"x": "y" * 5 * 1024 * 1024}, op_id="1")
    with pytest.raises(errors.TooLarge):
        await gateway.request(c.ADD_ITEM, command)
    assert gateway.connected


async def test_who_is_cut_off_at_the_end_of_a_service_is_told_so(bus_of: BusOf) -> None:
    begun = asyncio.Event()

    async def forever(_command: AddItem) -> RecordAnswer:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    handlers = await serve(await bus_of("data"), lambda h: h.command(c.ADD_ITEM, forever))
    asking = asyncio.create_task((await bus_of("gateway")).request(c.ADD_ITEM, COMMAND))
    await begun.wait()
    await handlers.drained(0.05)
    async with asyncio.timeout(2):
        with pytest.raises(errors.TimedOut, match="ended before"):
            await asking


async def test_more_commands_than_are_worked_on_at_once_are_all_answered(bus_of: BusOf) -> None:
    async def answer(_command: AddItem) -> RecordAnswer:
        await asyncio.sleep(0)
        return RecordAnswer(record=None)

    await serve(await bus_of("data"), lambda h: h.command(c.ADD_ITEM, answer), at_once=4)
    gateway = await bus_of("gateway")
    answers = await asyncio.gather(*(gateway.request(c.ADD_ITEM, COMMAND) for _ in range(600)))
    assert len(answers) == 600


async def test_commands_beyond_what_can_wait_are_refused_and_not_forgotten(bus_of: BusOf) -> None:
    release = asyncio.Event()

    async def answer(_command: AddItem) -> RecordAnswer:
        await release.wait()
        return RecordAnswer(record=None)

    data = await bus_of("data")
    await serve(data, lambda h: h.command(c.ADD_ITEM, answer), at_once=1)
    (subscription,) = (sub for sub in data.nc._subs.values() if sub.subject == c.ADD_ITEM.subject)
    subscription._pending_bytes_limit = 3000
    gateway = await bus_of("gateway")
    large = COMMAND.model_copy(update={"data": {"x": "y" * 1000}})
    asking = [asyncio.create_task(gateway.request(c.ADD_ITEM, large)) for _ in range(8)]
    refused, _ = await asyncio.wait(asking, timeout=3, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(refused.pop().exception(), errors.Unavailable)
    release.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(result) for result in results} == {RecordAnswer, errors.Unavailable}


async def test_what_comes_without_an_inbox_is_no_command(bus_of: BusOf) -> None:
    """The server passes on to any subject what its streams hold; who asks so must reach no handler."""
    done: list[AddItem] = []

    async def answer(command: AddItem) -> RecordAnswer:
        done.append(command)
        return RecordAnswer(record=None)

    data = await bus_of("data")
    await serve(data, lambda h: h.command(c.ADD_ITEM, answer))
    executor = await bus_of("executor")
    await executor.put("$O.payloads.C.forged", COMMAND.model_dump_json().encode())
    api = "$JS.API.DIRECT.GET.OBJ_payloads.$O.payloads.C.forged"
    await executor.nc.publish(api, b"", reply=c.ADD_ITEM.subject)
    # Answering where one is asked from would be publishing with another's rights.
    payload = COMMAND.model_dump_json().encode()
    await executor.nc.publish(c.ADD_ITEM.subject, payload, reply="$KV.manifests.manifest.p")
    await executor.request(c.ADD_ITEM, COMMAND.model_copy(update={"op_id": "2"}))
    assert [command.op_id for command in done] == ["2"]
    assert await Kv(executor, MANIFESTS).get("manifest.p") is None


# Names and sizes that the server answers by closing the connection


async def test_a_name_that_the_bus_does_not_carry_costs_no_connection(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    with pytest.raises(errors.TooLarge):
        await registry.store(
            c.PLUGIN_CHANGED,
            PluginChanged(key="k", change="missing"),
            type="plugin.missing",
            plugin="é" * 2000,
        )
    kv = Kv(registry, MANIFESTS)
    with pytest.raises(errors.TooLarge):
        await kv.put("manifest." + "x" * 5000, b"")
    with pytest.raises(errors.TooLarge):
        await kv.get("manifest." + "x" * 5000)
    assert await kv.get("manifest.x") is None


async def test_a_connection_that_the_server_closed_for_good_ends_the_process(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    ended = asyncio.Event()
    registry.on_closed = ended.set
    await registry.nc.publish("$KV.manifests.manifest." + "x" * 5000, b"")
    await asyncio.wait_for(ended.wait(), 5)
    with pytest.raises(errors.Unavailable):
        await registry.request(c.RELOAD_PLUGINS, ReloadPlugins())


async def test_that_end_is_a_termination_signal_by_default(nats: RunningNats) -> None:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    try:
        connect(nats.settings(), "registry").on_closed()
        await asyncio.wait_for(received.wait(), 2)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


# Connecting


@pytest.mark.usefixtures("abandoned")
async def test_a_bus_that_is_not_there_is_said_in_time(nats: RunningNats) -> None:
    settings = nats.settings(nats_url=f"nats://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(SystemExit, match="Cannot connect"):
        await wait_connected(connect(settings, "registry"), timeout_s=1)
    assert time.monotonic() - began < 3


@pytest.mark.usefixtures("abandoned")
async def test_a_wrong_password_is_said_at_once(nats: RunningNats, tmp_path: Path) -> None:
    (tmp_path / "nats-registry").write_text("wrong")
    settings = CommonSettings.model_validate({"nats_url": nats.url, "secrets_dir": tmp_path})
    began = time.monotonic()
    with pytest.raises(SystemExit, match=r"(?i)authorization"):
        await wait_connected(connect(settings, "registry"), timeout_s=20)
    assert time.monotonic() - began < 5


# Buckets and leases


async def test_entries_come_whole_however_large(bus_of: BusOf) -> None:
    kv = Kv(await bus_of("registry"), MANIFESTS)
    for number in range(200):
        await kv.put(f"manifest.large{number}", b"x" * 400_000)
    assert len(await kv.entries("manifest.*")) == 200


async def test_a_lease_whose_follower_fails_is_competed_for_again(bus_of: BusOf) -> None:
    tries = 0
    taken = asyncio.Event()

    async def gained(_epoch: int) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise errors.Unavailable("no data service is running")
        taken.set()

    lease = HeldLease(await bus_of("registry"), "registry")
    lease.start(gained=gained)
    await asyncio.wait_for(taken.wait(), 5)
    assert lease.held
    await lease.close()


async def test_a_lease_closes_although_its_cancellation_is_swallowed(bus_of: BusOf) -> None:
    """Python 3.11's `wait_for`, below nats-py's requests, may take a cancellation for an answer."""

    async def swallowing(_epoch: int) -> None:
        gained.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    gained = asyncio.Event()
    lease = HeldLease(await bus_of("registry"), "registry")
    lease.start(gained=swallowing)
    await asyncio.wait_for(gained.wait(), 10)
    await asyncio.wait_for(lease.close(), 3)


async def test_a_lease_is_lost_where_the_loop_stood_still_and_gained_anew(bus_of: BusOf) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def gained(_epoch: int) -> None:
        await told.put("gained")

    async def lost() -> None:
        await told.put("lost")

    lease = HeldLease(await bus_of("executor"), "executor.stalled")
    lease.start(gained=gained, lost=lost)
    assert await asyncio.wait_for(told.get(), 5) == "gained"
    first = lease.epoch
    time.sleep(6.5)  # noqa: ASYNC251 - the whole loop is to stand still
    assert not lease.held
    assert await asyncio.wait_for(told.get(), 3) == "lost"
    assert await asyncio.wait_for(told.get(), 15) == "gained"
    assert lease.epoch > first
    await lease.close()


# A server that is killed, last: what was stored survives it, what is under way ends in bounded time.


async def test_whoever_listens_listens_again_after_the_server_was_killed(
    bus_of: BusOf, nats: RunningNats
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    executor, registry = await bus_of("executor"), await bus_of("registry")

    async def take(_key: str, message: object) -> None:
        await heard.put(message.data)  # type: ignore[attr-defined]

    kv = Kv(registry, LEASES)
    end = await Kv(executor, LEASES).listen("registry", take)
    back = asyncio.Event()
    executor.on_back.add(back.set)
    nats.kill_and_restart()
    await asyncio.wait_for(back.wait(), 10)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(errors.PlugarrError):
                await kv.put("registry", b"again")
                break
    assert await asyncio.wait_for(heard.get(), 5) == b"again"
    await end()
    await end()


async def test_while_the_bus_is_away_everything_fails_as_said_and_leaves_nothing(
    bus_of: BusOf, nats: RunningNats
) -> None:
    gateway = await bus_of("gateway")
    kv = Kv(gateway, MANIFESTS)
    await kv.get("none")
    before = subscriptions(gateway)
    back = asyncio.Event()
    gateway.on_back.add(back.set)
    nats.process.kill()
    nats.process.wait()

    async def nothing(_message: object) -> None: ...

    async def read() -> None:
        _, chunks = await gateway.stream(c.LIST_CONFIGS, ListConfigs())
        await chunks.aclose()

    attempts = {
        "request": gateway.request(c.ADD_ITEM, COMMAND, timeout_s=1),
        "stream": read(),
        "entries": kv.entries(),
        "get": kv.get("manifest.x"),
        "put": gateway.put("$KV.idempotency.x", b"", timeout_s=1),
        "listen": gateway.listen(c.PLUGIN_CHANGED.subject.pattern(), nothing),
    }
    outcomes = dict(
        zip(attempts, await asyncio.gather(*attempts.values(), return_exceptions=True), strict=True)
    )
    wrong = {
        name: repr(result) for name, result in outcomes.items() if not isinstance(result, errors.PlugarrError)
    }
    nats.process = nats.server.start()
    await asyncio.wait_for(back.wait(), 15)
    assert wrong == {}
    assert subscriptions(gateway) == before
    await kv.entries()
