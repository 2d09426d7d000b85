"""What is stored, and what the parts of the data service hand one another; never on the wire."""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson

from shared.contracts.base import Timestamp
from shared.contracts.runs import Caller, Run, RunRequested, RunState

MAX_COLLECTIONS: Final = 1000
"""Collections that one plugin may have."""
MAX_ITEMS: Final = 100_000
"""Documents that one replacement of a collection, or one transaction, may hold."""


@dataclass(frozen=True, slots=True)
class Place:
    """A plugin's collection, and where it lies."""

    plugin: str
    collection: str

    @property
    def physical(self) -> str:
        """The name in MongoDB: names of collections there may hold far less than ours."""
        named = orjson.dumps([self.plugin, self.collection])
        return f"d_{hashlib.sha256(named).hexdigest()[:40]}"

    def operation(
        self, verb: str, op_id: str, item: int | None = None, *, content: Any = None
    ) -> "Operation":
        """The write that `op_id` names; `content` is what is written, JSON-shaped."""
        named = orjson.dumps([verb, self.plugin, self.collection, item, op_id])
        return Operation(hashlib.sha256(named).hexdigest(), hashlib.sha256(orjson.dumps(content)).hexdigest())


@dataclass(frozen=True, slots=True)
class Operation:
    """A write that is done once, however often it is asked for."""

    key: str
    """Under which it is remembered."""
    digest: str
    """Of what it writes: the same key with another one is a mistake of the caller's."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document as it is to be stored."""

    data: dict[str, Any]
    text: str
    """What a search looks through."""

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Item":
        return cls(data, search_text(data))


@dataclass(frozen=True, slots=True)
class Write:
    """One of the writes of a transaction."""

    verb: Literal["add", "replace", "delete", "clear"]
    place: Place
    id: int | None = None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the database says of a stored item beside its document."""

    id: int
    rev: int
    created_at: Timestamp
    updated_at: Timestamp


@dataclass(frozen=True, slots=True)
class ReceivedCommand:
    """A run command and its place in `RUN_CMD`."""

    command: RunRequested
    seq: int
    time_s: float
    """When the bus stored it, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class StateEntry:
    """An entry of the ledger and its sequence."""

    state: RunState
    seq: int
    time_s: float


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the projection has it: what history shows, and what ending or repeating it needs."""

    run: Run
    caller: Caller | None = None
    command_seq: int | None = None
    epoch: int | None = None
    secret_params: tuple[str, ...] = ()
    expires_at: Timestamp | None = None


class HistoryLost(Exception):
    """What was written after a position of the change stream is not known any more."""


ChangeKind = Literal["added", "changed", "removed", "dropped"]


@dataclass(frozen=True, slots=True)
class Change:
    """A write, as the change stream tells of it."""

    kind: ChangeKind
    collection: str
    """The physical one."""
    id: Any
    rev: int | None
    token: str
    """Its position in the change stream."""
    transaction: tuple[bytes, int] | None = None
    """What it shares with the other writes of its transaction."""
    names: tuple[str, str] | None = None
    """Plugin and collection, where it registers one."""


@dataclass(slots=True)
class Batch:
    """What the recorder writes at once."""

    commands: list[ReceivedCommand] = field(default_factory=list)
    states: list[StateEntry] = field(default_factory=list)


def search_text(document: dict[str, Any]) -> str:
    """The text that a search looks through: every string and number, folded, apart by NUL."""
    return folded("\0".join(_words(document)))


def folded(text: str) -> str:
    """Text as searches compare it: one form of each character, no case."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _words(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _words(inner)
        case list() | tuple():
            for inner in value:
                yield from _words(inner)
        case bool() | None:
            pass
        case int() | float():
            yield orjson.dumps(value).decode()


def utc(epoch_s: float) -> datetime:
    """Seconds since 1970 as MongoDB's dates take them."""
    return datetime.fromtimestamp(epoch_s, UTC)
