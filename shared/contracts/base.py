"""What every message is made of: models, times, ids, references, replies, the envelope of events."""

import contextlib
import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, Literal, TypeVar
from uuid import UUID

import uuid_utils
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

INLINE_LIMIT: Final = 512 * 1024
"""Bytes of JSON that a message may carry itself; more travels by reference (`ObjectRef`)."""
OBJECT_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that may travel by reference at all."""

Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
"""RFC 3339, UTC, milliseconds, `Z`. A string on purpose: it is stored, compared and shown as it is."""
RunId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
"""A UUID in lower case: UUIDv7 for actions, whatever Celery made for tasks."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""A plugin key, an action id, a collection's name: any text, bounded."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, hexadecimal."""
JsonObject = dict[str, JsonValue]


def now() -> Timestamp:
    """The time as messages carry it."""
    second, millisecond = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(second)}.{millisecond:03d}Z"


@lru_cache(maxsize=2)
def _second(epoch_s: int) -> str:
    # Several times in every run's way, and the same for a thousand calls.
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_s))


def timestamp_of(epoch_s: float) -> Timestamp:
    """Seconds since 1970 as messages carry them."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: Timestamp) -> datetime:
    """The moment that a message's time names."""
    return datetime.fromisoformat(text)


def new_id() -> str:
    """A UUIDv7: ids of runs, events and operations sort by time."""
    return str(uuid_utils.uuid7())


def derived_id(like: str, *names: str) -> str:
    """An id that follows from names, with the time of a UUIDv7 `like`: who makes it again makes the same.

    A hash as UUIDv5 has it, in the form of a UUIDv7, so that it sorts by time like every other id.
    """
    hashed = int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:10])
    return _uuid7(UUID(like).int >> 80, hashed)


def derived_id_at(epoch_ms: int, *names: str) -> str:
    """The same for a moment, in milliseconds since 1970."""
    hashed = int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:10])
    return _uuid7(epoch_ms, hashed)


def _uuid7(epoch_ms: int, random: int) -> str:
    value = (epoch_ms & 0xFFFF_FFFF_FFFF) << 80 | random
    return str(UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62))


def sha256(data: bytes) -> Digest:
    """The digest under which packages and large payloads are stored."""
    return hashlib.sha256(data).hexdigest()


class Model(BaseModel):
    """A value inside messages. Frozen: a message that was sent does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Command(Model):
    """An imperative with one owner, who may fail the caller. Unknown fields are refused."""


class Event(BaseModel):
    """A fact in the past tense, with any number of followers. Unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Answer(BaseModel):
    """What a command is answered with. Unknown fields are ignored, so that services may be updated in any order."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Done(Answer):
    """The answer of commands that have nothing to say."""


class ObjectRef(BaseModel):
    """A payload that lies in the Object Store instead of in the message."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    digest: Digest = Field(alias="$object")
    size: Annotated[int, Field(ge=0, le=OBJECT_LIMIT)]

    @classmethod
    def read(cls, value: Any) -> "ObjectRef | None":
        """The reference that a JSON value is, if it is one."""
        if isinstance(value, Mapping) and set(value) == {"$object", "size"}:
            with contextlib.suppress(ValidationError):
                return cls.model_validate(value)
        return None


CarriedObject = Annotated[ObjectRef | JsonObject, Field(union_mode="left_to_right")]
"""A JSON object, or a reference to one that is too large for a message."""
CarriedValue = Annotated[ObjectRef | JsonValue, Field(union_mode="left_to_right")]
"""A JSON value, or a reference to one that is too large for a message."""


class ErrorBody(Answer):
    """Why a command was not done."""

    code: str
    """One of the codes of `shared.errors`."""
    message: str
    path: str | None = None
    """Where in the input the fault lies: `data.items[3].url`."""
    retry: bool = False
    """Whether the same command may succeed later, unchanged."""


A = TypeVar("A")
E = TypeVar("E", bound=BaseModel)


class ReplyOk(Answer, Generic[A]):
    """`{"ok": true, "value": …}`."""

    ok: Literal[True] = True
    value: A


class ReplyError(Answer):
    """`{"ok": false, "error": {…}}`."""

    ok: Literal[False] = False
    error: ErrorBody


class Envelope(Event, Generic[E]):
    """How every event travels. Its sequence is the transport's business, not the envelope's."""

    v: Literal[1] = 1
    id: str = Field(default_factory=new_id)
    type: str
    """Noun and past participle: `run.claimed`, `plugin.enabled`."""
    time: Timestamp = Field(default_factory=now)
    source: str
    """Service and instance: `executor/3f2a`."""
    data: E


JsonAny = Any
"""A value that is JSON-shaped but of unbounded variety; validated where it enters the platform."""
