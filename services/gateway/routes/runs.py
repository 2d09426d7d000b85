"""Runs: ask for one, look at it, its log, cancel, again."""

import orjson
from starlette.responses import Response

from services.gateway import run_schemas as schemas
from services.gateway.bodies import LARGE, parse_json, read_body
from services.gateway.calls import Call, json_response
from services.gateway.identity import Asks
from services.gateway.operations import Operations
from services.gateway.problems import BadRequest, problem
from services.gateway.runs import Outcome, Request, RunService
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import sha256
from shared.contracts.runs import CancelRun, GetRunLog, GetSiblings, ListRuns, Run, RunLog

_DEFAULT_WAIT_S = 30.0
_FORBIDDEN = frozenset({"denied", "plugin_disabled", "permission_denied"})


def operations(runs: RunService, asks: Asks) -> Operations:
    """The operations on runs."""
    ops = Operations("runs")

    @ops(
        "POST",
        "/api/plugins/plugins/{key}/run/",
        "run_action",
        {200: schemas.RunAnswer, 202: schemas.RunAccepted, 500: schemas.RunFailure},
        problems=(400, 404, 413),
        query=schemas.WaitQuery,
        body=schemas.RunBody,
        headers=("Idempotency-Key",),
        examples={"calendar": {"action": "add_calendar", "params": {"name": "Work", "url": "https://…"}}},
    )
    async def run_action(call: Call) -> Response:
        """Run an action of a plugin.

        Answers with the result, or with 202 and the run's id if it takes longer than `wait` seconds. A run
        goes on whether somebody waits for it or not. The same `Idempotency-Key` with the same body is the
        same run, for 24 h.
        """
        raw_wait = call.request.url.query
        wait_s = call.query(schemas.WaitQuery).wait if raw_wait else _DEFAULT_WAIT_S
        data = await read_body(call.request, LARGE)
        request = _request(call.name("key"), await parse_json(data), data)
        key = call.request.headers.get("idempotency-key")
        run_id, outcome = await runs.run(request, call.user, wait_s=wait_s, key=key)
        return answer(run_id, outcome, request.plugin)

    @ops("GET", "/api/runs/", "list_runs", {200: schemas.RunList}, query=schemas.RunsQuery)
    async def list_runs(call: Call) -> Response:
        """List runs, the newest first."""
        query = call.query(schemas.RunsQuery)
        page = await asks.request(c.LIST_RUNS, ListRuns.model_validate(query.model_dump()))
        body = b'{"success":true,' + page.model_dump_json().encode()[1:]
        return json_response(body, headers={"X-Total-Count": str(page.total)})

    @ops("GET", "/api/runs/{run_id}/", "get_run", {200: Run}, problems=(404,))
    async def get_run(call: Call) -> Response:
        """Get a run: its state, outcome and result."""
        run = await runs.get(call.name("run_id"))
        large = await runs.large(run)
        parts = [run.model_dump_json(exclude=set(large)).encode()[:-1]]
        parts += [b',"' + name.encode() + b'":' + raw for name, raw in large.items()]
        return json_response(b"".join(parts) + b"}")

    @ops(
        "GET",
        "/api/runs/{run_id}/log/",
        "get_run_log",
        {200: RunLog},
        problems=(404,),
        query=schemas.LogQuery,
    )
    async def get_run_log(call: Call) -> Response:
        """Get lines of a run's log."""
        query = call.query(schemas.LogQuery)
        command = GetRunLog(run_id=call.name("run_id"), **query.model_dump())
        found = await asks.request(c.GET_RUN_LOG, command)
        return json_response(found.model_dump_json().encode())

    @ops(
        "GET",
        "/api/runs/{run_id}/siblings/",
        "get_siblings",
        {200: schemas.SiblingList},
        problems=(404,),
    )
    async def get_siblings(call: Call) -> Response:
        """List the runs that share a plugin process with a run.

        Should a cancelled run not stop by itself within 10 s, its process is ended, and these end `lost` with it.
        """
        found = await asks.request(c.GET_SIBLINGS, GetSiblings(run_id=call.name("run_id")))
        return json_response(found.model_dump_json().encode())

    @ops(
        "POST",
        "/api/runs/{run_id}/cancel/",
        "cancel_run",
        {200: schemas.Cancelled, 202: schemas.Cancelled},
        problems=(404, 409),
    )
    async def cancel_run(call: Call) -> Response:
        """Cancel a run: 200 where it has ended by now, 202 where its executor has been told."""
        command = CancelRun(run_id=call.name("run_id"), actor=f"user:{call.user.username}")
        answered = await asks.request(c.CANCEL_RUN, command)
        body = b'{"success":true,' + answered.model_dump_json().encode()[1:]
        return json_response(body, 200 if answered.ended else 202)

    @ops(
        "POST",
        "/api/runs/{run_id}/retry/",
        "retry_run",
        {200: schemas.RunAnswer, 202: schemas.RunAccepted, 500: schemas.RunFailure},
        problems=(404, 409),
        query=schemas.NoWaitQuery,
    )
    async def retry_run(call: Call) -> Response:
        """Run again with the same params; the new run names the old one."""
        wait_s = call.query(schemas.NoWaitQuery).wait
        run_id, outcome = await runs.retry(call.name("run_id"), call.user, wait_s=wait_s)
        return answer(run_id, outcome, "")

    return ops


def answer(run_id: str, outcome: Outcome | None, plugin: str) -> Response:
    """The answer to whoever asked for a run; every one carries its id."""
    if outcome is None:
        result = {"status": "queued", "message": f"The run goes on: /api/runs/{run_id}/ shows how it ends."}
        body = orjson.dumps({"success": True, "run_id": run_id, "result": result})
        return json_response(body, 202, {"Location": f"/api/runs/{run_id}/"})
    if outcome.state == "succeeded":
        head = b'{"success":true,"run_id":"' + run_id.encode() + b'","result":'
        return json_response(head + (outcome.raw or orjson.dumps(outcome.result)) + b"}")
    error = outcome.error
    if error is None:
        error = f"the run ended {outcome.state}" + (f": {outcome.cause}" if outcome.cause else "")
    if outcome.cause == "plugin_not_found":
        return problem(404, "not_found", error, run_id=run_id)
    if outcome.cause == "not_loaded" and plugin:
        error = f"Plugin '{plugin}' not found"
    status = 403 if outcome.cause in _FORBIDDEN else 500
    return json_response(orjson.dumps({"success": False, "error": error, "run_id": run_id}), status)


def _request(key: str, body: object, data: bytes) -> Request:
    # By hand instead of by a model: this is the hot path, and upstream promises 400 here.
    if not isinstance(body, dict):
        raise BadRequest("must be a JSON object", path="body")
    action = body.get("action")
    if not isinstance(action, str) or not action:
        raise BadRequest("Missing action", path="action")
    if len(action) > 255:
        raise errors.Invalid("must have at most 255 characters", path="action")
    params = body.get("params")
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise BadRequest("must be an object", path="params")
    form = body.get("form")
    if form is not None and not isinstance(form, str):
        raise errors.Invalid("must be text", path="form")
    # Every file names its size and its type: nearly no params need a closer look.
    may_hold_files = b'"size"' in data and b'"type"' in data
    return Request(key, action, params, len(data), sha256(data), form, may_hold_files)
