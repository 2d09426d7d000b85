"""Events and files on the real platform, from HTTP to a plugin's code and on to other plugins."""

import hashlib
from typing import Any

from shared.contracts.runs import FINAL
from tests.e2e.platform import Api, wait_until
from tests.e2e.written import Written

LISTENING = """
    import plugarr

    class Plugin:
        name = "Listening"
        actions = [
            {{"id": "heard", "label": "Heard", "events": ["{event}"]}},
            {{"id": "broken", "label": "Broken", "events": ["{event}"]}},
            {{"id": "again", "label": "Again", "events": ["{event}.again"]}},
            {{"id": "start", "label": "Start"}},
        ]

        def run(self, action, params, context):
            if action == "broken":
                raise ValueError("this handler fails")
            if action in ("start", "again"):
                plugarr.emit("{event}.again", {{"n": params.get("payload", {{}}).get("n", 0) + 1}})
            return {{"status": "ok", "params": params}}
"""
READING = """
    import hashlib, plugarr

    class Plugin:
        name = "Reading"
        actions = [{"id": "read", "label": "Read"}, {"id": "steal", "label": "Steal"}]

        def run(self, action, params, context):
            with plugarr.open_file(params["file"] if action == "read" else params["id"]) as file:
                content = file.read()
            return {"status": "ok", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
"""


def ended(api: Api, run_id: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        answer = api.http.get(f"/api/runs/{run_id}/")
        if answer.status_code != 200:
            return None
        found: dict[str, Any] = answer.json()
        return found if found["state"] not in ("queued", "running") else None

    run: dict[str, Any] = wait_until(over, 30)
    return run


def test_an_event_runs_every_handler_and_a_failing_one_stops_no_other(api: Api, written: Written) -> None:
    event = "recording_end"
    keys = [written.write(f"listening_{number}", LISTENING.format(event=event)) for number in range(2)]
    for key in keys:
        api.enable(key)
    answer = api.http.post("/api/events/", json={"event": event, "payload": {"channel": 7}})
    assert answer.status_code == 202, answer.text
    runs = [ended(api, run_id) for run_id in answer.json()["runs"]]
    found = sorted((run["plugin"], run["action"], run["state"]) for run in runs)
    assert found == sorted(
        (key, action, state)
        for key in keys
        for action, state in (("heard", "succeeded"), ("broken", "failed"))
    )
    heard = next(run for run in runs if run["action"] == "heard")
    assert heard["result"]["params"] == {"event": event, "payload": {"channel": 7}}
    assert (heard["trigger"], heard["actor"]) == ("event", "user:admin")


def test_plugins_that_answer_events_with_events_end_after_eight(api: Api, written: Written) -> None:
    key = written.write("rounds", LISTENING.format(event="round"))
    api.enable(key)
    assert api.result(key, "start")["status"] == "ok"

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.http.get("/api/runs/", params={"plugin": key}).json()["runs"]
        return [run for run in found if run["action"] == "again"]

    def over() -> list[dict[str, Any]] | None:
        found = runs()
        return found if len(found) >= 8 and all(run["state"] in FINAL for run in found) else None

    # The eighth may be written down before the one that started it.
    found = wait_until(over, 30, runs)
    assert sorted(run["state"] for run in found) == ["failed"] + ["succeeded"] * 7
    last = next(run for run in found if run["state"] == "failed")
    assert "8 deep" in last["error"]
    assert last["parent"] in {run["run_id"] for run in found}


def test_a_plugin_reads_what_a_user_handed_to_it_and_nothing_else(api: Api, written: Written) -> None:
    reader, other = written.write("reading", READING), written.write("stealing", READING)
    for key in (reader, other):
        api.enable(key)
    content = bytes(range(256)) * 12_000
    files = {"file": ("données.bin", content, "application/x-thing")}
    value = api.http.post("/api/files/", files=files).json()
    assert (value["name"], value["size"], value["type"]) == (
        "données.bin",
        len(content),
        "application/x-thing",
    )
    found = api.result(reader, "read", {"file": value})
    assert (found["sha256"], found["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert api.http.get(f"/api/files/{value['id']}/").content == content
    stolen = api.run(other, "steal", {"id": value["id"]})
    assert stolen.status_code == 500
    assert "never handed to it" in stolen.json()["error"]
