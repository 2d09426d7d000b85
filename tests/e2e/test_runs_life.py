"""A run's life as a user sees it over HTTP: attempts, progress and log while it goes, siblings, placement, secrets."""

import threading
from typing import Any

from tests.e2e.platform import Api, Platform, wait_until
from tests.e2e.written import Written

FLAKY = {
    "plugin.json": '{"name": "Flaky", "execution": {"retries": 2, "backoff": 0.2}}',
    "plugin.py": """
        import os, plugarr
        class Plugin:
            def run(self, action, params, context):
                print("attempt", plugarr.attempt)
                if action == "crash" and plugarr.attempt == 1:
                    os._exit(9)
                if action == "poll" and plugarr.attempt < 3:
                    plugarr.retry(0.1, "not yet there")
                if action == "fail":
                    raise ValueError(f"attempt {plugarr.attempt} failed")
                return {"attempt": plugarr.attempt, "got": params}
    """,
}


def run_of(api: Api, run_id: str) -> dict[str, Any]:
    answer = api.http.get(f"/api/runs/{run_id}/")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def started(api: Api, key: str, action: str, params: dict[str, Any] | None = None) -> str:
    """A run that nobody waits for, once it is running."""
    run_id: str = api.run(key, action, params, wait=0).json()["run_id"]
    wait_until(lambda: run_of(api, run_id)["state"] == "running", 15)
    return run_id


def test_a_run_is_tried_again_as_its_manifest_and_its_plugin_ask_and_the_caller_hears_the_last_word(
    api: Api, written: Written
) -> None:
    key = written.enabled("flaky", FLAKY)
    crashed = api.run(key, "crash", {"n": 1})
    assert crashed.status_code == 200, crashed.text
    assert crashed.json()["result"] == {"attempt": 2, "got": {"n": 1}}
    assert api.run(key, "poll").json()["result"]["attempt"] == 3
    failed = api.run(key, "fail").json()
    assert failed["error"] == "attempt 3 failed"
    run = run_of(api, failed["run_id"])
    assert (run["state"], run["attempt"], run["cause"]) == ("failed", 3, "raised")
    log = [line["message"] for line in written.log(failed["run_id"], "attempt 3")]
    assert [line for line in log if line.startswith("attempt ") and len(line) < 12] == [
        "attempt 1",
        "attempt 2",
        "attempt 3",
    ]
    assert any("attempt 2 follows in 0.2 s" in line for line in log)


def test_progress_and_log_are_there_while_a_run_goes_and_siblings_are_named_before_it_is_cancelled(
    api: Api, written: Written
) -> None:
    source = """
        import time, plugarr
        class Plugin:
            name = "Long"
            def run(self, action, params, context):
                for step in range(1, 1000):
                    plugarr.progress(step, 1000, "at work")
                    context["logger"].info("step %s", step)
                    if plugarr.cancelled():
                        context["logger"].info("tidied up")
                        return
                    time.sleep(0.05)
    """
    key = written.enabled("long", source)
    one, two = started(api, key, "go"), started(api, key, "go")
    progress = wait_until(lambda: (p := run_of(api, one)["progress"]) and p["done"] > 3 and p, 15)
    assert (progress["total"], progress["message"]) == (1000, "at work")
    listed = api.http.get("/api/runs/", params={"plugin": key}).json()["runs"]
    assert all(run["progress"]["done"] > 0 for run in listed)
    written.log(one, "step 3")
    found = api.http.get(f"/api/runs/{one}/log/", params={"search": "STEP 2"}).json()["lines"]
    assert found[0]["message"] == "step 2"
    siblings = wait_until(lambda: api.http.get(f"/api/runs/{one}/siblings/").json()["siblings"], 15)
    assert [run["run_id"] for run in siblings] == [two]
    for run_id in (one, two):
        assert api.http.post(f"/api/runs/{run_id}/cancel/").status_code == 202
        run = wait_until(lambda run_id=run_id: (r := run_of(api, run_id))["state"] != "running" and r, 15)
        assert (run["state"], run["cause"]) == ("cancelled", "cancelled")
        assert run["progress"]["done"] > 0
        written.log(run_id, "tidied up")


def test_a_run_that_ignores_its_cancel_ends_its_siblings_lost_and_says_why(
    api: Api, written: Written
) -> None:
    source = """
        import time
        class Plugin:
            name = "Stubborn"
            def run(self, action, params, context):
                while action == "stubborn":
                    try:
                        time.sleep(0.1)
                    except BaseException:
                        pass
                time.sleep(60)
    """
    key = written.enabled("stubborn", source)
    stubborn, beside = started(api, key, "stubborn"), started(api, key, "sleep")
    assert api.http.post(f"/api/runs/{stubborn}/cancel/").status_code == 202
    run = wait_until(lambda: (r := run_of(api, stubborn))["state"] != "running" and r, 30)
    assert run["state"] == "cancelled"
    lost = wait_until(lambda: (r := run_of(api, beside))["state"] != "running" and r, 15)
    assert (lost["state"], lost["cause"]) == ("lost", "host_ended")
    assert f"run {stubborn} did not stop within 10 s of being cancelled" in lost["error"]


def test_the_plugin_entry_says_where_a_plugin_lives_and_the_operator_may_say_otherwise(
    api: Api, platform: Platform, written: Written
) -> None:
    source = "class Plugin:\n    name = 'Placed'\n    def run(self, a, p, c):\n        return {}\n"
    key = written.enabled("placed", source)
    plugin = wait_until(lambda: (p := api.plugins()[key])["home"] and p, 15)
    assert plugin["home"]["executor"] == run_of(api, api.run(key, "x").json()["run_id"])["executor"]
    assert plugin["home"]["site"]
    assert (plugin["placement"], plugin["could_run_anywhere"]) == ("home", True)
    assert plugin["sandbox"] in {"bubblewrap", "none"}
    path = f"/api/plugins/plugins/{key}/placement/"
    answer = api.http.post(path, json={"placement": "any"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["placement"], answer.json()["plugin"]["home"]) == ("any", None)
    assert (api.plugins()[key]["placement"], api.run(key, "x").status_code) == ("any", 200)
    assert api.http.post(path, json={"placement": "moon"}).status_code == 422
    assert (
        api.http.post("/api/plugins/plugins/nobody/placement/", json={"placement": "any"}).status_code == 404
    )
    assert api.http.post(path, json={"placement": None}).json()["placement"] == "home"
    assert wait_until(lambda: api.plugins()[key]["home"], 15)


def test_no_password_is_shown_by_results_history_or_computed_defaults(api: Api, written: Written) -> None:
    source = """
        class Plugin:
            name = "Secretive"
            def __init__(self):
                secret = "".join(["computed", "-", "secret"])
                self.fields = [
                    {"id": "key", "label": "Key", "type": "string", "input_type": "password", "default": secret},
                ]
                self.pages = {"main": {"title": "M", "components": [{
                    "type": "form", "id": "f", "submit_action": "go",
                    "fields": [{"id": "pin", "label": "P", "type": "string", "input_type": "password", "default": secret}],
                }]}}
            def run(self, action, params, context):
                return {"status": "ok", "url": "http://host/?key=" + context["settings"]["key"], "pin": params.get("pin")}
    """
    key = written.enabled("secretive", source)
    assert "computed-secret" not in api.http.get("/api/plugins/plugins/").text
    assert api.plugins()[key]["fields"][0]["default"] == "********"
    assert "computed-secret" not in api.http.get(f"/api/plugins/{key}/page/").text
    answer = api.run(key, "go", {"pin": "4711"})
    assert answer.json()["result"] == {"status": "ok", "url": "http://host/?key=***", "pin": "***"}
    shown = api.http.get(f"/api/runs/{answer.json()['run_id']}/").text
    assert "computed-secret" not in shown
    assert "4711" not in shown


def test_a_run_is_run_again_with_the_same_params(api: Api, written: Written) -> None:
    key = written.enabled("flaky", FLAKY)
    first = api.run(key, "echo", {"list": [1, {"a": "b"}]}).json()
    again = api.http.post(f"/api/runs/{first['run_id']}/retry/", params={"wait": 20}).json()
    assert again["result"]["got"] == {"list": [1, {"a": "b"}]}
    run = run_of(api, again["run_id"])
    assert (run["retry_of"], run["trigger"], run["attempt"]) == (first["run_id"], "retry", 1)


def test_what_was_asked_for_while_its_plugin_runs_full_waits_and_then_runs(
    api: Api, written: Written
) -> None:
    source = """
        import time
        class Plugin:
            name = "Narrow"
            execution = {"concurrency": 2}
            running = most = 0
            def run(self, action, params, context):
                self.running += 1
                self.most = max(self.most, self.running)
                time.sleep(0.1)
                self.running -= 1
                return {"most": self.most}
    """
    key = written.enabled("narrow", source)
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(api.run(key, "go").json()["result"]["most"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 8
    assert max(results) == 2
