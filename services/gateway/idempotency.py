"""Repeated requests: the same key and body are the same run, for 24 h."""

from typing import Final, Protocol

import orjson

from services.gateway.problems import BadRequest
from shared import errors
from shared.contracts.names import token
from shared.messaging.bus import Held, Refused

MOST_CHARACTERS: Final = 255


class Entries(Protocol):
    """The bucket of idempotency keys."""

    async def create(self, key: str, value: bytes, *, ttl_s: float | None = None) -> int: ...
    async def get(self, key: str) -> Held | None: ...


class Idempotency:
    """Remembers which run a key stands for."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def claim(self, *, user: str, plugin: str, key: str, digest: str, run_id: str) -> str:
        """The run that this key stands for: the given one where the key is new.

        Raises Invalid where the key was used with another body (`digest`), BadRequest for a bad key.
        """
        if not key.isascii() or not key.isprintable() or not 0 < len(key) <= MOST_CHARACTERS:
            raise BadRequest("must be 1 to 255 printable ASCII characters", path="Idempotency-Key")
        name = f"{token(user)}.{token(plugin)}.{token(key)}"
        try:
            await self._entries.create(name, orjson.dumps({"run_id": run_id, "sha256": digest}))
        except Refused:
            held = await self._entries.get(name)
            if held is None:
                raise errors.Unavailable("the idempotency key expires just now") from None
            entry = orjson.loads(held.data)
            if entry["sha256"] != digest:
                raise errors.Invalid(
                    "this Idempotency-Key was used with another body", path="Idempotency-Key"
                ) from None
            return str(entry["run_id"])
        return run_id
