"""What goes wrong with an answer, streamed or not, is an error at who asked, in bounded time."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.data import AddItem, ListHead, ListItems, RecordAnswer
from shared.contracts.streams import MANIFESTS
from shared.messaging.kv import Kv
from tests.integration.messaging.serving import COMMAND, BusOf, serve, subscriptions

LIST = ListItems(plugin="p", collection="c")


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
    gateway = await bus_of("gateway")
    gateway.patience_s = 0.0
    asking = asyncio.create_task(gateway.request(c.ADD_ITEM, COMMAND))
    await begun.wait()
    await handlers.drained(0.05)
    async with asyncio.timeout(2):
        with pytest.raises(errors.TimedOut, match="ended before"):
            await asking


async def test_a_write_with_an_operation_id_that_was_cut_off_is_asked_for_again(bus_of: BusOf) -> None:
    asked: list[str] = []
    begun = asyncio.Event()

    async def answer(command: AddItem) -> RecordAnswer:
        asked.append(command.op_id)
        begun.set()
        if len(asked) == 1:
            await asyncio.Event().wait()
        return RecordAnswer(record=None)

    handlers = await serve(await bus_of("data"), lambda h: h.command(c.ADD_ITEM, answer))
    asking = asyncio.create_task((await bus_of("gateway")).request(c.ADD_ITEM, COMMAND))
    await begun.wait()
    await handlers.drained(0.05)
    await asyncio.wait_for(asking, 5)
    assert asked == [COMMAND.op_id] * 2


async def test_a_service_that_comes_back_soon_is_waited_for(bus_of: BusOf) -> None:
    async def answer(_command: AddItem) -> RecordAnswer:
        return RecordAnswer(record=None)

    gateway = await bus_of("gateway")
    asking = asyncio.create_task(gateway.request(c.ADD_ITEM, COMMAND))
    await asyncio.wait({asking}, timeout=0.3)
    assert not asking.done(), "nobody is there, and it waits"
    await serve(await bus_of("data"), lambda h: h.command(c.ADD_ITEM, answer))
    await asyncio.wait_for(asking, 5)


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
