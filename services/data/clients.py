"""Everything that the data service reaches on the bus, apart from the commands it answers."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from services.data.models import ReceivedCommand
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject, ObjectRef, parse_timestamp
from shared.contracts.names import token
from shared.contracts.plugins import Lease, PluginChanged
from shared.contracts.runs import RunControlled, RunRequested
from shared.contracts.streams import LEASES, MANIFESTS, RECORDER
from shared.logging import get_logger
from shared.messaging.bus import Bus, Held
from shared.messaging.commands import InvalidCommand, read_command
from shared.messaging.kv import Kv
from shared.messaging.leases import epoch_of
from shared.messaging.objects import Objects, by_reference

_ALL_COMMANDS: Final = "plugarr.v1.run.>"
_SEARCHED: Final = 1000
"""Commands that are looked through for one that is in no history yet."""
_AHEAD_S: Final = 3600.0
"""By how much a sender's clock may be ahead."""

log = get_logger(__name__)


class Payloads:
    """Large payloads, in the Object Store."""

    def __init__(self, bus: Bus) -> None:
        self._objects = Objects(bus)

    async def get(self, reference: ObjectRef) -> bytes:
        """The bytes that a reference stands for. Raises NotFound, Invalid where the size is another."""
        data = await self._objects.get(reference.digest)
        if len(data) != reference.size:
            raise errors.Invalid(f"the object has {len(data):,} bytes and not {reference.size:,}")
        return data

    async def put(self, value: JsonObject) -> JsonObject | ObjectRef:
        """The value, or a reference to it where it is large."""
        kept: JsonObject | ObjectRef = await by_reference(self._objects, value)
        return kept


class Commands:
    """Run commands, as they lie in `RUN_CMD`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def at(self, seq: int) -> ReceivedCommand | None:
        """The command with that sequence; None where the stream has forgotten it."""
        held = await self._bus.at(c.RUN_CMD, seq)
        return None if held is None else _received(held)

    async def find(self, run_id: str) -> ReceivedCommand | None:
        """A command that no history has yet: looked for from the moment on that its UUIDv7 names."""
        uuid = UUID(run_id)
        made_s = (uuid.int >> 80) / 1000
        # A moment that is still to come, or that the calendar has not, is no command's.
        if uuid.version != 7 or made_s > time.time() + _AHEAD_S:
            return None
        since = datetime.fromtimestamp(made_s, UTC) - timedelta(seconds=2)
        query = {
            "start_time": since.isoformat().replace("+00:00", "Z"),
            "next_by_subj": _ALL_COMMANDS,
            "batch": _SEARCHED,
        }
        wanted = run_id.encode()
        async for held in self._bus.batch(c.RUN_CMD, query):
            if wanted in held.data:
                found = _received(held)
                if found and found.command.run_id == run_id:
                    return found
        return None

    async def send(self, command: RunRequested, *, msg_id: str | None = None) -> int:
        """Store a command; sent twice it is stored once. `msg_id` is another one than the run's id."""
        contract = c.TASK_REQUESTED if command.kind == "task" else c.RUN_REQUESTED
        return await self._bus.store(
            contract, command, msg_id=msg_id or command.run_id, plugin=command.plugin
        )


class Platform:
    """Plugins, executors and listeners, as the bus knows them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._manifests = Kv(bus, MANIFESTS)
        self._leases = Kv(bus, LEASES)

    async def plugin_known(self, key: str) -> bool:
        """Whether the registry lists a plugin of that key."""
        return await self._manifests.get(f"manifest.{token(key)}") is not None

    async def executor_lives(self, executor: str, epoch: int | None) -> bool:
        """Whether an executor still holds the lease under which it claimed a run."""
        held = await self._leases.get(f"executor.{token(executor)}")
        if held is None:
            return False
        return epoch is None or epoch_of(held.seq, Lease.model_validate_json(held.data)) == epoch

    async def announce(self, change: PluginChanged) -> None:
        """Tell of a change. A failure is only logged: whoever follows reconciles anyway."""
        try:
            await self._bus.store(c.PLUGIN_CHANGED, change, type=f"plugin.{change.change}", plugin=change.key)
        except errors.PlugarrError as error:
            log.warning("not_announced", plugin=change.key, change=change.change, reason=error.message)

    async def ask_to_cancel(self, run_id: str, actor: str | None) -> None:
        """Tell whichever executor holds the run."""
        wish = RunControlled(run_id=run_id, wish="cancel", actor=actor)
        await self._bus.publish(c.RUN_CONTROLLED, wish, type="run.cancel_wished", run_id=run_id)

    async def pending(self, stream: str, durable: str = RECORDER) -> int:
        """Messages that a durable's readers have not dealt with. Raises NotFound without it."""
        subject = f"$JS.API.CONSUMER.INFO.{stream}.{durable}"
        reply = orjson.loads((await self._bus.nc.request(subject, timeout=2.0)).data)
        if "error" in reply:
            raise errors.NotFound(f"no durable {durable} on {stream}: run the provisioner")
        return int(reply["num_pending"]) + int(reply["num_ack_pending"])


def _received(held: Held) -> ReceivedCommand | None:
    try:
        command = read_command(held.subject, held.data)
    except (InvalidCommand, ValueError):
        return None
    # NATS has nanoseconds, Python microseconds.
    time = held.time[:26].rstrip("Z") if held.time else ""
    stored = parse_timestamp(time).replace(tzinfo=UTC).timestamp() if time else 0.0
    return ReceivedCommand(command, held.seq, stored)
