"""What plugins ask of the platform, answered over a real bus."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg

from services.executor.ports import HostCall, Upcalls
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id, sha256
from shared.contracts.data import (
    AddItem,
    Deleted,
    DeleteItem,
    ListHead,
    ListItems,
    Record,
    RecordAnswer,
    ReplaceItem,
)
from shared.contracts.files import GetFile, StoredFile
from shared.contracts.plugins import WEBSOCKET_EVENT
from shared.contracts.streams import FILES
from shared.messaging.handlers import Handlers
from shared.messaging.objects import Objects
from tests.integration.executor.world import Running, World

TIME = "2024-01-01T00:00:00.000Z"


class Collections:
    """A data service with one collection per plugin, for what the executor makes of its answers."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[int, Any]] = {}
        self.op_ids: list[str] = []
        self.huge = 0

    def bind(self, handlers: Handlers) -> None:
        handlers.command(c.ADD_ITEM, self.add)
        handlers.command(c.REPLACE_ITEM, self.replace)
        handlers.command(c.DELETE_ITEM, self.delete)
        handlers.streaming(c.LIST_ITEMS, self.list)

    def _of(self, command: Any) -> dict[int, Any]:
        return self.items.setdefault((command.plugin, command.collection), {})

    async def add(self, command: AddItem) -> RecordAnswer:
        self.op_ids.append(command.op_id)
        items = self._of(command)
        items[len(items) + 1] = command.data
        return RecordAnswer(record=self._record(len(items), command.data))

    async def replace(self, command: ReplaceItem) -> RecordAnswer:
        if command.id not in self._of(command):
            return RecordAnswer(record=None)
        self._of(command)[command.id] = command.data
        return RecordAnswer(record=self._record(command.id, command.data))

    async def delete(self, command: DeleteItem) -> Deleted:
        return Deleted(deleted=int(self._of(command).pop(command.id, None) is not None))

    async def list(self, command: ListItems) -> tuple[ListHead, AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for number, data in self._of(command).items():
                yield orjson.dumps([self._record(number, data).model_dump()])
            for _ in range(self.huge):
                yield orjson.dumps([self._record(1, {"x": "x" * 500_000}).model_dump()])

        return ListHead(total=len(self._of(command))), chunks()

    def _record(self, number: int, data: Any) -> Record:
        return Record(id=number, data=data, created_at=TIME, updated_at=TIME)


class Asking:
    """Two plugins on one executor; what `a` is asked to ask, it asks."""

    def __init__(self, world: World, one: Running, key: str, other: str, collections: Collections) -> None:
        self.world = world
        self.one = one
        self.key = key
        self.other = other
        self.collections = collections

    async def __call__(self, method: str, _depth: int = 0, /, **args: Any) -> Any:
        return await self.one.hosts.upcalls.call(self.key, None, _depth, method, args)


@pytest.fixture
async def ask(world: World, key: str) -> Asking:
    collections = Collections()
    handlers = Handlers(world.data.broker, "data")
    collections.bind(handlers)
    await world.data.broker.start()
    one = await world.executor()
    other = f"{key}_other"
    for plugin in (key, other):
        await world.install(plugin)
        await world.enable(plugin)
        await world.until_loaded(plugin)
    return Asking(world, one, key, other, collections)


async def test_collections_are_the_plugins_own(ask: Asking) -> None:
    record = await ask("data.add_to_collection", plugin=ask.key, collection="c", data={"n": 1})
    assert record == {"id": 1, "data": {"n": 1}, "created_at": TIME, "updated_at": TIME}
    args: Mapping[str, Any] = {"plugin": ask.key, "collection": "c"}
    assert (await ask("data.update_in_collection", **args, id="1", data={"n": 2}))["data"] == {"n": 2}
    assert await ask("data.update_in_collection", **args, id=9, data={}) is None
    assert [r["data"] for r in await ask("data.get_collection", **args)] == [{"n": 2}]
    assert await ask("data.remove_from_collection", **args, id=1) is True
    assert await ask("data.remove_from_collection", **args, id=1) is False
    assert len(ask.collections.op_ids) == 1
    assert ask.collections.op_ids[0]


async def test_an_unknown_key_is_the_callers_own_and_anothers_is_refused(ask: Asking) -> None:
    await ask("data.add_to_collection", plugin="hard-coded", collection="c", data={"n": 1})
    assert ask.collections.items == {(ask.key, "c"): {1: {"n": 1}}}
    with pytest.raises(errors.PermissionDenied) as denied:
        await ask("data.get_collection", plugin=ask.other, collection="c")
    assert ask.key in denied.value.message
    assert ask.other in denied.value.message
    for method, more in (("config.get", {}), ("config.set_settings", {"settings": {}}), ("plugins.stop", {})):
        with pytest.raises(errors.PermissionDenied):
            await ask(method, plugin=ask.other, **more)


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ({"collection": "c", "data": {}}, "plugin"),
        ({"plugin": "x", "data": {}}, "collection"),
        ({"plugin": "x", "collection": "c" * 300, "data": {}}, "collection"),
        ({"plugin": "x", "collection": "c", "data": [1]}, "data"),
    ],
)
async def test_bad_arguments_are_named_by_their_path(ask: Asking, args: dict[str, Any], path: str) -> None:
    with pytest.raises(errors.Invalid) as invalid:
        await ask("data.add_to_collection", **args)
    assert invalid.value.path == path


async def test_a_collection_too_large_for_a_plugin_is_an_error_and_not_memory(ask: Asking) -> None:
    ask.collections.huge = 200
    with pytest.raises(errors.TooLarge, match="larger than"):
        await ask("data.get_collection", plugin=ask.key, collection="c")


async def test_settings_are_read_and_written_and_seen_by_the_next_run(ask: Asking) -> None:
    assert await ask("config.set_settings", plugin=ask.key, settings={"a": 1}) == {"a": 1}
    assert (await ask("config.get", plugin=ask.key))["settings"] == {"a": 1}
    await ask.world.run(ask.key, "echo")
    assert ask.one.hosts.settings["a"] == 1


async def test_other_plugins_are_seen_without_their_passwords_and_run(ask: Asking) -> None:
    ask.one.hosts.attributes["fields"] = [
        {"id": "pw", "label": "P", "type": "string", "input_type": "password"}
    ]
    await ask.world.install(ask.other, generation=1)
    await ask.world.until_loaded(ask.other, generation=1)
    await ask.world.configure(ask.other, {"pw": "hunter2", "shown": 1})
    item = await ask("plugins.get", plugin=ask.other)
    assert (item["key"], item["loaded"], item["settings"]) == (ask.other, True, {"pw": "***", "shown": 1})
    listed = {item["key"]: item for item in await ask("plugins.list")}
    assert listed[ask.other] == item
    assert await ask("plugins.discover") >= 2
    result = await ask("plugins.run", plugin=ask.other, action="echo", params={"x": 1})
    assert result["params"] == {"x": 1}


async def test_a_run_of_another_plugin_ends_as_that_run_ended(ask: Asking) -> None:
    async def deny(_call: HostCall, _upcalls: Upcalls) -> Any:
        raise PermissionError("not yours")

    async def fail(_call: HostCall, _upcalls: Upcalls) -> Any:
        raise ValueError("broken")

    ask.one.hosts.acts |= {"deny": deny, "fail": fail}
    with pytest.raises(errors.PermissionDenied, match="not yours"):
        await ask("plugins.run", plugin=ask.other, action="deny", params={})
    with pytest.raises(errors.RunFailed, match="broken"):
        await ask("plugins.run", plugin=ask.other, action="fail", params={})
    with pytest.raises(errors.NotFound, match="'nobody' not found"):
        await ask("plugins.run", plugin="nobody", action="x", params={})
    await ask.world.enable(ask.other, enabled=False)
    with pytest.raises(errors.PluginDisabled):
        await ask("plugins.run", plugin=ask.other, action="echo", params={})


async def test_plugins_call_one_another_eight_deep_and_no_deeper(ask: Asking) -> None:
    deepest = 0

    async def deeper(call: HostCall, upcalls: Upcalls) -> Any:
        nonlocal deepest
        deepest = max(deepest, call.depth)
        args = {"plugin": ask.other, "action": "deeper", "params": {}}
        return await upcalls.call(ask.key, call.run_id, call.depth, "plugins.run", args)

    ask.one.hosts.acts["deeper"] = deeper
    await ask.world.install(ask.other, concurrency=16)
    with pytest.raises(errors.PlugarrError, match="8 deep"):
        await ask("plugins.run", 1, plugin=ask.other, action="deeper", params={})
    assert deepest == 8


async def test_events_are_stored_under_their_names(ask: Asking) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(message: Msg) -> None:
        heard.put_nowait((message.subject, orjson.loads(message.data)["data"]))

    end = await ask.world.gateway.listen(f"live.{c.APP_EVENT.subject.pattern()}", hear)
    await ask("event.emit", event="My Event", payload={"a": 1})
    subject, event = await asyncio.wait_for(heard.get(), 5)
    assert subject == f"live.{c.APP_EVENT.subject.of(name='My Event')}"
    assert event == {
        "name": "My Event",
        "payload": {"a": 1},
        "plugin": ask.key,
        "actor": None,
        "run_id": None,
        "depth": 0,
    }
    frame = {"group": "updates", "type": "update", "data": {"x": 1}}
    await ask("event.websocket", **frame)
    _, event = await asyncio.wait_for(heard.get(), 5)
    assert (event["name"], event["payload"], event["plugin"]) == (WEBSOCKET_EVENT, frame, ask.key)
    with pytest.raises(errors.PermissionDenied):
        await ask("event.emit", event=WEBSOCKET_EVENT, payload={})
    with pytest.raises(errors.TooLarge):
        await ask("event.emit", event="big", payload={"x": "x" * 300_000})
    with pytest.raises(errors.PermissionDenied, match="8 deep"):
        await ask("event.emit", 8, event="deep", payload={})
    run_id = new_id()
    args = {"event": "Nested", "payload": {}}
    await ask.one.hosts.upcalls.call(ask.key, run_id, 3, "event.emit", args)
    _, event = await asyncio.wait_for(heard.get(), 5)
    assert (event["run_id"], event["depth"]) == (run_id, 3)
    await end()


async def test_a_plugin_that_floods_the_bus_with_events_is_told_to_slow_down(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.executor.plugin_events.BURST", 3.0)
    monkeypatch.setattr("services.executor.plugin_events.EVENTS_A_SECOND", 0.001)
    for _ in range(3):
        await ask("event.emit", event="often", payload={})
    with pytest.raises(errors.RateLimited, match="several into one"):
        await ask("event.emit", event="often", payload={})


async def test_a_plugin_reads_its_own_files_and_no_others(ask: Asking) -> None:
    file_id, content = new_id(), bytes(range(256)) * 6000
    gateway = await ask.world.bus_of("gateway")

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await Objects(gateway, FILES).put_as(file_id, chunks())
    stored = StoredFile(id=file_id, name="a.bin", size=len(content), type="", plugin=ask.key, created_at=TIME)

    async def get_file(command: GetFile) -> StoredFile:
        if (command.id, command.plugin) != (file_id, ask.key):
            raise errors.NotFound("no file")
        return stored

    Handlers(ask.world.data.broker, "data").command(c.GET_FILE, get_file)
    await ask.world.data.broker.start()
    opened = await ask("files.open", id=file_id)
    assert (opened["name"], opened["digest"]) == ("a.bin", sha256(content))
    found, after = b"", 0
    while piece := await ask("files.read", id=file_id, after=after):
        if not piece["data"]:
            break
        found += base64.b64decode(piece["data"])
        after = piece["after"]
    assert found == content
    for method in ("files.open", "files.read"):
        with pytest.raises(errors.NotFound, match="never handed to it"):
            await ask(method, id=new_id(), after=0)
        with pytest.raises(errors.Invalid):
            await ask(method, id="../../etc/passwd", after=0)
    with pytest.raises(errors.Invalid):
        await ask("files.read", id=file_id, after=-1)
