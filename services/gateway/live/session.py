"""One client: what it asks for, what it follows, and when it is let go."""

import asyncio
import contextlib
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.gateway.access import require
from services.gateway.live import limits, metrics, topics
from services.gateway.live.grants import Grant, Knows, granted, granted_still
from services.gateway.live.hub import Following, Hub
from services.gateway.live.limits import Bucket
from services.gateway.live.wire import Wire, encoded
from services.gateway.problems import faults_of
from shared import errors
from shared.contracts import live as m
from shared.logging import get_logger
from shared.tasks import ended

_FRAME: Final = TypeAdapter[m.ClientFrame](m.ClientFrame)
_PONG: Final = encoded({"type": "pong"})
_TRY_FOR_S: Final = 30.0
"""So long a subscription is tried while the bus is away."""
_AGAIN_S: Final = 0.5
_WELCOME_S: Final = 1.0
_UNDER_WAY: Final = 8

log = get_logger(__name__)


class Session:
    """A client that is known."""

    def __init__(self, wire: Wire, hub: Hub, knows: Knows, grant: Grant) -> None:
        self.grant = grant
        self._wire = wire
        self._hub = hub
        self._knows = knows
        self._followed: dict[str, Following] = {}
        self._updates: Following | None = None
        self._frames = Bucket(per_s=20, burst=100)
        self._topics = Bucket(per_s=20, burst=2 * limits.MOST_TOPICS)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recheck = asyncio.Event()
        self._closed = False

    # Sending: what `hub.Receiver` asks for.

    def send(self, data: bytes) -> None:
        """Send an encoded frame, or let the client go where it has taken too little of those before."""
        if self._closed:
            return
        if self._wire.backlog > limits.BACKLOG:
            text = f"more than {limits.BACKLOG:,} bytes were waiting to be read"
            self._wire.write(encoded({"type": "notice", "code": "too_slow", "message": text}))
            self.close(4409, "too slow")
            return
        self._wire.write(data)

    async def drained(self) -> None:
        await self._wire.drained()

    def close(self, code: int, reason: str) -> None:
        """Let the client go."""
        if not self._closed:
            self._closed = True
            metrics.CLOSED.labels(str(code)).inc()
            self._wire.close(code, reason)

    # Living

    def start(self) -> None:
        """Greet the client, and keep looking whether it may stay."""
        self._spawn(self._welcome())
        self._spawn(self._stay_allowed())

    async def stop(self) -> None:
        """Forget the client."""
        self._closed = True
        await ended(*self._tasks)
        for following in self._followed.values():
            self._hub.leave(following)
        if self._updates:
            self._hub.leave(self._updates)

    def user_changed(self) -> None:
        """Look at once whether the client may stay."""
        self._recheck.set()

    async def take(self, text: str | None) -> None:
        """Deal with a frame of the client's; None for one that is no text."""
        if not self._frames.take():
            self._fail(errors.RateLimited("too many frames: at most 20 a second"))
            return
        try:
            frame = _FRAME.validate_json(text or "")
        except ValidationError as error:
            self._fail(errors.Invalid(f"no frame that is known: {_fault(error)}"))
            return
        match frame:
            case m.Ping():
                self.send(_PONG)
            case m.Authenticate():
                await self._authenticate(frame)
            case m.Subscribe() | m.Unsubscribe() if len(self._tasks) > _UNDER_WAY:
                self._fail(errors.RateLimited("other subscriptions are still under way"))
            # Not awaited: while the bus is away a client is still answered. Tasks begin in this order.
            case m.Subscribe():
                self._spawn(self._subscribe(frame))
            case m.Unsubscribe():
                self._spawn(self._unsubscribe(frame))

    async def _welcome(self) -> None:
        """Greet the client; from then on it gets what plugins send to everybody, unless the bus is away."""
        followed = self.grant.user.level == "viewer"
        async with self._turn:
            if not followed:
                with contextlib.suppress(errors.PlugarrError, TimeoutError):
                    async with asyncio.timeout(_WELCOME_S):
                        followed = await self._follow_updates()
            self._greet()
        while not followed:
            await asyncio.sleep(_AGAIN_S)
            with contextlib.suppress(errors.PlugarrError):
                followed = await self._follow_updates()

    async def _follow_updates(self) -> bool:
        self._updates = await self._hub.follow(topics.updates(), self, None)
        await self._hub.go_on(self._updates)
        return True

    def _greet(self) -> None:
        user = {"username": self.grant.user.username, "level": self.grant.user.level}
        self.send(encoded({"type": "ready", "user": user}))

    async def _authenticate(self, frame: m.Authenticate) -> None:
        """A newer token of the same user prolongs the connection."""
        try:
            grant = await granted(self._knows, frame.token)
        except errors.Unauthenticated as error:
            self.close(4401, error.message)
            return
        except errors.PlugarrError as error:
            self._fail(error)
            return
        if grant.user.id != self.grant.user.id:
            self.close(4403, "another user's token: connect anew")
            return
        self.grant = grant
        self._recheck.set()
        self._greet()

    async def _subscribe(self, frame: m.Subscribe) -> None:
        async with self._turn:
            names = list(dict.fromkeys(frame.topics))
            if not self._topics.take(len(names)):
                self._fail(errors.RateLimited("too many subscriptions: at most 20 topics a second"))
                return
            new = [name for name in names if name not in self._followed]
            if len(self._followed) + len(new) > limits.MOST_TOPICS:
                self._fail(errors.Invalid(f"a client follows at most {limits.MOST_TOPICS} topics"))
                return
            found = await asyncio.gather(*(self._follow(name, frame.since.get(name)) for name in names))
            followings = [following for following in found if following is not None]
            if followings:
                positions = {one.channel.topic.name: one.at for one in followings}
                self.send(encoded({"type": "subscribed", "topics": positions}))
            await asyncio.gather(*map(self._hub.go_on, followings))

    async def _unsubscribe(self, frame: m.Unsubscribe) -> None:
        async with self._turn:
            for name in frame.topics:
                self._leave(name)

    async def _follow(self, name: str, since: str | None) -> Following | None:
        try:
            topic = topics.topic_of(name)
            require(self.grant.user, topic.level)
            following = await self._tried(topic, since)
        except errors.PlugarrError as error:
            self._fail(error, name)
            return None
        # Asked for again, it begins again.
        self._leave(name)
        self._followed[name] = following
        return following

    async def _tried(self, topic: topics.Topic, since: str | None) -> Following:
        deadline = asyncio.get_running_loop().time() + _TRY_FOR_S
        while True:
            try:
                return await self._hub.follow(topic, self, since)
            except errors.PlugarrError as error:
                if not error.retry or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(_AGAIN_S)

    def _leave(self, name: str) -> None:
        following = self._followed.pop(name, None)
        if following:
            self._hub.leave(following)

    async def _stay_allowed(self) -> None:
        while not self._closed:
            left_s = self.grant.left_s
            if left_s is not None and left_s <= 0:
                self.close(4401, "the token has expired")
                return
            wait_s = limits.RECHECK_EVERY_S if left_s is None else min(limits.RECHECK_EVERY_S, left_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._recheck.wait()
            self._recheck.clear()
            await self._check()

    async def _check(self) -> None:
        before = self.grant
        try:
            now = await granted_still(self._knows, before)
        except errors.Unauthenticated as error:
            self.close(4401, error.message)
            return
        except errors.PlugarrError as error:
            # Nobody can say just now: who was allowed stays.
            log.info("client_not_checked", reason=error.message)
            return
        if now.user.level != before.user.level:
            self.close(4401, "your rights have changed: connect anew")
        elif self.grant is before:
            self.grant = now

    def _fail(self, error: errors.PlugarrError, topic: str | None = None) -> None:
        body: dict[str, Any] = {"type": "error", "code": error.code, "message": error.message}
        self.send(encoded(body if topic is None else {**body, "topic": topic}))

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _fault(error: ValidationError) -> str:
    path, message = faults_of(error).faults[0]
    return f"{path}: {message}"
