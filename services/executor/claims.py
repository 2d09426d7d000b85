"""Words of the executor's decisions: what is ordered, who holds a run, how it ended, what becomes of the command."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from shared.contracts.runs import Caller, Outcome, Progress, RunRequested, RunState, RunStatus


@dataclass(frozen=True, slots=True)
class Order:
    """A run command and its sequence in `RUN_CMD`."""

    command: RunRequested
    seq: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The run is ours: its entry in the ledger, whose sequence the final state must name."""

    state: RunState
    seq: int


@dataclass(frozen=True, slots=True)
class HeldByAnother:
    """An executor whose lease lives has claimed it."""


@dataclass(frozen=True, slots=True)
class Orphaned:
    """An executor whose lease is gone has claimed it: nobody knows how far it came."""

    state: RunState
    seq: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Its next attempt is not due yet: its command is stored again when it is."""

    state: RunState


@dataclass(frozen=True, slots=True)
class Ended:
    """It has its final state."""

    state: RunState


Claim = Claimed | HeldByAnother | Orphaned | Waiting | Ended


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The end of an attempt: a final state, or `queued` for another attempt."""

    state: RunStatus
    outcome: Outcome | None = None
    result: Any = None
    cause: str | None = None
    error: str | None = None
    error_type: str | None = None
    progress: Progress | None = None
    retry_in_s: float | None = None
    """Of `queued`: the wait before the next attempt."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that can never be run, and to whom that is said."""

    run_id: str
    plugin: str
    action: str
    actor: str | None
    caller: Caller | None
    end: RunEnd


class Verdict(Enum):
    """What becomes of a command that was delivered."""

    ACK = "dealt with"
    LATER = "offer it again in a while"
    BACK = "offer it again at once, to whoever wants it"
    LEAVE = "say nothing: it is acknowledged by another hand, or offered again by itself"


class Fenced(Exception):
    """This executor's lease is gone: it may store nothing more of what it held."""
