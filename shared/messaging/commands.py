"""Reading a run command as it lies in `RUN_CMD`: what the subject vouches for is believed, the payload is not."""

from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import RunId
from shared.contracts.contract import ROOT
from shared.contracts.names import untoken
from shared.contracts.runs import Caller, RunRequested

_RUN_ID: Final = TypeAdapter(RunId)
_USER_FORM: Final = 3
_PREFIX: Final = f"{ROOT}run.request."
_TASKS: Final = f"{ROOT}run.task."


class InvalidCommand(Exception):
    """A command that can never be run. Its run, where it names one, ends `failed` with this cause."""

    def __init__(self, message: str, *, cause: str, run_id: str | None, plugin: str, action: str) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.run_id = run_id
        self.plugin = plugin
        self.action = action
        self.actor: str | None = None
        self.caller: Caller | None = None


def read_command(subject: str, data: bytes) -> RunRequested:
    """The command, with what its subject says of it.

    In the form of outside publishers the subject names plugin, action and user: the server lets a user publish
    on no other. So the actor is `bus:<user>` and the result goes to that user, whatever the payload says.
    Raises InvalidCommand (`invalid_command`, or `permission_denied` where the payload says something else).
    """
    names = [untoken(part) for part in subject.removeprefix(_PREFIX).removeprefix(_TASKS).split(".")]
    user = names[2] if len(names) == _USER_FORM else None
    try:
        return _read(names, user, data)
    except InvalidCommand as invalid:
        if user is not None:
            invalid.actor = f"bus:{user}"
            invalid.caller = Caller(kind="user", id=user)
        raise


def _read(names: list[str], user: str | None, data: bytes) -> RunRequested:
    plugin = names[0]
    try:
        command = RunRequested.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {first['msg']}" if path else first["msg"]
        run_id, action = _named(data)
        raise InvalidCommand(
            message, cause="invalid_command", run_id=run_id, plugin=plugin, action=action
        ) from error
    said = [command.plugin] if user is None else [command.plugin, command.action]
    if said != names[: len(said)]:
        raise InvalidCommand(
            f"the command names {' '.join(said)!r}, its subject {' '.join(names[: len(said)])!r}",
            cause="permission_denied",
            run_id=command.run_id,
            plugin=plugin,
            action=command.action,
        )
    if user is None:
        return command
    return command.model_copy(
        update={
            "actor": f"bus:{user}",
            "caller": Caller(kind="user", id=user),
            "kind": "action",
            "trigger": "bus",
            "parent": None,
            "depth": 0,
            "retry_of": None,
        }
    )


def _named(data: bytes) -> tuple[str | None, str]:
    """Run id and action of a command that is not valid, where it has such."""
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None, ""
    if not isinstance(raw, dict):
        return None, ""
    action = raw.get("action")
    try:
        run_id = _RUN_ID.validate_python(raw.get("run_id"))
    except ValidationError:
        return None, ""
    return run_id, action if isinstance(action, str) else ""
