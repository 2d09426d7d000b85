"""Schedules: list, make, change, pause, run now, and what became of their ticks."""

import orjson
from starlette.responses import Response

from services.gateway import schedule_schemas, schemas
from services.gateway.bodies import DOCUMENT
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations
from services.gateway.schedules import ScheduleService
from shared.contracts.schedules import ListSchedules, ListTicks, Schedule


def operations(schedules: ScheduleService) -> Operations:
    """The operations on schedules."""
    ops = Operations("schedules")

    @ops(
        "GET",
        "/api/schedules/",
        "list_schedules",
        {200: schedule_schemas.ScheduleList},
        query=schedule_schemas.SchedulesQuery,
    )
    async def list_schedules(call: Call) -> Response:
        """List schedules, by name. Params that are passwords are masked."""
        query = call.query(schedule_schemas.SchedulesQuery)
        found, total = await schedules.page(ListSchedules.model_validate(query.model_dump()))
        listed = b",".join(one.model_dump_json().encode() for one in found)
        body = b'{"success":true,"schedules":[' + listed + b'],"total":%d}' % total
        return json_response(body, headers={"X-Total-Count": str(total)})

    @ops(
        "POST",
        "/api/schedules/",
        "create_schedule",
        {201: Schedule},
        problems=(400, 409, 413),
        body=schedule_schemas.ScheduleBody,
        examples={
            "nightly": {
                "name": "Every night",
                "plugin": "sports_calendar",
                "action": "sync_all",
                "cron": "30 3 * * *",
                "timezone": "Europe/Berlin",
            },
            "often": {"name": "Often", "plugin": "sports_calendar", "action": "sync_all", "interval_s": 900},
        },
    )
    async def create_schedule(call: Call) -> Response:
        """Make a schedule: by cron (five fields, in a time zone), by interval, or for one time.

        Give exactly one of `cron`, `interval_s` (at least 1) and `at` (RFC 3339; without an offset in the
        schedule's time zone).
        """
        body = await call.body(schedule_schemas.ScheduleBody, DOCUMENT)
        made = await schedules.create(body.model_dump(), call.user)
        return json_response(made.model_dump_json().encode(), 201, {"Location": f"/api/schedules/{made.id}/"})

    @ops("GET", "/api/schedules/{schedule_id}/", "get_schedule", {200: Schedule}, problems=(404,))
    async def get_schedule(call: Call) -> Response:
        """Get a schedule."""
        return _json(await schedules.get(call.name("schedule_id")))

    @ops(
        "PATCH",
        "/api/schedules/{schedule_id}/",
        "update_schedule",
        {200: Schedule},
        problems=(400, 404, 409, 413),
        body=schedule_schemas.SchedulePatch,
        examples={"hourly": {"cron": "0 * * * *"}},
    )
    async def update_schedule(call: Call) -> Response:
        """Change a schedule; what is left out, or null, stays.

        One of `cron`, `interval_s` and `at` replaces the others. With `rev`, only if it still has that one.
        """
        body = await call.body(schedule_schemas.SchedulePatch, DOCUMENT)
        values = body.model_dump(exclude_none=True)
        return _json(await schedules.update(call.name("schedule_id"), values, call.user))

    @ops(
        "DELETE",
        "/api/schedules/{schedule_id}/",
        "delete_schedule",
        {200: schemas.Success},
        problems=(404,),
    )
    async def delete_schedule(call: Call) -> Response:
        """Remove a schedule and the history of its ticks; its runs stay in the history of runs."""
        await schedules.delete(call.name("schedule_id"), call.user)
        return json_response(b'{"success":true}')

    @ops(
        "POST",
        "/api/schedules/{schedule_id}/run/",
        "run_schedule",
        {202: schedule_schemas.ScheduleRun},
        problems=(404, 409),
    )
    async def run_schedule(call: Call) -> Response:
        """Run now what the schedule runs.

        409 where its last run has not ended and it is not allowed to overlap.
        """
        run_id = await schedules.run(call.name("schedule_id"), call.user)
        body = orjson.dumps({"success": True, "run_id": run_id})
        return json_response(body, 202, {"Location": f"/api/runs/{run_id}/"})

    @ops(
        "POST",
        "/api/schedules/{schedule_id}/pause/",
        "pause_schedule",
        {200: Schedule},
        problems=(404,),
    )
    async def pause_schedule(call: Call) -> Response:
        """Pause a schedule: it ticks no more until it is resumed; ticks meanwhile are not missed."""
        return _json(await schedules.set_enabled(call.name("schedule_id"), call.user, enabled=False))

    @ops(
        "POST",
        "/api/schedules/{schedule_id}/resume/",
        "resume_schedule",
        {200: Schedule},
        problems=(404,),
    )
    async def resume_schedule(call: Call) -> Response:
        """Resume a schedule with its next tick from now."""
        return _json(await schedules.set_enabled(call.name("schedule_id"), call.user, enabled=True))

    @ops(
        "GET",
        "/api/schedules/{schedule_id}/ticks/",
        "list_ticks",
        {200: schedule_schemas.TickList},
        problems=(404,),
        query=schemas.PageQuery,
    )
    async def list_ticks(call: Call) -> Response:
        """List what became of a schedule's ticks, the newest first: ran, skipped or missed, and why."""
        query = call.query(schemas.PageQuery)
        command = ListTicks(id=call.name("schedule_id"), limit=query.limit, offset=query.offset)
        page = await schedules.ticks(command)
        body = b'{"success":true,' + page.model_dump_json().encode()[1:]
        return json_response(body, headers={"X-Total-Count": str(page.total)})

    return ops


def _json(schedule: Schedule) -> Response:
    return json_response(schedule.model_dump_json().encode())
