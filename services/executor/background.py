"""`task.*`: background tasks that plugins start, and what those leave behind."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from services.executor.arguments import command, mapping, text
from services.executor.plugin_settings import Mask, Masks
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id, now, parse_timestamp
from shared.contracts.runs import CancelRun, RunRequested
from shared.contracts.schedules import DeleteSchedule, KeepSchedule
from shared.contracts.tasks import CountTaskValue, DropTaskValue, GetTaskValues, PutTaskValue
from shared.messaging.bus import MSG_ID, Bus
from shared.messaging.objects import Objects, by_reference

LATEST_S: Final = 22 * 3600.0
"""How far ahead a task may be put: the bus keeps commands for a day."""

_SCHEDULES: Final = UUID("9d3f0a55-6a0e-4f0c-9c3b-1f6a8f8f2f60")
_RUN_KEY: Final = "run-of-"

Verb = Callable[[str, str | None, int, Mapping[str, Any]], Awaitable[Any]]
"""plugin, run id, depth, arguments → answer"""


class Background:
    """Publishes tasks as runs of the plugin that starts them."""

    def __init__(self, bus: Bus, objects: Objects, masks: Masks) -> None:
        self._bus = bus
        self._objects = objects
        self._masks = masks
        self.verbs: Mapping[str, Verb] = {
            "task.send": self._send,
            "task.get": self._get,
            "task.put": self._put,
            "task.count": self._count,
            "task.drop": self._drop,
            "task.revoke": self._revoke,
            "beat.keep": self._keep_schedule,
            "beat.drop": self._drop_schedule,
        }

    async def _send(self, plugin: str, run_id: str | None, depth: int, args: Mapping[str, Any]) -> str:
        """The run's id."""
        eta, expires = _moment(args, "eta"), _moment(args, "expires")
        if eta is not None and parse_timestamp(eta) > datetime.now(UTC) + timedelta(seconds=LATEST_S):
            raise errors.Invalid(
                f"a task can be put at most {LATEST_S / 3600:g} hours ahead; use a periodic task", path="eta"
            )
        message = mapping(args, "message")
        task = command(
            RunRequested,
            run_id=new_id(),
            plugin=plugin,
            action=text(args, "task"),
            params=await by_reference(self._objects, message),
            secret_params=secret_parts(message, self._masks.of(plugin, run_id)),
            kind="task",
            trigger="plugin",
            actor=f"plugin:{plugin}",
            parent=run_id,
            depth=min(depth, 8),
            not_before=eta,
            expires_at=expires,
            timeout_s=args.get("time_limit"),
            created_at=now(),
        )
        named = PutTaskValue(plugin=plugin, key=run_key(text(args, "id")), value=task.run_id)
        await self._bus.request(c.PUT_TASK_VALUE, named)
        subject = c.TASK_REQUESTED.subject.of(plugin=plugin)
        await self._bus.put(subject, task.model_dump_json().encode(), {MSG_ID: task.run_id})
        return task.run_id

    async def _get(
        self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]
    ) -> dict[str, str]:
        keys = args.get("keys")
        wanted = command(GetTaskValues, plugin=plugin, keys=keys if isinstance(keys, list) else ())
        return (await self._bus.request(c.GET_TASK_VALUES, wanted)).values

    async def _put(self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> None:
        if text(args, "key").startswith(_RUN_KEY):
            raise errors.PermissionDenied("which run a task is, is the platform's to say", path="key")
        value = command(PutTaskValue, plugin=plugin, key=text(args, "key"), value=args.get("value"))
        await self._bus.request(c.PUT_TASK_VALUE, value)

    async def _count(self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> int:
        step = command(CountTaskValue, plugin=plugin, key=text(args, "key"), op_id=new_id())
        return (await self._bus.request(c.COUNT_TASK_VALUE, step)).count

    async def _drop(self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> None:
        await self._bus.request(
            c.DROP_TASK_VALUE, command(DropTaskValue, plugin=plugin, key=text(args, "key"))
        )

    async def _keep_schedule(
        self, plugin: str, run_id: str | None, _depth: int, args: Mapping[str, Any]
    ) -> None:
        message = mapping(args, "message")
        only_known = args.get("only_known") is True
        wanted = command(
            KeepSchedule,
            id=schedule_id(plugin, text(args, "row")),
            name=text(args, "name")[:200],
            plugin=plugin,
            action=text(args, "task"),
            params=message,
            secret_params=secret_parts(message, self._masks.of(plugin, run_id)),
            only_known=only_known,
            enabled=args.get("enabled") is not False,
            actor=f"plugin:{plugin}",
            timezone=args.get("timezone") or "UTC",
            **{name: args.get(name) for name in ("cron", "interval_s", "at")},
        )
        try:
            await self._bus.request(c.KEEP_SCHEDULE, wanted)
        except errors.NotFound:
            if not only_known:
                raise

    async def _drop_schedule(
        self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]
    ) -> bool:
        wish = DeleteSchedule(id=schedule_id(plugin, text(args, "row")), actor=f"plugin:{plugin}")
        try:
            await self._bus.request(c.DELETE_SCHEDULE, wish)
        except errors.NotFound:
            return False
        return True

    async def _revoke(self, plugin: str, _run: str | None, _depth: int, args: Mapping[str, Any]) -> bool:
        """Cancel the run of one of the plugin's tasks; False where there is no such task."""
        key = run_key(text(args, "id"))
        found = (await self._bus.request(c.GET_TASK_VALUES, GetTaskValues(plugin=plugin, keys=(key,)))).values
        if key not in found:
            return False
        wish = command(CancelRun, run_id=found[key], actor=f"plugin:{plugin}")
        await self._bus.request(c.CANCEL_RUN, wish)
        return True


def schedule_id(plugin: str, row: str) -> str:
    """The schedule that a row of a plugin's periodic tasks is."""
    return str(uuid5(_SCHEDULES, f"{plugin}\n{row}"))


def secret_parts(message: Mapping[str, Any], mask: Mask) -> tuple[str, ...]:
    """The parts of a task's message that nobody may be shown, because its arguments hold a password."""
    if mask.empty:
        return ()
    try:
        # As text in JSON a password may be written otherwise than it is.
        body = orjson.loads(message.get("body") or "null")
    except (orjson.JSONDecodeError, TypeError):
        body = None
    said = [body, message]
    # Headers hold the arguments too, as Python writes them.
    return () if mask.value(said) == said else tuple(name for name in ("body", "headers") if name in message)


def run_key(task_id: str) -> str:
    """Under which the run of a task is found."""
    return f"{_RUN_KEY}{task_id}"


def _moment(args: Mapping[str, Any], name: str) -> str | None:
    """A time as the platform writes it. Raises Invalid."""
    given = args.get(name)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError as error:
        raise errors.Invalid(f"{name}: {given!r} is no time", path=name) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
