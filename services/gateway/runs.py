"""Asking for runs and waiting for their results, a bounded time."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from services.gateway.idempotency import Idempotency
from services.gateway.identity import Asks
from services.gateway.masking import forms
from services.gateway.problems import Faults
from services.gateway.view import Plugin, PluginsView
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import INLINE_LIMIT, ObjectRef, RunId, new_id, now
from shared.contracts.runs import Caller, GetRun, Retried, RetryRun, Run, RunRequested
from shared.contracts.ui import validate_values
from shared.contracts.users import User
from shared.messaging.ledger import Entry

_FIRST_LOOK_S: Final = 5.0
"""When the ledger is first looked at, should the result's message be lost; then every so often."""
_REPEATED_LOOK_S: Final = 0.05
"""The same for a run whose result another gateway may be told of."""

Waiting = asyncio.Future[dict[str, Any] | None]


class Results(Protocol):
    """Where results arrive."""

    def expect(self, run_id: str) -> Waiting: ...
    def forget(self, run_id: str, future: Waiting) -> None: ...


class Commands(Protocol):
    """Where commands are stored: the bus."""

    instance: str

    async def put(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> int: ...


class Ledger(Protocol):
    """Where a run stands, whoever was told."""

    async def last(self, run_id: str) -> Entry | None: ...


class Payloads(Protocol):
    """Large values, under their digest."""

    async def put(self, data: bytes) -> ObjectRef: ...
    async def get(self, digest: str) -> bytes: ...


class Files(Protocol):
    """Files, which the plugin may read once they were handed to it."""

    async def handed(
        self, plugin: str, values: dict[str, Any], path: str, fields: Sequence[Any] = ()
    ) -> dict[str, Any]: ...


class Reads(Protocol):
    """Reads anew into the view."""

    async def refresh_plugin(self, key: str) -> None: ...
    async def sync(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked to run."""

    plugin: str
    action: str
    params: Any
    size: int
    """Bytes of the body that it came in."""
    digest: str
    """SHA-256 of that body."""
    form: str | None = None
    """Id of the form that was submitted: its fields then validate the params."""
    may_hold_files: bool = False
    """Whether the params are to be looked through for files, which costs time where they are large."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    run_id: str
    state: str
    result: Any = None
    """JSON-shaped, or `raw` below."""
    raw: bytes | None = None
    """The result as JSON, where it came by reference."""
    cause: str | None = None
    error: str | None = None


class RunService:
    """Runs over HTTP."""

    def __init__(
        self,
        *,
        view: PluginsView,
        commands: Commands,
        results: Results,
        ledger: Ledger,
        payloads: Payloads,
        idempotency: Idempotency,
        asks: Asks,
        reads: Reads,
        files: Files,
    ) -> None:
        self._view = view
        self._commands = commands
        self._results = results
        self._ledger = ledger
        self._payloads = payloads
        self._idempotency = idempotency
        self._asks = asks
        self._reads = reads
        self._files = files
        self._caller = Caller(kind="gateway", id=commands.instance)

    async def run(
        self, request: Request, user: User, *, wait_s: float, key: str | None = None
    ) -> tuple[str, Outcome | None]:
        """Store the command, wait up to `wait_s`; the run's id, and its outcome if it ended by then.

        Raises NotFound, PluginDisabled, Invalid, Unavailable (a full bus).
        """
        plugin = await self._enabled(request.plugin)
        fields = _validated(plugin, request)
        if fields or request.may_hold_files:
            params = await self._files.handed(plugin.key, request.params, "params", fields)
            request = replace(request, params=params)
        run_id, repeated = new_id(), False
        if key is not None:
            digest = hashlib.sha256(f"{request.action}\n{request.digest}".encode()).hexdigest()
            own = run_id
            run_id = await self._idempotency.claim(
                user=user.id, plugin=request.plugin, key=key, digest=digest, run_id=own
            )
            repeated = run_id != own
        waiting = self._results.expect(run_id)
        try:
            entry = await self._ledger.last(run_id) if repeated else None
            if entry is None:
                await self._publish(run_id, request, plugin, user)
            elif entry.ended:
                return run_id, await self._of_entry(entry)
            return run_id, await self._wait(run_id, waiting, wait_s, repeated=repeated)
        finally:
            self._results.forget(run_id, waiting)

    async def retry(self, run_id: RunId, user: User, *, wait_s: float) -> tuple[str, Outcome | None]:
        """Run again with the same params, as `run`."""
        command = RetryRun(run_id=run_id, actor=f"user:{user.username}", caller=self._caller)
        again: Retried = await self._asks.request(c.RETRY_RUN, command)
        waiting = self._results.expect(again.run_id)
        try:
            # Its result may have come before anybody waited for it: look, as for a repeated one.
            return again.run_id, await self._wait(again.run_id, waiting, wait_s, repeated=True)
        finally:
            self._results.forget(again.run_id, waiting)

    async def get(self, run_id: RunId) -> Run:
        """A run as history shows it; where history is behind, the ledger's word counts. Raises NotFound."""
        try:
            run: Run | None = await self._asks.request(c.GET_RUN, GetRun(run_id=run_id))
        except (errors.NotFound, errors.Unavailable, errors.TimedOut) as error:
            entry = await self._ledger.last(run_id)
            if entry is None:
                raise error from None
            return _run_of(entry, None)
        assert run is not None
        if run.ended_at is None:
            entry = await self._ledger.last(run_id)
            if entry is not None:
                return _run_of(entry, run)
        return run

    async def large(self, run: Run) -> dict[str, bytes]:
        """The JSON of a run's params and result where they came by reference and are still kept."""
        found: dict[str, bytes] = {}
        for name in ("params", "result"):
            with contextlib.suppress(errors.NotFound):
                raw = await self.resolved(getattr(run, name))
                if raw is not None:
                    found[name] = raw
        return found

    async def resolved(self, value: Any) -> bytes | None:
        """The JSON that a reference stands for, or None where the value is none."""
        reference = value if isinstance(value, ObjectRef) else ObjectRef.read(value)
        return None if reference is None else await self._payloads.get(reference.digest)

    async def _enabled(self, key: str) -> Plugin:
        plugin = self._view.get(key)
        if plugin is None or not plugin.config.enabled:
            # Another gateway may have enabled it a moment ago.
            await self._reads.refresh_plugin(key)
            plugin = self._view.get(key)
        if plugin is None:
            raise errors.NotFound(f"no plugin {key!r}")
        if not plugin.config.enabled:
            raise errors.PluginDisabled(f"plugin {key!r} is disabled")
        return plugin

    async def _publish(self, run_id: str, request: Request, plugin: Plugin, user: User) -> None:
        params: Any = request.params
        # What looks like a reference would be taken for one, and show whoever asks what it names.
        alike = ObjectRef.read(params) is not None
        if alike or request.size > INLINE_LIMIT:
            data = await asyncio.to_thread(orjson.dumps, params)
            if alike or len(data) > INLINE_LIMIT:
                params = await self._payloads.put(data)
        # Constructed, not validated: everything in it was made or looked at here, and this is the hot path.
        command = RunRequested.model_construct(
            run_id=run_id,
            plugin=request.plugin,
            action=request.action,
            params=params,
            trigger="user",
            actor=f"user:{user.username}",
            caller=self._caller,
            created_at=now(),
            config_rev=plugin.config.rev,
            secret_params=plugin.secret_params(request.action),
        )
        subject = c.RUN_REQUESTED.subject.of(plugin=request.plugin)
        await self._commands.put(subject, command.model_dump_json().encode(), {"Nats-Msg-Id": run_id})

    async def _wait(self, run_id: str, waiting: Waiting, wait_s: float, *, repeated: bool) -> Outcome | None:
        if wait_s <= 0:
            return None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        look_s = _REPEATED_LOOK_S if repeated else _FIRST_LOOK_S
        while True:
            left = deadline - loop.time()
            await asyncio.wait((waiting,), timeout=max(0.0, min(left, look_s)))
            if waiting.done():
                told = waiting.result()
                return None if told is None else await self._of_told(run_id, told)
            entry = await self._ledger.last(run_id)
            if entry is not None and entry.ended:
                return await self._of_entry(entry)
            if left <= look_s:
                return None
            look_s = min(look_s * 2, _FIRST_LOOK_S)

    async def _of_told(self, run_id: str, told: dict[str, Any]) -> Outcome:
        result = told.get("result")
        raw = await self.resolved(result) if isinstance(result, dict) else None
        return Outcome(run_id, told.get("state", "failed"), result, raw, told.get("cause"), told.get("error"))

    async def _of_entry(self, entry: Entry) -> Outcome:
        state = entry.state
        raw = await self.resolved(state.result)
        return Outcome(
            state.run_id, state.state, None if raw else state.result, raw, state.cause, state.error
        )


def _validated(plugin: Plugin, request: Request) -> Sequence[Any]:
    """The fields of the form that was submitted, where one is named; the params fit them. Raises Invalid."""
    if request.form is None:
        return ()
    for page in plugin.view.pages.values():
        for form in forms(page.components):
            if form.id == request.form and form.submit_action == request.action:
                problems = validate_values(form.fields, request.params)
                if problems:
                    raise Faults([(f"params.{path}", message) for path, message in problems])
                fields: Sequence[Any] = form.fields
                return fields
    raise errors.Invalid(f"no form {request.form!r} submits {request.action!r}", path="form")


def _run_of(entry: Entry, known: Run | None) -> Run:
    state = entry.state
    base = known.model_dump() if known else {"run_id": state.run_id}
    said = state.model_dump(
        include={
            "plugin",
            "action",
            "state",
            "attempt",
            "actor",
            "executor",
            "started_at",
            "ended_at",
            "outcome",
            "result",
            "cause",
            "error",
            "error_type",
        },
        exclude_none=True,
    )
    return Run.model_validate({**base, **said})
