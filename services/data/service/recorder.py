"""The run history follows the bus: what is asked for, and what becomes of it.

Commands that nobody will ever run (not valid, plugin disabled or unknown) are ended here, since no executor
has a consumer for them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from pydantic import ValidationError

from services.data.clients import Payloads, Platform
from services.data.models import Batch, ReceivedCommand, StateEntry
from services.data.repository.configs import Configs
from services.data.repository.run_records import RunRecords
from services.data.repository.runs import Runs
from services.data.service.endings import Ending, Endings
from shared import errors
from shared.contracts.base import Envelope, ObjectRef
from shared.contracts.catalog import RUN_STATE_CHANGED
from shared.contracts.runs import RunRequested, RunState
from shared.documents import read_json
from shared.logging import get_logger
from shared.messaging.commands import InvalidCommand, read_command

MASK: Final = "***"
_AT_ONCE: Final = 32
_STATES: Final = RUN_STATE_CHANGED.subject.pattern().removesuffix("*")

log = get_logger(__name__)


class Message(Protocol):
    """A stored message, as a consumer delivers it."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def seq(self) -> int: ...
    @property
    def time_s(self) -> float: ...


class Recorder:
    """Writes batches of messages into the run history; each may come again, and in any order."""

    def __init__(
        self,
        *,
        records: RunRecords,
        runs: Runs,
        configs: Configs,
        platform: Platform,
        payloads: Payloads,
        endings: Endings,
    ) -> None:
        self._records = records
        self._runs = runs
        self._configs = configs
        self._platform = platform
        self._payloads = payloads
        self._endings = endings
        self._states = Envelope[RunState]

    async def record(self, messages: Sequence[Message]) -> None:
        """Write what was asked for and what became of it, and end what can never run."""
        commands = [message for message in messages if not message.subject.startswith(_STATES)]
        received, rejected = _read(commands)
        if commands:
            enabled = await self._configs.enabled_since({one.command.plugin for one in received})
            rejected += [await self._refused(one) for one in received if one.command.plugin not in enabled]
        masked = [ReceivedCommand(await self._masked(one.command), one.seq, one.time_s) for one in received]
        states = self._read_states(message for message in messages if message.subject.startswith(_STATES))
        await self._records.record(Batch(masked, states))
        await self._end(rejected)

    def _read_states(self, messages: Iterable[Message]) -> list[StateEntry]:
        entries: list[StateEntry] = []
        for message in messages:
            try:
                state = self._states.model_validate_json(message.data).data
            except ValidationError:
                log.warning("state_not_understood", subject=message.subject, seq=message.seq)
            else:
                entries.append(StateEntry(state, message.seq, message.time_s))
        return entries

    async def _end(self, rejected: list[Ending]) -> None:
        if not rejected:
            return
        # Somebody may give a command the id of another's run: only the first command may end its run.
        firsts = await self._runs.first_commands([one.run_id for one in rejected])
        own = [one for one in rejected if firsts.get(one.run_id, one.command_seq) == one.command_seq]
        for start in range(0, len(own), _AT_ONCE):
            await asyncio.gather(*(self._endings.end(one) for one in own[start : start + _AT_ONCE]))

    async def _refused(self, received: ReceivedCommand) -> Ending:
        return await refusal(self._platform, received.command, received.seq)

    async def _masked(self, command: RunRequested) -> RunRequested:
        """The command as history may show it."""
        if not command.secret_params:
            return command
        params: Any = command.params
        if isinstance(params, ObjectRef) or ObjectRef.read(params):
            params = await self._params(params)
        hidden = {
            name: MASK if name in command.secret_params and value else value for name, value in params.items()
        }
        return command.model_copy(update={"params": await self._payloads.put(hidden)})

    async def _params(self, given: Any) -> dict[str, Any]:
        reference = given if isinstance(given, ObjectRef) else ObjectRef.model_validate(given)
        try:
            params = read_json(await self._payloads.get(reference), "params")
        except (errors.NotFound, errors.Invalid):
            return {}
        return params if isinstance(params, dict) else {}


def _read(messages: Sequence[Message]) -> tuple[list[ReceivedCommand], list[Ending]]:
    """The commands that these messages are, and the ends of those that are not valid."""
    received: list[ReceivedCommand] = []
    rejected: list[Ending] = []
    for message in messages:
        try:
            command = read_command(message.subject, message.data)
        except InvalidCommand as invalid:
            if invalid.run_id is None:
                log.warning("command_without_run", subject=message.subject, reason=invalid.message)
            else:
                rejected.append(_invalid(invalid, invalid.run_id, message.seq))
        except ValueError:
            log.warning("command_subject_not_understood", subject=message.subject)
        else:
            received.append(ReceivedCommand(command, message.seq, message.time_s))
    return received, rejected


async def refusal(platform: Platform, command: RunRequested, seq: int | None) -> Ending:
    """The end of a command whose plugin is not enabled."""
    known = await platform.plugin_known(command.plugin)
    return Ending(
        run_id=command.run_id,
        plugin=command.plugin,
        action=command.action,
        state="failed",
        cause="plugin_disabled" if known else "plugin_not_found",
        error=f"Plugin '{command.plugin}' is disabled" if known else f"Plugin '{command.plugin}' not found",
        actor=command.actor,
        command_seq=seq,
        caller=command.caller,
    )


def _invalid(invalid: InvalidCommand, run_id: str, seq: int) -> Ending:
    return Ending(
        run_id=run_id,
        plugin=invalid.plugin,
        action=invalid.action,
        state="failed",
        cause=invalid.cause,
        error=invalid.message,
        actor=invalid.actor,
        command_seq=seq,
        caller=invalid.caller,
    )
