"""Any sequence of operations on a collection does what it does to a dictionary."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.data.main import App, create_app
from services.data.settings import Settings
from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.contracts.base import new_id
from shared.messaging.bus import Bus, connect, wait_connected
from tests.integration.data.talk import listed, replaced
from tests.servers import RunningNats

KEYS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6
) | st.sampled_from(["$set", "a.b", "$ref", "$id", "$db", "_id", "", "$$ROOT", "name"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)
IDS = st.integers(1, 12)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON is: True is not 1, and 1.0 not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def without_id(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_id"}


class CollectionMachine(RuleBasedStateMachine):
    """A collection beside a dictionary."""

    runner: asyncio.Runner
    bus: Bus

    @initialize()
    def begin(self) -> None:
        self.here = {"plugin": "model", "collection": new_id()}
        self.items: dict[int, dict[str, Any]] = {}
        self.last = 0
        self.repeat: Callable[[], Awaitable[Any]] | None = None
        self.answer: Any = None

    def do(self, rpc: Any, command: Any) -> Any:
        self.repeat = lambda: self.bus.request(rpc, command)
        self.answer = self.runner.run(self.repeat())
        return self.answer

    @rule(document=DOCUMENTS)
    def add(self, document: dict[str, Any]) -> None:
        record = self.do(c.ADD_ITEM, m.AddItem(**self.here, data=document, op_id=new_id())).record
        assert record.id > self.last
        self.last = record.id
        self.items[record.id] = without_id(document)
        assert same(record.data, self.items[record.id])

    @rule(item_id=IDS, document=DOCUMENTS)
    def replace_item(self, item_id: int, document: dict[str, Any]) -> None:
        record = self.do(
            c.REPLACE_ITEM, m.ReplaceItem(**self.here, id=item_id, data=document, op_id=new_id())
        ).record
        assert (record is not None) == (item_id in self.items)
        if record:
            self.items[item_id] = without_id(document)
            assert same(record.data, self.items[item_id])

    @rule(item_id=IDS, document=DOCUMENTS)
    def patch(self, item_id: int, document: dict[str, Any]) -> None:
        command = m.PatchItem(**self.here, id=item_id, data=document, op_id=new_id())
        record = self.do(c.PATCH_ITEM, command).record
        assert (record is not None) == (item_id in self.items)
        if record:
            self.items[item_id] |= without_id(document)
            assert same(record.data, self.items[item_id])

    @rule(item_id=IDS)
    def delete(self, item_id: int) -> None:
        command = m.DeleteItem(**self.here, id=item_id, op_id=new_id())
        assert self.do(c.DELETE_ITEM, command).deleted == (self.items.pop(item_id, None) is not None)

    @rule()
    def clear(self) -> None:
        command = m.ClearCollection(**self.here, op_id=new_id())
        assert self.do(c.CLEAR_COLLECTION, command).deleted == len(self.items)
        self.items.clear()

    @rule(documents=st.lists(st.tuples(st.none() | IDS | IDS.map(str), DOCUMENTS), max_size=6))
    def replace(self, documents: list[tuple[Any, dict[str, Any]]]) -> None:
        items = [without_id(doc) | ({"_id": given} if given else {}) for given, doc in documents]
        records = self.runner.run(replaced(self.bus, items, **self.here))
        self.repeat = None
        kept: set[int] = set()
        for (given, document), record in zip(documents, records, strict=True):
            assert same(record["data"], without_id(document))
            if given and int(given) not in kept:
                assert record["id"] == int(given)
                kept.add(int(given))
            else:
                assert record["id"] > self.last
        self.items = {record["id"]: record["data"] for record in records}
        assert len(self.items) == len(records)
        self.last = max([self.last, *self.items])

    @precondition(lambda self: self.repeat is not None)
    @rule()
    def say_it_again(self) -> None:
        assert self.repeat is not None
        assert self.runner.run(self.repeat()) == self.answer  # type: ignore[arg-type]

    @rule(item_id=IDS)
    def get(self, item_id: int) -> None:
        record = self.runner.run(self.bus.request(c.GET_ITEM, m.GetItem(**self.here, id=item_id))).record
        assert same(record and record.data, self.items.get(item_id))

    @invariant()
    def the_list_is_what_the_dictionary_holds(self) -> None:
        if hasattr(self, "items"):
            total, found = self.runner.run(listed(self.bus, **self.here))
            assert total == len(found)
            assert [one["id"] for one in found] == sorted(self.items)
            assert all(same(one["data"], self.items[one["id"]]) for one in found)


@pytest.fixture
def machine(nats: RunningNats, mongo_url: str) -> Iterator[type[CollectionMachine]]:
    async def start() -> tuple[App, Bus, Any]:
        values = {"nats_url": nats.url, "secrets_dir": nats.secrets, "data_dir": nats.folder}
        app = create_app(Settings.model_validate(values | {"mongo_url": mongo_url}))
        await wait_connected(app.bus)
        work = app.work()
        await work.__aenter__()
        await app.bus.broker.start()
        bus = connect(nats.settings(), "gateway")
        await wait_connected(bus)
        return app, bus, work

    with asyncio.Runner() as runner:
        app, bus, work = runner.run(start())
        yield type("Machine", (CollectionMachine,), {"runner": runner, "bus": bus})

        async def end() -> None:
            await work.__aexit__(None, None, None)
            await bus.broker.stop()
            await app.bus.broker.stop()

        runner.run(end())


def test_operations_do_what_they_do_to_a_dictionary(machine: type[CollectionMachine]) -> None:
    # Each step is several round trips to two servers: breadth comes from running often.
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
