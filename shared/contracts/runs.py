"""A run: the command, the ledger's entries, log, progress, control, and its history."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import (
    Answer,
    CarriedObject,
    CarriedValue,
    Command,
    Event,
    JsonObject,
    Model,
    Name,
    RunId,
    Timestamp,
)

RunStatus = Literal["scheduled", "queued", "running", "succeeded", "failed", "cancelled", "timed_out", "lost"]
FINAL: frozenset[RunStatus] = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})
"""States that nothing follows."""

Outcome = Literal["ok", "error", "queued", "other"]
"""What the status of a succeeded run's result says, for colours and filters."""

RunKind = Literal["action", "task"]
Trigger = Literal["user", "bus", "plugin", "schedule", "event", "retry"]


class Caller(Model):
    """To whom the result is sent, on `plugarr.v1.run.result.<kind>.<id>.<run_id>`, besides being stored."""

    kind: Literal["user", "gateway", "executor", "data"]
    id: Name


class RunRequested(Command):
    """Run an action of a plugin. Stored before the caller hears of it.

    A bus user needs only run_id, plugin and action; actor, trigger and caller then follow from the subject,
    and a different plugin, action or actor than the subject's ends the run `failed` (`permission_denied`).
    """

    run_id: RunId
    plugin: Name
    action: Name
    params: CarriedObject = Field(default_factory=dict)
    kind: RunKind = "action"
    trigger: Trigger = "bus"
    actor: Annotated[str, Field(max_length=300)] | None = None
    """Who asked: `user:admin`, `bus:alice`, `plugin:sports_calendar`, `schedule:<id>`."""
    caller: Caller | None = None
    parent: RunId | None = None
    """The run that asked for this one."""
    depth: Annotated[int, Field(ge=0, le=8)] = 0
    """How many plugins called one another before this one."""
    retry_of: RunId | None = None
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Overrides the manifest's time limit, downwards only."""
    expires_at: Timestamp | None = None
    """A command that nobody claimed by then ends `lost` (`expired`)."""
    created_at: Timestamp | None = None
    """Absent: the time at which the bus stored it."""
    not_before: Timestamp | None = None
    """When it is to begin, at the earliest; until then it is queued."""
    config_rev: Annotated[int, Field(ge=0)] = 0
    """The `rev` of the plugin's config that the sender has seen: an executor that knows an older one reads it
    again first, so that a run never misses settings that were stored before it was asked for."""
    secret_params: tuple[Name, ...] = ()
    """Names of params that are passwords: masked in history and logs."""


class Progress(Event):
    """How far a run says it is."""

    done: float
    total: float | None = None
    message: str | None = None


class RunState(Event):
    """One entry of a run's ledger, on its own subject, published by compare-and-set.

    `Nats-Expected-Last-Subject-Sequence: 0` claims; the claim's sequence finishes, or, with state `queued`,
    puts the run back for another attempt, which `attempt` then counts already.
    """

    run_id: RunId
    plugin: Name
    action: Name
    state: RunStatus
    attempt: Annotated[int, Field(ge=1)] = 1
    command_seq: int | None = None
    """Sequence of the command in RUN_CMD."""
    actor: str | None = None
    """Copied from the command: a repeated command of another actor is not answered."""
    executor: str | None = None
    epoch: int | None = None
    """Epoch of the executor's lease: with it a claim's holder is known to live or not."""
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    outcome: Outcome | None = None
    result: CarriedValue = None
    cause: str | None = None
    """Why it ended so, as a code: raised, denied, unserialisable, timed_out, crashed, plugin_disabled,
    plugin_not_found, not_loaded, permission_denied, invalid_command, cancelled, executor_gone, host_ended, expired,
    shutdown. Of a run that waits for another attempt: why the last one ended, or `retry` where its plugin asked."""
    error: str | None = None
    """The same for people, e.g. `str(exception)`."""
    error_type: str | None = None
    retry_at: Timestamp | None = None
    """Of a run that waits for another attempt: when its command is stored again."""
    progress: Progress | None = None
    """Where an attempt that ended had got to, if it ever said so."""


class RunResult(Event):
    """What the caller is sent once the final state is stored; the same fields as the ledger's last entry."""

    run_id: RunId
    state: RunStatus
    outcome: Outcome | None = None
    result: CarriedValue = None
    cause: str | None = None
    error: str | None = None
    error_type: str | None = None


class RunLogged(Event):
    """Lines that a run, or a plugin outside runs (`run_id` then is None), wrote."""

    plugin: Name
    run_id: RunId | None = None
    lines: tuple[JsonObject, ...]
    """`{time, level, message, logger?}`."""
    before: int = 0
    """Lines of this attempt that were sent before these: what is missing at the front is known by it."""


class RunProgressed(Progress):
    """How far a run says it is, as it is told."""

    plugin: Name
    run_id: RunId


class RunControlled(Event):
    """A wish about a running run, for whichever executor holds it."""

    run_id: RunId
    wish: Literal["cancel"]
    actor: str | None = None


class Run(Answer):
    """A run as history and HTTP show it. Params and results are masked where they are passwords."""

    run_id: RunId
    plugin: Name
    action: Name
    kind: RunKind = "action"
    state: RunStatus
    outcome: Outcome | None = None
    trigger: Trigger = "bus"
    actor: str | None = None
    parent: RunId | None = None
    retry_of: RunId | None = None
    attempt: int = 1
    executor: str | None = None
    schedule_id: str | None = None
    """The schedule whose tick asked for it."""
    progress: Progress | None = None
    params: CarriedValue = None
    result: CarriedValue = None
    cause: str | None = None
    error: str | None = None
    error_type: str | None = None
    retry_at: Timestamp | None = None
    """When another attempt begins, where one waits."""
    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    duration_s: float | None = None


class ListRuns(Command):
    plugin: Name | None = None
    action: Name | None = None
    state: RunStatus | None = None
    outcome: Outcome | None = None
    kind: RunKind | None = None
    trigger: Trigger | None = None
    actor: str | None = None
    parent: RunId | None = None
    search: Annotated[str, Field(max_length=200)] | None = None
    """Case-insensitive text in the id, plugin, action, actor and error of the newest runs that match the rest."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0, le=2**62)] = 0


class RunPage(Answer):
    runs: tuple[Run, ...]
    total: int
    exact: bool = True
    """False where there are at least `total`: what is many is not counted to the end."""


class GetRun(Command):
    run_id: RunId


class GetRunLog(Command):
    run_id: RunId
    after: Annotated[int, Field(ge=0)] = 0
    """Sequence after which to go on; 0 from the start."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000
    search: Annotated[str, Field(max_length=200)] | None = None
    """Only lines that have this text in their message or logger, whatever its case."""


class RunLog(Answer):
    lines: tuple[JsonObject, ...]
    """`{seq, time, level, message, logger?}`."""
    last_seq: int = 0
    more: bool = False
    missing: int = 0
    """Lines before the first one that is still kept."""


class GetSiblings(Command):
    """The runs that share a plugin process with a run: ending its host by force would lose them."""

    run_id: RunId


class Siblings(Answer):
    siblings: tuple[Run, ...]


class CancelRun(Command):
    run_id: RunId
    actor: str | None = None


class CancelAnswer(Answer):
    run: Run
    """As it stood when the wish was taken."""
    ended: bool
    """True where it was queued and is cancelled now, or had ended before; False where its executor is told."""


class RetryRun(Command):
    """Run again with the same params; the new run names the old one."""

    run_id: RunId
    actor: str | None = None
    caller: Caller | None = None


class Retried(Answer):
    run_id: RunId
    plugin: Name
    action: Name
