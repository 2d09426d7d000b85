"""Key-value buckets without consumers: compare-and-set writes, direct reads, live changes."""

from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg

from shared.contracts.streams import Bucket
from shared.messaging.bus import EXPECTED_LAST, EXPECTED_LAST_OF, Bus, Held, Refused


class Kv:
    """One bucket. Keys are made of tokens joined by dots (`home.sports_calendar`)."""

    def __init__(self, bus: Bus, bucket: Bucket) -> None:
        self._bus = bus
        self._fence: dict[str, str] = {}
        self._prefix = f"$KV.{bucket.name}."
        self._stream = f"KV_{bucket.name}"

    async def get(self, key: str) -> Held | None:
        """The entry, or None where there is none or it was deleted."""
        held = await self._bus.last(self._stream, self._prefix + key)
        return None if held is None or held.deleted else held

    async def put(self, key: str, value: bytes) -> int:
        """Write, whatever is there; the new revision."""
        return await self._bus.put(self._prefix + key, value, dict(self._fence))

    def fence(self, key: str, revision: int) -> None:
        """Have `put` and `delete` refused (Refused) by the server as soon as `key` has another revision.

        Whoever takes over writes that key: from then on nothing of a predecessor is stored any more.
        """
        self._fence = {EXPECTED_LAST: str(revision), EXPECTED_LAST_OF: self._prefix + key}

    async def create(self, key: str, value: bytes, *, ttl_s: float | None = None) -> int:
        """Write where there is nothing. Raises Refused where there is something."""
        try:
            return await self.update(key, value, 0, ttl_s=ttl_s)
        except Refused:
            held = await self._bus.last(self._stream, self._prefix + key)
            if held is None or not held.deleted:
                raise
            return await self.update(key, value, held.seq, ttl_s=ttl_s)

    async def update(self, key: str, value: bytes, revision: int, *, ttl_s: float | None = None) -> int:
        """Write where the last revision is the given one, else raise Refused; the new revision."""
        headers = {EXPECTED_LAST: str(revision)}
        if ttl_s is not None:
            headers["Nats-TTL"] = f"{int(ttl_s)}s"
        return await self._bus.put(self._prefix + key, value, headers)

    async def delete(self, key: str, *, revision: int | None = None) -> None:
        """Leave a marker that the key was deleted. Raises Refused where it has another revision."""
        headers = {**self._fence, "KV-Operation": "DEL"}
        if revision is not None:
            headers[EXPECTED_LAST] = str(revision)
            headers.pop(EXPECTED_LAST_OF, None)
        await self._bus.put(self._prefix + key, b"", headers)

    async def entries(self, pattern: str = ">") -> dict[str, Held]:
        """All entries whose key matches, without the deleted ones; for buckets of any size."""
        # A bucket keeps one message a key, so walking its stream finds each key's last; one that is written
        # meanwhile moves to the end and is met again there.
        found = {
            held.subject.removeprefix(self._prefix): held
            async for held in self._bus.walk(self._stream, self._prefix + pattern)
        }
        return {key: held for key, held in found.items() if not held.deleted}

    async def listen(
        self, pattern: str, changed: Callable[[str, Msg], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """Be told of writes while connected: a hint, to be backed by `entries` now and then.

        Expiry by a key's own TTL is not told. Returns what ends it.
        """

        async def tell(message: Msg) -> None:
            await changed(message.subject.removeprefix(self._prefix), message)

        return await self._bus.listen(self._prefix + pattern, tell)
