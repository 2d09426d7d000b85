"""Runs over HTTP: results, waiting, repeats, refusals, on a real bus."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import new_id, now
from shared.contracts.data import PluginConfig
from shared.contracts.runs import Run
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import Platform, body, manifest

RUN = "/api/plugins/plugins/hello/run/"


@pytest.fixture
async def hello(site: Served) -> AsyncIterator[Served]:
    """A plugin that is enabled and run by an executor."""

    async def run(action: str, params: Any, config: PluginConfig) -> Any:
        match action:
            case "slow":
                await asyncio.sleep(params.get("s", 1))
            case "fail":
                raise errors.RunFailed(params["error"], path=params.get("cause"))
            case "big":
                return {"status": "ok", "text": "x" * params["size"]}
            case "settings":
                return {"status": "ok", "settings": config.settings}
        return {"status": "ok", "got": params}

    await site.platform.install(manifest("hello", name="Hello"), enabled=True)
    await site.platform.work("hello", run)
    return site


async def test_a_result_comes_as_the_answer(hello: Served) -> None:
    response = await hello.as_("user").post(RUN, json={"action": "greet", "params": {"name": "Ada"}})
    assert response.status_code == 200
    answer = body(response)
    assert answer["success"] is True
    assert answer["result"] == {"status": "ok", "got": {"name": "Ada"}}
    command = hello.platform.commands[-1]
    assert answer["run_id"] == command.run_id
    assert command.actor == "user:user"
    assert command.caller is not None
    assert (command.caller.kind, command.caller.id) == ("gateway", hello.gateway.bus.instance)
    assert command.config_rev == hello.platform.configs["hello"].rev


async def test_params_may_be_null_and_the_path_may_lack_its_slash(hello: Served) -> None:
    response = await hello.as_("user").post(RUN.rstrip("/"), json={"action": "greet", "params": None})
    assert body(response)["result"]["got"] == {}


@pytest.mark.parametrize(
    ("sent", "status", "path"),
    [
        (b"", 400, None),
        (b"{", 400, "body"),
        (b"[]", 400, "body"),
        (b'{"params": {}}', 400, "action"),
        (b'{"action": 5}', 400, "action"),
        (b'{"action": "a", "params": []}', 400, "params"),
        (b'{"action": "a", "params": {"n": 1e999}}', 422, "params.n"),
        (b'{"action": "a", "params": {"n": 9223372036854775808}}', 422, "params.n"),
        (b'{"action": "a", "params": {"n": NaN}}', 422, "body"),
        (b'{"action": "a", "params": {"a": ["\\ud800"]}}', 422, "params.a[0]"),
        (b'{"action": "a", "params": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}", 422, None),
        (b"[" * 100_000, 422, "body"),
        (b'{"action": "' + b"a" * 256 + b'"}', 422, "action"),
    ],
)
async def test_bad_input_is_refused_with_its_path(
    hello: Served, sent: bytes, status: int, path: str | None
) -> None:
    response = await hello.as_("user").post(RUN, content=sent)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    if path:
        assert body(response)["path"] == path
    assert not hello.platform.commands


async def test_a_failure_is_500_with_the_error_and_the_run(hello: Served) -> None:
    client = hello.as_("user")
    response = await client.post(RUN, json={"action": "fail", "params": {"error": "no luck"}})
    assert response.status_code == 500
    assert body(response) == {
        "success": False,
        "error": "no luck",
        "run_id": hello.platform.commands[-1].run_id,
    }
    for cause, status, error in (
        ("denied", 403, "e"),
        ("plugin_disabled", 403, "e"),
        ("not_loaded", 500, "Plugin 'hello' not found"),
        ("plugin_not_found", 404, "e"),
        ("crashed", 500, "e"),
    ):
        response = await client.post(RUN, json={"action": "fail", "params": {"error": "e", "cause": cause}})
        assert response.status_code == status
        assert body(response)["error"] == error
        assert body(response)["run_id"] == hello.platform.commands[-1].run_id


async def test_unknown_is_404_and_disabled_is_403(hello: Served) -> None:
    client = hello.as_("user")
    response = await client.post("/api/plugins/plugins/nobody/run/", json={"action": "x"})
    assert response.status_code == 404
    await hello.platform.install(manifest("off"))
    response = await client.post("/api/plugins/plugins/off/run/", json={"action": "x"})
    assert response.status_code == 403
    assert body(response)["type"] == "urn:plugarr:problem:plugin_disabled"


async def test_a_long_run_is_202_and_goes_on(hello: Served) -> None:
    client = hello.as_("user")
    response = await client.post(RUN, params={"wait": 0.1}, json={"action": "slow", "params": {"s": 0.5}})
    assert response.status_code == 202
    answer = body(response)
    assert answer["success"] is True
    assert answer["result"]["status"] == "queued"
    assert response.headers["location"] == f"/api/runs/{answer['run_id']}/"
    for _ in range(100):
        found = await client.get(f"/api/runs/{answer['run_id']}")
        if found.status_code == 200 and body(found)["state"] == "succeeded":
            break
        await asyncio.sleep(0.05)
    assert body(found)["state"] == "succeeded"


async def test_without_waiting_the_answer_is_202_at_once(hello: Served) -> None:
    response = await hello.as_("user").post(RUN, params={"wait": "0"}, json={"action": "greet"})
    assert response.status_code == 202
    for wait in ("-1", "301", "nan", "soon"):
        response = await hello.as_("user").post(RUN, params={"wait": wait}, json={"action": "greet"})
        assert response.status_code == 422
        assert body(response)["path"] == "wait"


async def test_a_result_whose_message_is_lost_is_found_in_the_ledger(hello: Served) -> None:
    hello.platform.answers = False
    response = await hello.as_("user").post(RUN, params={"wait": "0.4"}, json={"action": "greet"})
    assert response.status_code == 200
    assert body(response)["result"]["status"] == "ok"


async def test_large_params_and_results_travel_by_reference(hello: Served) -> None:
    client = hello.as_("user")
    response = await client.post(RUN, json={"action": "greet", "params": {"text": "y" * 3_000_000}})
    assert len(body(response)["result"]["got"]["text"]) == 3_000_000
    response = await client.post(RUN, json={"action": "big", "params": {"size": 3_000_000}})
    answer = body(response)
    assert len(answer["result"]["text"]) == 3_000_000
    found = await client.get(f"/api/runs/{answer['run_id']}/")
    assert len(body(found)["result"]["text"]) == 3_000_000


async def test_too_large_a_body_is_413(hello: Served) -> None:
    response = await hello.as_("user").post(RUN, content=b" " * (64 * 1024 * 1024 + 1))
    assert response.status_code == 413


async def test_a_repeated_request_is_the_same_run_with_the_same_result(hello: Served) -> None:
    client, headers = hello.as_("user"), {"Idempotency-Key": new_id()}
    sent = {"action": "greet", "params": {"n": 1}}
    first = await client.post(RUN, json=sent, headers=headers)
    again = await client.post(RUN, json=sent, headers=headers)
    assert first.status_code == again.status_code == 200
    assert body(first) == body(again)
    assert len(hello.platform.commands) == 1
    other = await client.post(RUN, json={"action": "greet", "params": {"n": 2}}, headers=headers)
    assert other.status_code == 422
    assert body(other)["path"] == "Idempotency-Key"
    someone_else = await hello.as_("admin").post(RUN, json=sent, headers=headers)
    assert body(someone_else)["run_id"] != body(first)["run_id"]
    bad = await client.post(RUN, json=sent, headers={"Idempotency-Key": "x" * 256})
    assert bad.status_code == 400


async def test_repeats_at_the_same_time_are_one_run(hello: Served) -> None:
    client, headers = hello.as_("user"), {"Idempotency-Key": new_id()}
    sent = {"action": "slow", "params": {"s": 0.3}}
    answers = await asyncio.gather(*(client.post(RUN, json=sent, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({body(answer)["run_id"] for answer in answers}) == 1
    run_id = body(answers[0])["run_id"]
    # The command may be stored more often than once; it was run once, which the ledger decides.
    held = [
        held
        async for held in hello.platform.data.batch(
            c.RUN_STATE,
            {"next_by_subj": c.RUN_STATE_CHANGED.subject.of(run_id=run_id), "seq": 1, "batch": 10},
        )
    ]
    assert len(held) == 2


async def test_a_key_that_was_claimed_but_never_published_runs_now(hello: Served) -> None:
    client, key = hello.as_("user"), new_id()
    sent = {"action": "greet"}
    original = hello.gateway.runs._publish

    async def dies(*_: Any) -> None:
        raise errors.Unavailable("the bus cannot store more now")

    hello.gateway.runs._publish = dies  # type: ignore[method-assign]
    refused = await client.post(RUN, json=sent, headers={"Idempotency-Key": key})
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    hello.gateway.runs._publish = original  # type: ignore[method-assign]
    response = await client.post(RUN, json=sent, headers={"Idempotency-Key": key})
    assert response.status_code == 200
    assert len(hello.platform.commands) == 1


async def test_a_client_that_goes_away_loses_nothing(hello: Served) -> None:
    client = hello.as_("user")
    with pytest.raises(httpx.ReadTimeout):
        await client.post(RUN, json={"action": "slow", "params": {"s": 0.5}}, timeout=0.1)
    for _ in range(100):
        if hello.platform.commands:
            break
        await asyncio.sleep(0.05)
    run_id = hello.platform.commands[-1].run_id
    for _ in range(100):
        found = await client.get(f"/api/runs/{run_id}/")
        if found.status_code == 200 and body(found)["state"] == "succeeded":
            break
        await asyncio.sleep(0.05)
    assert body(found)["state"] == "succeeded"


async def test_passwords_among_params_are_named_to_whoever_records_them(site: Served) -> None:
    async def run(_action: str, _params: Any, _config: PluginConfig) -> Any:
        return {"status": "ok"}

    form = {
        "type": "form",
        "id": "login",
        "fields": [
            {"id": "name", "label": "N", "type": "string", "required": True},
            {"id": "pin", "label": "P", "type": "string", "input_type": "password"},
        ],
        "submit_action": "log_in",
    }
    page = {"components": [{"type": "tabs", "items": [{"id": "a", "label": "A", "components": [form]}]}]}
    found = manifest(
        "hello",
        fields=[{"id": "key", "label": "K", "type": "string", "input_type": "password"}],
        pages={"main": page},
    )
    await site.platform.install(found, enabled=True)
    await site.platform.work("hello", run)
    client = site.as_("user")
    await client.post(RUN, json={"action": "log_in", "params": {"pin": "1234"}})
    assert site.platform.commands[-1].secret_params == ("key", "pin")
    await client.post(RUN, json={"action": "other"})
    assert site.platform.commands[-1].secret_params == ("key",)
    refused = await client.post(RUN, json={"action": "log_in", "params": {"pin": "1"}, "form": "login"})
    assert refused.status_code == 422
    assert body(refused)["errors"] == [{"path": "params.name", "message": "is required"}]


async def test_history_is_read_from_data_and_the_ledger_is_right_where_it_is_behind(hello: Served) -> None:
    client = hello.as_("viewer")
    ran = body(await hello.as_("user").post(RUN, json={"action": "greet"}))
    platform: Platform = hello.platform
    platform.runs[ran["run_id"]] = Run(
        run_id=ran["run_id"], plugin="hello", action="greet", state="queued", params={}, created_at=now()
    )
    found = body(await client.get(f"/api/runs/{ran['run_id']}/"))
    assert found["state"] == "succeeded"
    assert found["created_at"]
    listed = await client.get("/api/runs/", params={"plugin": "hello", "limit": 10})
    assert listed.headers["x-total-count"] == "1"
    assert body(listed)["total"] == 1
    assert body(listed)["runs"][0]["run_id"] == ran["run_id"]
    assert body(await client.get(f"/api/runs/{ran['run_id']}/log/"))["lines"][0]["message"] == "hello"
    assert (await client.get("/api/runs/", params={"limit": 1001})).status_code == 422
    assert (await client.get("/api/runs/", params={"state": "odd"})).status_code == 422
    assert (await client.get(f"/api/runs/{new_id()}/")).status_code == 404
    assert (await client.get("/api/runs/nonsense/")).status_code == 422


async def test_cancel_and_retry(hello: Served) -> None:
    client = hello.as_("user")
    run_id = new_id()
    hello.platform.runs[run_id] = Run(run_id=run_id, plugin="hello", action="greet", state="running")
    cancelled = await client.post(f"/api/runs/{run_id}/cancel/")
    assert cancelled.status_code == 202
    assert body(cancelled)["run"]["run_id"] == run_id
    again = await client.post(f"/api/runs/{run_id}/retry/")
    assert again.status_code == 202
    waited = await client.post(f"/api/runs/{run_id}/retry/", params={"wait": 10})
    assert waited.status_code == 200
    assert body(waited)["run_id"] not in (run_id, body(again)["run_id"])
