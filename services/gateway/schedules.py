"""Schedules over HTTP: their plugin, action and params looked at before they are stored, passwords masked."""

from typing import Any

from services.gateway.files import FileService
from services.gateway.identity import Asks
from services.gateway.masking import MASK
from services.gateway.plugins import PluginService
from services.gateway.view import Plugin
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject
from shared.contracts.schedules import (
    CreateSchedule,
    DeleteSchedule,
    GetSchedule,
    ListSchedules,
    ListTicks,
    RunSchedule,
    Schedule,
    SchedulePage,
    ScheduleStarted,
    StoredSchedule,
    TickPage,
    UpdateSchedule,
)
from shared.contracts.users import User


class ScheduleService:
    """Commands to the data service, which owns schedules."""

    def __init__(self, *, plugins: PluginService, files: FileService, asks: Asks) -> None:
        self._plugins = plugins
        self._files = files
        self._asks = asks

    async def page(self, query: ListSchedules) -> tuple[list[Schedule], int]:
        """A page of schedules, and how many there are."""
        page: SchedulePage = await self._asks.request(c.LIST_SCHEDULES, query)
        return [shown(schedule) for schedule in page.schedules], page.total

    async def get(self, schedule_id: str) -> Schedule:
        """One schedule. Raises NotFound."""
        return shown(await self._stored(schedule_id))

    async def create(self, values: dict[str, Any], user: User) -> Schedule:
        """Make a schedule. Raises NotFound for a plugin that is not there, Invalid with the path."""
        plugin = await self._runnable(values["plugin"], values["action"])
        params = await self._files.handed(plugin.key, values.get("params") or {}, "params")
        command = CreateSchedule.model_validate(
            {
                **values,
                "params": params,
                "secret_params": plugin.secret_params(values["action"]),
                "actor": f"user:{user.username}",
            }
        )
        return shown(await self._asks.request(c.CREATE_SCHEDULE, command))

    async def update(self, schedule_id: str, values: dict[str, Any], user: User) -> Schedule:
        """Change a schedule; a masked password that comes back as it was shown keeps what is stored."""
        changes: dict[str, Any] = {**values, "id": schedule_id, "actor": f"user:{user.username}"}
        if values.keys() & {"plugin", "action", "params"}:
            changes |= await self._retargeted(schedule_id, values)
        return shown(await self._asks.request(c.UPDATE_SCHEDULE, UpdateSchedule.model_validate(changes)))

    async def set_enabled(self, schedule_id: str, user: User, *, enabled: bool) -> Schedule:
        """Pause or resume."""
        command = UpdateSchedule(id=schedule_id, enabled=enabled, actor=f"user:{user.username}")
        return shown(await self._asks.request(c.UPDATE_SCHEDULE, command))

    async def delete(self, schedule_id: str, user: User) -> None:
        """Remove a schedule and the history of its ticks. Raises NotFound."""
        command = DeleteSchedule(id=schedule_id, actor=f"user:{user.username}")
        await self._asks.request(c.DELETE_SCHEDULE, command)

    async def run(self, schedule_id: str, user: User) -> str:
        """Run it now; the run's id. Raises NotFound, Conflict where its last run goes on, PluginDisabled."""
        command = RunSchedule(id=schedule_id, actor=f"user:{user.username}")
        started: ScheduleStarted = await self._asks.request(c.RUN_SCHEDULE, command)
        return started.run_id

    async def ticks(self, query: ListTicks) -> TickPage:
        """What became of its ticks. Raises NotFound."""
        page: TickPage = await self._asks.request(c.LIST_TICKS, query)
        return page

    async def _retargeted(self, schedule_id: str, values: dict[str, Any]) -> dict[str, Any]:
        """Params by what is run from now on, with the stored passwords where only their mask came back."""
        stored = await self._stored(schedule_id)
        action = values.get("action") or stored.action
        plugin = await self._runnable(values.get("plugin") or stored.plugin, action)
        given = values.get("params")
        params = stored.params if given is None else _unmasked(given, stored)
        return {
            "params": await self._files.handed(plugin.key, params, "params"),
            "secret_params": plugin.secret_params(action),
        }

    async def _stored(self, schedule_id: str) -> StoredSchedule:
        schedule: StoredSchedule = await self._asks.request(c.GET_SCHEDULE, GetSchedule(id=schedule_id))
        return schedule

    async def _runnable(self, key: str, action: str) -> Plugin:
        """The plugin. Raises Invalid where it is not there, or declares other actions only."""
        try:
            plugin = await self._plugins.find(key)
        except errors.NotFound as error:
            raise errors.Invalid(
                f"no plugin {key!r}: install it, or give the key of one that is", path="plugin"
            ) from error
        declared = [one.id for one in plugin.view.actions]
        if declared and action not in declared:
            some = ", ".join(declared[:10])
            raise errors.Invalid(f"plugin {key!r} has no action {action!r}; it has {some}", path="action")
        return plugin


def shown(schedule: StoredSchedule) -> Schedule:
    """A schedule without its passwords."""
    masked = {
        name: MASK if name in schedule.secret_params and value not in (None, "") else value
        for name, value in schedule.params.items()
    }
    values = schedule.model_dump(exclude={"secret_params", "params"})
    return Schedule.model_construct(**values, params=masked)


def _unmasked(params: JsonObject, stored: StoredSchedule) -> JsonObject:
    meant = dict(params)
    for name in stored.secret_params:
        if meant.get(name) != MASK:
            continue
        if name in stored.params:
            meant[name] = stored.params[name]
        else:
            del meant[name]
    return meant
