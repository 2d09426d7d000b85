"""What a campaign leaves behind, as plain facts: what the auditor judges, and what a failure is examined by."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

Via = Literal["http", "bus"]


@dataclass(frozen=True)
class Fault:
    """Something that was done to the platform. Times are seconds since 1970, of this machine's clock."""

    kind: Literal["kill", "stop", "clock", "disk", "step_down", "starve"]
    """`starve`: not by us; the machine had no time for anybody."""
    target: str
    """`executor`, `host`, `data`, `gateway`, `registry`, `nats-server`, `mongod` …"""
    name: str
    """Which of them: an executor's instance, a host's plugin."""
    at: float
    until: float | None = None
    """When a process that was stopped went on."""


@dataclass
class Answer:
    """What whoever asked for a run was told: a final state, or that it was accepted."""

    at: float
    run_id: str
    state: str
    """`accepted` where it goes on."""
    token: str | None = None
    cause: str | None = None


@dataclass
class Request:
    """A run that was asked for, again and again until it was accepted; always the same one."""

    number: int
    via: Via
    plugin: str
    action: str
    asked_at: float
    run_id: str | None = None
    accepted_at: float | None = None
    answers: list[Answer] = field(default_factory=list)
    refused: str | None = None
    """What it was answered where that is neither acceptance nor a reason to ask again."""


@dataclass(frozen=True)
class Effect:
    """A line of the plugin's own log, written by the running code itself."""

    what: Literal["begin", "wrote", "end"]
    run_id: str
    attempt: int
    token: str
    """Made anew by each call of the code."""
    number: int
    at: float


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger."""

    seq: int
    at: str
    run_id: str
    plugin: str
    state: str
    attempt: int = 1
    executor: str | None = None
    epoch: int | None = None
    started_at: str | None = None
    ended_at: str | None = None
    outcome: str | None = None
    cause: str | None = None
    error: str | None = None
    error_type: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class Recorded:
    """A run as the history shows it; its result is known where it was looked at alone."""

    run_id: str
    state: str
    attempt: int = 1
    executor: str | None = None
    ended_at: str | None = None
    outcome: str | None = None
    cause: str | None = None
    token: str | None = None
    whole: bool = False


@dataclass
class Write:
    """A document that was added over HTTP."""

    number: int
    answered_id: int | None = None
    refused: str | None = None


@dataclass
class Cell:
    """A document that one writer replaces again and again, each time by the next version."""

    number: int
    item_id: int | None = None
    tried: int = 0
    answered: int = 0
    refused: str | None = None


@dataclass(frozen=True)
class Document:
    """A document of the plugins' collections at the end."""

    plugin: str
    collection: str
    item_id: int
    number: int
    token: str | None = None
    version: int = 0


@dataclass(frozen=True)
class Told:
    """A message of the stream of changes, or a WebSocket client's frame of it or of the ledger."""

    topic: str
    seq: int
    type: str
    item_id: int | None = None


@dataclass
class Watcher:
    """A WebSocket client that is cut off again and again, and names the last frame that it saw."""

    name: str
    since: dict[str, int] = field(default_factory=dict)
    """Topic → the sequence after which its frames follow."""
    frames: list[Told] = field(default_factory=list)
    """In the order in which they came, over all connections."""
    reloads: list[str] = field(default_factory=list)
    """Topics of which it was told to read everything again."""
    refused: list[str] = field(default_factory=list)
    connections: int = 0


@dataclass
class Evidence:
    """Everything that was asked for, done, answered, logged and stored."""

    seed: int
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    """In the order of the stream."""
    history: list[Recorded] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    changes: list[Told] = field(default_factory=list)
    """The stream of changes, as far as it is about the plugins' collections, in its order."""
    watchers: list[Watcher] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    """Figures for the report; nothing is judged by them."""

    def save(self, path: Path) -> None:
        """Keep it for whoever looks into a failure: `python -m tests.faults --audit FILE` judges it again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        """What was saved."""
        found: Evidence = TypeAdapter(cls).validate_json(path.read_bytes())
        return found
