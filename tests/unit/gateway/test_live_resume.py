"""Whatever happens in between, a client gets each frame once and in order, or is told to reload."""

import asyncio
from typing import Any

import orjson
from hypothesis import given, note, settings
from hypothesis import strategies as st

from services.gateway.live.hub import Following, Hub
from services.gateway.live.topics import Topic, topic_of
from shared import errors
from shared.contracts import catalog as c
from tests.unit.gateway.live_log import FakeStreams, FlyingLoop, matches

SUBJECTS = {
    "data.p.one": ("plugarr.v1.event.data.p.one", "plugarr.v1.event.data.p.two"),
    "schedules": (
        "plugarr.v1.event.schedules.s1",
        "plugarr.v1.event.schedules.s2",
        "plugarr.v1.event.users.u",
    ),
    "runs": ("plugarr.v1.run.state.r1", "plugarr.v1.run.state.r2"),
    "runs.p": ("plugarr.v1.run.state.r1", "plugarr.v1.run.state.r2"),
    "run.r1": ("plugarr.v1.run.state.r1", "plugarr.v1.run.state.r2"),
}
"""Topic → what is published meanwhile: of its own subjects and others of its stream."""
CLIENTS = ("a", "b")

publish = st.tuples(st.just("publish"), st.integers(0, 2))
pause = st.tuples(st.just("pause"), st.integers(1, 12))
step = st.one_of(
    publish,
    publish,
    publish,
    pause,
    pause,
    st.tuples(st.just("connect"), st.sampled_from(CLIENTS)),
    st.tuples(st.just("connect"), st.sampled_from(CLIENTS)),
    st.tuples(st.just("disconnect"), st.sampled_from(CLIENTS)),
    st.tuples(st.just("miss"), st.integers(0, 2)),
    st.tuples(st.just("flap"), st.sampled_from(CLIENTS)),
    st.tuples(st.just("bus"), st.booleans()),
    st.tuples(st.just("lag"), st.integers(1, 3)),
    st.tuples(st.just("evict"), st.integers(1, 4)),
    st.tuples(st.sampled_from(["anew", "lost"]), st.none()),
    st.tuples(st.just("wait"), st.floats(0.1, 20)),
)


class Client:
    """Follows one topic, and checks what it is told against what was stored."""

    def __init__(self, topic: Topic, hub: Hub, streams: FakeStreams) -> None:
        self._topic = topic
        self._hub = hub
        self._streams = streams
        self._following: Following | None = None
        self._task: asyncio.Task[None] | None = None
        self.at: str | None = None
        self.history: list[str] = []
        self.faults: list[str] = []

    def send(self, data: bytes) -> None:
        skip = {126: 4, 127: 10}.get(data[1], 2)
        frame: dict[str, Any] = orjson.loads(data[skip:])
        assert frame["topic"] == self._topic.name
        self.history.append(f"{frame['type']} {frame['at']}")
        if frame["type"] != "reload":
            self._look_at(frame["at"])
        self.at = frame["at"]

    def _look_at(self, at: str) -> None:
        """Note what is wrong; whoever sends would swallow an exception."""
        assert self.at is not None
        (old_epoch, _, old), (epoch, _, seq) = self.at.partition(":"), at.partition(":")
        if epoch != old_epoch:
            self.faults.append("another epoch without a reload")
        elif int(seq) <= int(old):
            self.faults.append("told again")
        elif self.between(int(old), int(seq)):
            self.faults.append("left out")

    async def drained(self) -> None:
        await asyncio.sleep(0)

    def between(self, after: int, before: int) -> list[int]:
        """What was stored on the topic between two sequences, whether it is still held or not."""
        found = self._streams.stream(self._topic.origin.stream).ever
        return [
            one.seq
            for one in found
            if after < one.seq < before and matches(self._topic.origin.subject, one.subject)
        ]

    def connect(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._following is not None:
            self._hub.leave(self._following)
            self._following = None

    async def _follow(self) -> None:
        while self._following is None:
            try:
                self._following = await self._hub.follow(self._topic, self, self.at)
            except errors.Unavailable:
                await asyncio.sleep(0.5)
        if self.at is None:
            self.at = self._following.at
        await self._hub.go_on(self._following)

    def assert_up_to_date(self) -> None:
        assert not self.faults, self.history
        assert self.at is not None
        epoch, _, seq = self.at.partition(":")
        stream = self._streams.stream(self._topic.origin.stream)
        assert epoch == stream.epoch, self.history
        assert not self.between(int(seq), stream.last + 1), f"never told: {self.history}"


class World:
    """A gateway's hub, two clients of one topic, and what happens to them."""

    def __init__(self, topic: Topic) -> None:
        self.streams = FakeStreams()
        self.hub = Hub(self.streams)
        self.clients = {name: Client(topic, self.hub, self.streams) for name in CLIENTS}
        self._topic = topic

    async def publish(self, which: int) -> None:
        subjects = SUBJECTS[self._topic.name]
        self.streams.publish(self._topic.origin.stream, subjects[which % len(subjects)])

    async def connect(self, name: str) -> None:
        self.clients[name].connect()

    async def disconnect(self, name: str) -> None:
        await self.clients[name].disconnect()

    async def bus(self, up: bool) -> None:
        self.streams.up = up
        self.hub.look()

    async def miss(self, which: int) -> None:
        """What is told gets lost on its way."""
        self.streams.losing = True
        await self.publish(which)
        self.streams.losing = False

    async def flap(self, name: str) -> None:
        await self.disconnect(name)
        await self.publish(0)
        await self.connect(name)

    async def lag(self, lagging: int) -> None:
        self.streams.lagging = lagging

    async def evict(self, count: int) -> None:
        self.streams.evict(self._topic.origin.stream, count)

    async def anew(self, _: None) -> None:
        # It takes an end of the bus: the gateway notices, and looks when it is back.
        self.streams.make_anew(self._topic.origin.stream)
        self.hub.look()

    async def lost(self, _: None) -> None:
        self.streams.publish(c.EVENTS_DATA, c.CHANGES_LOST.subject.pattern(), "changes.lost")

    async def pause(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def scenario(topic: Topic, steps: list[tuple[str, Any]]) -> None:
    world = World(topic)
    streams, hub, clients = world.streams, world.hub, world.clients
    await hub.start()
    await world.connect("a")
    for name, argument in steps:
        await getattr(world, name)(argument)
    streams.up, streams.losing, streams.lagging = True, False, 0
    for client in clients.values():
        client.connect()
    # What got lost last shows when everything is looked at.
    await asyncio.sleep(120)
    for client in clients.values():
        client.assert_up_to_date()
        await client.disconnect()
    await asyncio.sleep(1)
    assert hub.subscriptions == 0
    await hub.stop()


@settings(max_examples=200)
@given(st.sampled_from(sorted(SUBJECTS)), st.lists(step, min_size=15, max_size=60))
def test_each_frame_comes_once_and_in_order_or_a_reload(topic: str, steps: list[tuple[str, Any]]) -> None:
    note(f"{topic}: {steps}")
    with asyncio.Runner(loop_factory=FlyingLoop) as runner:
        runner.run(scenario(topic_of(topic), steps))
