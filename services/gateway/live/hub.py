"""Which topics are followed on this gateway, and by whom: each frame is encoded once, whoever gets it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from services.gateway.live import metrics
from services.gateway.live.replays import RELOAD, Position, Replay, replayed
from services.gateway.live.source import Source
from services.gateway.live.streams import Message, Streams
from services.gateway.live.topics import Event, Origin, Topic, decoded, frame
from services.gateway.live.wire import encoded
from shared import errors
from shared.contracts import catalog as c
from shared.logging import get_logger
from shared.tasks import ended

LOOK_EVERY_S: Final = 15.0
"""So often everything that is followed is compared with its stream: the last frame that got lost shows then."""
_AGAIN_S: Final = 1.0
_TRIES: Final = 30
_AT_ONCE: Final = 16
_MOST_BUFFERED: Final = 1000

log = get_logger(__name__)

Prepare = Callable[[Origin, Event], Awaitable[None]]


class Receiver(Protocol):
    """Who gets frames."""

    def send(self, data: bytes) -> None:
        """Take an encoded frame; never raises and never waits."""

    async def drained(self) -> None:
        """Wait until most of what was sent is taken."""


class Following:
    """One receiver on one topic."""

    __slots__ = ("after", "at", "channel", "held", "missed", "receiver", "since")

    def __init__(self, channel: "Channel", receiver: Receiver, since: Position | None) -> None:
        self.channel = channel
        self.receiver = receiver
        self.since = since
        self.at = f"{since.epoch}:{since.seq}" if since else channel.at
        """The position from which frames follow."""
        self.after = since.seq if since else 0
        """Frames up to here it has."""
        self.held: list[tuple[int, bytes]] | None = []
        """Frames that wait until it has got the older ones; None once it has."""
        self.missed = False
        """Whether it must be told to reload instead."""


class Channel:
    """A topic that somebody follows."""

    def __init__(self, topic: Topic, feed: "Feed") -> None:
        self.topic = topic
        self.feed = feed
        self.followers: dict[Following, None] = {}

    @property
    def at(self) -> str:
        return f"{self.feed.source.epoch}:{self.feed.source.seq}"

    def show(self, event: Event) -> None:
        """Send an event to everybody, encoded once."""
        shown = self.topic.show(event)
        if shown is None:
            return
        seq: int = event["seq"]
        data = encoded(frame(self.topic, f"{self.feed.source.epoch}:{seq}", event, shown))
        metrics.FRAMES.inc(len(self.followers))
        for following in self.followers:
            if seq <= following.after:
                continue
            if following.held is None:
                following.receiver.send(data)
            elif len(following.held) < _MOST_BUFFERED:
                following.held.append((seq, data))
            else:
                following.missed = True

    def reload(self) -> None:
        """Tell everybody that frames are missing."""
        for following in self.followers:
            following.after = 0
            if following.held is None:
                self.tell_reload(following)
            else:
                following.missed = True

    def tell_reload(self, following: Following) -> None:
        metrics.RELOADS.inc()
        following.receiver.send(encoded({"topic": self.topic.name, "type": "reload", "at": self.at}))


class Feed:
    """A source, and the topics that show what it tells."""

    def __init__(
        self, streams: Streams, origin: Origin, prepare: Prepare, behind: Callable[[], None]
    ) -> None:
        self.origin = origin
        self.source = Source(streams, origin, deliver=self._deliver, reload=self._reload, behind=behind)
        self.channels: dict[str, Channel] = {}
        self.watchers: list[Callable[[Event], None]] = []
        self.users = 0
        self.started: asyncio.Task[None] = asyncio.create_task(self.source.start())
        self._prepare = prepare

    async def _deliver(self, message: Message) -> None:
        event = decoded(message)
        if event is None:
            log.warning("event_not_understood", subject=message.subject, seq=message.seq)
            return
        await self._prepare(self.origin, event)
        for watcher in self.watchers:
            watcher(event)
        for channel in self.channels.values():
            channel.show(event)

    def _reload(self) -> None:
        for channel in self.channels.values():
            channel.reload()


async def _nothing(_origin: Origin, _event: Event) -> None:
    return None


class Hub:
    """Everything that is followed on this gateway."""

    def __init__(self, streams: Streams, *, prepare: Prepare = _nothing) -> None:
        self._streams = streams
        self._prepare = prepare
        self._feeds: dict[Origin, Feed] = {}
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._stop_listening: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Begin to look after what is followed. Raises Unavailable, TimedOut."""
        self._stop_listening = await self._streams.listen(c.CHANGES_LOST.subject.pattern(), self._lost)
        self._task = asyncio.create_task(self._keep_up(), name="live")

    async def stop(self) -> None:
        """End every subscription."""
        await ended(self._task)
        for feed in list(self._feeds.values()):
            self._end(feed)
        await asyncio.gather(*self._stopping, return_exceptions=True)
        if self._stop_listening:
            await self._stop_listening()

    def look(self) -> None:
        """Compare with the streams soon: the connection was away."""
        self._look.set()

    @property
    def subscriptions(self) -> int:
        """Bus subscriptions for topics."""
        return len(self._feeds)

    async def watch(self, origin: Origin, watcher: Callable[[Event], None]) -> None:
        """Have the gateway itself told of events, for as long as it runs. Raises Unavailable, TimedOut."""
        feed = await self._use(origin)
        feed.watchers.append(watcher)

    async def follow(self, topic: Topic, receiver: Receiver, since: str | None) -> Following:
        """Send frames of a topic to a receiver, once `go_on` is called. Raises Unavailable, TimedOut."""
        feed = await self._use(topic.origin)
        channel = feed.channels.get(topic.name)
        if channel is None:
            channel = feed.channels[topic.name] = Channel(topic, feed)
        position = Position.of(since) if since is not None else None
        known = position is not None and position.epoch == feed.source.epoch
        following = Following(channel, receiver, position if known else None)
        following.missed = since is not None and not known
        channel.followers[following] = None
        return following

    async def go_on(self, following: Following) -> None:
        """Send what the receiver has missed since its position, or that it must reload, then what comes."""
        channel = following.channel
        replay = Replay([], 0)
        if following.since is not None and not following.missed:
            replay = await self._missed(following, following.since)
        # From here on nothing is awaited: no frame comes between.
        if following.missed or replay.reload:
            # What was held is older than this, too.
            following.after, following.held = 0, None
            channel.tell_reload(following)
            return
        for data in replay.frames:
            following.receiver.send(data)
        following.after = max(following.after, replay.cursor)
        held, following.held = following.held or [], None
        for seq, data in held:
            if seq > following.after:
                following.receiver.send(data)

    async def _missed(self, following: Following, since: Position) -> Replay:
        channel = following.channel
        for _ in range(_TRIES):
            await following.receiver.drained()
            try:
                return await replayed(self._streams, channel.topic, since)
            except errors.PlugarrError as error:
                log.info("not_replayed", topic=channel.topic.name, reason=error.message)
                await asyncio.sleep(_AGAIN_S)
        return RELOAD

    def leave(self, following: Following) -> None:
        """Send nothing more; the last one to leave ends the subscription."""
        channel, feed = following.channel, following.channel.feed
        if following not in channel.followers:
            return
        del channel.followers[following]
        if not channel.followers:
            feed.channels.pop(channel.topic.name, None)
        self._release(feed)

    async def _use(self, origin: Origin) -> Feed:
        feed = self._feeds.get(origin)
        if feed is None:
            feed = self._feeds[origin] = Feed(self._streams, origin, self._prepare, self.look)
        feed.users += 1
        try:
            await asyncio.shield(feed.started)
        except BaseException:
            self._release(feed)
            raise
        return feed

    def _release(self, feed: Feed) -> None:
        feed.users -= 1
        if feed.users == 0:
            self._end(feed)
        elif feed.started.done() and feed.started.exception() and self._feeds.get(feed.origin) is feed:
            del self._feeds[feed.origin]

    def _end(self, feed: Feed) -> None:
        if self._feeds.get(feed.origin) is feed:
            del self._feeds[feed.origin]
        task = asyncio.create_task(_ended(feed))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _lost(self, message: Message) -> None:
        for feed in list(self._feeds.values()):
            if feed.origin.stream == c.EVENTS_DATA:
                await feed.source.lost(message.seq)

    async def _keep_up(self) -> None:
        pause = LOOK_EVERY_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
            self._look.clear()
            pause = LOOK_EVERY_S if await self._caught_up() else _AGAIN_S

    async def _caught_up(self) -> bool:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def catch_up(feed: Feed) -> bool:
            async with turns:
                if not feed.started.done() or feed.started.exception():
                    return True
                try:
                    await feed.source.catch_up()
                except errors.PlugarrError as error:
                    log.info("not_caught_up", subject=feed.origin.subject, reason=error.message)
                    return False
                return True

        return all(await asyncio.gather(*map(catch_up, list(self._feeds.values()))))


async def _ended(feed: Feed) -> None:
    with contextlib.suppress(errors.PlugarrError):
        await feed.started
    await feed.source.stop()
