"""The kinds of contract: subject, payload, reply, time-out and stream, named together once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

from shared.contracts.base import Envelope, Event, ReplyOk
from shared.contracts.names import token

ROOT: Final = "plugarr.v1."
_FIELD = re.compile(r"\{(\w+)\}")

Req = TypeVar("Req", bound=BaseModel)
Res = TypeVar("Res", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Rpc(Generic[Req, Res]):
    """A command with one owner and a reply: `{ok: true, value}` or `{ok: false, error}`."""

    name: str
    """`<service>.<verb>`; the subject is `plugarr.v1.rpc.` before it."""
    request: type[Req]
    reply: type[Res]
    timeout_s: float = 5.0
    repeatable: bool = False
    """Whether asking twice does no more than asking once: then an answer that does not come is asked for again."""
    stream_of: type[BaseModel] | None = None
    """Where the reply is followed by chunks (`shared.messaging.streaming`): what their JSON arrays hold."""

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def subject(self) -> str:
        return f"{ROOT}rpc.{self.name}"

    @cached_property
    def reply_adapter(self) -> TypeAdapter[ReplyOk[Res]]:
        return TypeAdapter(ReplyOk[self.reply])  # type: ignore[name-defined]


@dataclass(frozen=True)
class Subject:
    """A family of subjects: `run.state.{run_id}`, every part of it a token."""

    template: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        return tuple(_FIELD.findall(self.template))

    def of(self, **names: str) -> str:
        """The subject of these names."""
        return self._format(**{name: token(value) for name, value in names.items()})

    @cached_property
    def _format(self) -> Callable[..., str]:
        return (ROOT + self.template).format

    def pattern(self, **names: str) -> str:
        """The subscription pattern: fields that are not given match anything."""
        return ROOT + _FIELD.sub(
            lambda match: token(names[match[1]]) if match[1] in names else "*", self.template
        )

    def names_of(self, subject: str) -> tuple[str, ...]:
        """The encoded values of the template's fields in a subject of this family."""
        parts = subject[len(ROOT) :].split(".")
        return tuple(
            part for part, word in zip(parts, self.template.split("."), strict=True) if word.startswith("{")
        )


@dataclass(frozen=True)
class Stored(Generic[M]):
    """A command that lies in a stream until its owner has dealt with it. Not in an envelope."""

    subject: Subject
    payload: type[M]
    stream: str


@dataclass(frozen=True)
class StoredEvent(Generic[E]):
    """A fact that lies in a stream, in the envelope of events."""

    subject: Subject
    payload: type[E]
    stream: str

    @cached_property
    def envelope(self) -> type[Envelope[E]]:
        return Envelope[self.payload]  # type: ignore[name-defined]


@dataclass(frozen=True)
class Signal(Generic[E]):
    """A fact for whoever listens just now, in the envelope of events; nothing stores it."""

    subject: Subject
    payload: type[E]

    @cached_property
    def envelope(self) -> type[Envelope[E]]:
        return Envelope[self.payload]  # type: ignore[name-defined]


AnyContract = Rpc[Any, Any] | Stored[Any] | StoredEvent[Any] | Signal[Any]
