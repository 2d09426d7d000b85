"""Schedules and events over HTTP: shapes, levels, masked passwords, and bad input by its path."""

import asyncio
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg

from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.events import follower_run_id
from shared.contracts.plugins import WEBSOCKET_EVENT
from shared.contracts.schedules import Schedule
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import body, manifest

SCHEDULES = "/api/schedules/"
PASSWORD = {"id": "api_key", "label": "Key", "type": "string", "input_type": "password"}
ACTIONS = [
    {"id": "sync", "label": "Sync", "events": ["channel_start"]},
    {"id": "other", "label": "Other"},
]


async def install(site: Served, key: str = "calendar", **more: Any) -> None:
    found = manifest(key, name=key, actions=ACTIONS, fields=[PASSWORD])
    await site.platform.install(found, enabled=True, **more)
    await site.gateway.feed.sync()


async def make(site: Served, **more: Any) -> dict[str, Any]:
    values = {"name": "Nightly", "plugin": "calendar", "action": "sync", "cron": "30 3 * * *", **more}
    answer = await site.as_("admin").post(SCHEDULES, json=values)
    assert answer.status_code == 201, answer.text
    found = body(answer)
    assert answer.headers["location"] == f"{SCHEDULES}{found['id']}/"
    return found


async def test_a_schedule_is_made_listed_changed_paused_run_and_removed(site: Served) -> None:
    await install(site)
    made = await make(site, params={"n": 1}, timezone="Europe/Berlin")
    assert set(made) == set(Schedule.model_fields)
    assert (made["timezone"], made["overlap"], made["missed"], made["rev"]) == (
        "Europe/Berlin",
        "skip",
        "skip",
        1,
    )
    assert made["created_by"] == "user:admin"
    viewer, admin, user = site.as_("viewer"), site.as_("admin"), site.as_("user")
    listed = await viewer.get(SCHEDULES)
    assert body(listed) == {"success": True, "schedules": [made], "total": 1}
    assert listed.headers["x-total-count"] == "1"
    assert body(await viewer.get(SCHEDULES, params={"plugin": "other"}))["schedules"] == []
    where = f"{SCHEDULES}{made['id']}/"
    assert body(await viewer.get(where)) == made
    changed = body(await admin.patch(where, json={"name": "New", "params": None}))
    assert (changed["name"], changed["params"], changed["rev"]) == ("New", {"n": 1}, 2)
    assert body(await admin.post(f"{where}pause/"))["enabled"] is False
    assert body(await admin.post(f"{where}resume"))["enabled"] is True
    started = await user.post(f"{where}run")
    assert started.status_code == 202
    assert started.headers["location"] == f"/api/runs/{body(started)['run_id']}/"
    [tick] = body(await viewer.get(f"{where}ticks/"))["ticks"]
    assert (tick["outcome"], tick["reason"]) == ("skipped", "still running")
    assert body(await admin.delete(where)) == {"success": True}
    assert (await viewer.get(where)).status_code == 404


async def test_who_may_not_administer_may_run_and_read(site: Served) -> None:
    await install(site)
    where = f"{SCHEDULES}{(await make(site))['id']}/"
    for level, may_run in (("viewer", False), ("user", True)):
        client = site.as_(level)
        for method, path in (
            ("POST", SCHEDULES),
            ("PATCH", where),
            ("DELETE", where),
            ("POST", f"{where}pause/"),
        ):
            assert (await client.request(method, path, json={})).status_code == 403
        assert (await client.post(f"{where}run/")).status_code == (202 if may_run else 403)


async def test_passwords_among_params_are_never_shown_and_kept_where_their_mask_comes_back(
    site: Served,
) -> None:
    await install(site)
    made = await make(site, params={"api_key": "s3cret", "n": 1})
    assert made["params"] == {"api_key": "********", "n": 1}
    where = f"{SCHEDULES}{made['id']}/"
    for path in (where, SCHEDULES):
        assert "s3cret" not in (await site.as_("admin").get(path)).text
    await site.as_("admin").patch(where, json={"params": {"api_key": "********", "n": 2}})
    stored = site.platform.schedules.schedules[made["id"]]
    assert (stored.params, stored.secret_params) == ({"api_key": "s3cret", "n": 2}, ("api_key",))


@pytest.mark.parametrize(
    ("change", "path", "remedy"),
    [
        ({"plugin": "nobody"}, "plugin", "install it"),
        ({"action": "snyc"}, "action", "it has sync, other"),
        ({"name": "  "}, "name", "at least 1"),
        ({"interval_s": 0.5, "cron": None}, "interval_s", "greater than or equal to 1"),
        ({"overlap": "maybe"}, "overlap", "'skip' or 'allow'"),
        ({"params": [1]}, "params", "dictionary"),
        ({"cron": None}, "cron", "exactly one"),
    ],
)
async def test_bad_schedules_are_422_with_path_and_remedy(
    site: Served, change: dict[str, Any], path: str, remedy: str
) -> None:
    await install(site)
    values = {"name": "N", "plugin": "calendar", "action": "sync", "cron": "* * * * *", **change}
    answer = await site.as_("admin").post(SCHEDULES, json=values)
    assert answer.status_code == 422
    problem = body(answer)
    assert problem["path"] == path
    assert remedy in problem["detail"]


async def test_an_event_is_stored_and_answered_with_the_runs_that_it_starts(site: Served) -> None:
    await install(site)
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(message: Msg) -> None:
        heard.put_nowait(orjson.loads(message.data))

    end = await site.gateway.bus.listen(f"live.{c.APP_EVENT.subject.pattern()}", hear)
    sent = {"event": "channel_start", "payload": {"channel_id": 7}}
    answer = await site.as_("admin").post("/api/events/", json=sent)
    assert answer.status_code == 202
    told = body(answer)
    assert told == {
        "success": True,
        "event_id": told["event_id"],
        "runs": [follower_run_id(told["event_id"], "calendar", "sync")],
    }
    event = await asyncio.wait_for(heard.get(), 10)
    await end()
    assert event["id"] == told["event_id"]
    assert event["data"] == {
        "name": "channel_start",
        "payload": {"channel_id": 7},
        "plugin": None,
        "actor": "user:admin",
        "run_id": None,
        "depth": 0,
    }
    nobody = body(await site.as_("admin").post("/api/events/", json={"event": "unheard of"}))
    assert nobody["runs"] == []


@pytest.mark.parametrize(
    ("sent", "status", "path"),
    [
        ({}, 422, "event"),
        ({"event": ""}, 422, "event"),
        ({"event": WEBSOCKET_EVENT}, 422, "event"),
        ({"event": "x", "payload": [1]}, 422, "payload"),
        ({"event": "x", "payload": {"n": 2**70}}, 422, "payload.n"),
        ({"event": "x", "payload": {"text": "x" * 300_000}}, 413, "payload"),
    ],
)
async def test_bad_events_are_refused_with_their_path(
    site: Served, sent: dict[str, Any], status: int, path: str
) -> None:
    answer = await site.as_("admin").post("/api/events/", content=_dumped(sent))
    assert answer.status_code == status, answer.text
    assert body(answer)["path"] == path
    assert (await site.as_("user").post("/api/events/", json={"event": "x"})).status_code == 403


def _dumped(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


async def test_a_schedule_of_nobody_is_404(site: Served) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "run/"), ("GET", "ticks/")):
        url = f"{SCHEDULES}{new_id()}/{path}"
        assert (await site.as_("admin").request(method, url, json={})).status_code == 404
    assert (await site.as_("admin").get(f"{SCHEDULES}no-uuid/")).status_code == 422
