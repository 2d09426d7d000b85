"""What existing plugins rely on, seen from outside: `run()`, its log and its end, `stop` and the other hooks."""

import pytest

from tests.e2e.platform import Api, wait_until
from tests.e2e.written import EVALUATING, Written

# What is given and what is answered; the expressions are the plugin's.
RETURNED = [
    ("None", {"status": "ok", "result": None}),
    ("5", {"status": "ok", "result": 5}),
    ("'text'", {"status": "ok", "result": "text"}),
    ("[1, (2, 3)]", {"status": "ok", "result": [1, [2, 3]]}),
    ("False", {"status": "ok", "result": False}),
    ("{}", {}),
    ("{'status': True}", {"status": True}),
    ("{'status': 'started', 'x': None}", {"status": "started", "x": None}),
    ("{'status': 'skipped'}", {"status": "skipped"}),
    ("{'status': 'success', 'data': [{}]}", {"status": "success", "data": [{}]}),
    ("{'status': 'error', 'message': 'm'}", {"status": "error", "message": "m"}),
]
RETURNING = """
    class Plugin:
        def run(self, a, b, c):
            return eval(b["code"])
"""


def test_a_dict_result_passes_through_and_anything_else_becomes_a_result(api: Api, written: Written) -> None:
    key = written.enabled("returning", RETURNING)
    for code, expected in RETURNED:
        answer = api.run(key, "x", {"code": code})
        assert answer.status_code == 200, code
        assert answer.json() == {"success": True, "run_id": answer.json()["run_id"], "result": expected}


POSITIONAL = """
    class Plugin:
        actions = [{"id": "declared", "label": "Declared"}]
        fields = [{"id": "word", "label": "Word", "type": "string", "default": "w"}]

        def run(self, first, /, second, *rest):
            (context,) = rest
            seen = {"keys": sorted(context), "settings": dict(context["settings"]), "actions": list(context["actions"]),
                    "action": first, "params": second, "type": type(second).__name__}
            context["settings"]["word"] = "changed"
            context["actions"].clear()
            context.clear()
            return seen
"""


def test_run_is_called_positionally_with_a_context_that_is_the_plugins_to_mutate(
    api: Api, written: Written
) -> None:
    key = written.enabled("positional", POSITIONAL)
    expected = {
        "keys": ["actions", "logger", "settings"], "settings": {"word": "w"}, "actions": ["declared"],
        "action": "declared", "params": {"n": 1}, "type": "dict",
    }  # fmt: skip
    assert api.result(key, "declared", {"n": 1}) == expected
    assert api.result(key, "declared", {"n": 1}) == expected


def test_undeclared_actions_reach_run_and_null_params_are_an_empty_object(api: Api, written: Written) -> None:
    key = written.enabled("positional", POSITIONAL)
    for body in ({"action": "odd/ä id*>"}, {"action": "odd/ä id*>", "params": None}):
        answer = api.http.post(f"/api/plugins/plugins/{key}/run/", json=body)
        assert answer.status_code == 200
        result = answer.json()["result"]
        assert (result["action"], result["params"], result["type"]) == ("odd/ä id*>", {}, "dict")


RAISING = """
    class Odd:
        pass

    class Plugin:
        def run(self, action, params, context):
            if action == "raise":
                raise RuntimeError("as written")
            if action == "deny":
                raise PermissionError("not yours")
            if action == "silent":
                raise ValueError
            if action == "exit":
                raise SystemExit(3)
            return {"deep": [{"odd": Odd()}]} if action == "odd" else {"set": {1, 2}}
"""


def test_an_exception_answers_500_and_a_permission_error_403(api: Api, written: Written) -> None:
    key = written.enabled("raising", RAISING)
    for action, status, state in (
        ("raise", 500, "failed"),
        ("deny", 403, "failed"),
        ("silent", 500, "failed"),
    ):
        answer = api.run(key, action)
        assert answer.status_code == status
        run = api.http.get(f"/api/runs/{answer.json()['run_id']}/").json()
        assert (run["state"], run["error"]) == (state, answer.json()["error"])
    failed = api.run(key, "raise")
    assert failed.json() == {"success": False, "error": "as written", "run_id": failed.json()["run_id"]}
    (line,) = written.log(failed.json()["run_id"], "RuntimeError")
    assert "Traceback" in line["message"]
    assert api.run(key, "deny").json()["error"] == "not yours"
    assert api.run(key, "silent").json()["error"] == ""
    assert api.run(key, "exit").status_code == 500


def test_a_result_that_json_cannot_hold_is_an_error_that_names_it(api: Api, written: Written) -> None:
    key = written.enabled("raising", RAISING)
    odd, a_set = api.run(key, "odd"), api.run(key, "set")
    assert (odd.status_code, a_set.status_code) == (500, 500)
    assert "deep[0].odd" in odd.json()["error"]
    assert "Odd" in odd.json()["error"]
    assert "set" in a_set.json()["error"]


HOOKED = """
    def note(*words):
        with open("/data/hooked", "a") as file:
            file.write(" ".join(words) + "\\n")

    class Plugin:
        fields = [{"id": "word", "label": "Word", "type": "string", "default": "w"}]

        def run(self, action, params, context):
            return {}

        def on_enable(self, context):
            note("on_enable", context["settings"]["word"])

        def on_disable(self, context):
            note("on_disable", context["settings"]["word"])
            raise RuntimeError("fails nothing")

        def stop(self, context):
            note("stop", context["reason"], context["settings"]["word"])
            raise RuntimeError("fails nothing")
"""


def test_stop_and_hooks_are_called_with_the_reason(api: Api, written: Written) -> None:
    def notes() -> list[str]:
        lines = written.note("hooked").read_text().splitlines()
        written.note("hooked").write_text("")
        return lines

    key = written.enabled("hooked", HOOKED)
    assert notes() == ["on_enable w"]
    api.http.post(f"/api/plugins/plugins/{key}/settings/", json={"settings": {"word": "s"}})
    assert api.http.post(f"/api/plugins/plugins/{key}/reload/").status_code == 200
    assert notes() == ["stop reload s"]
    api.enable(key, enabled=False)
    assert sorted(notes()) == ["on_disable s", "stop disable s"]
    api.enable(key)
    assert notes() == ["on_enable s"]
    assert api.http.delete(f"/api/plugins/plugins/{key}/delete/").status_code == 200
    assert sorted(notes()) == ["on_disable s", "stop delete s"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def stop(self): note('bare')", "bare"),
        ("def run(self, a, p, c): note(a, str(p), c['reason'])\n    actions = [{'id': 'stop', 'label': 'S'}]", "stop {} disable"),
    ],
    ids=["without context", "an action"],
)  # fmt: skip
def test_stop_may_take_no_context_or_be_an_action(
    api: Api, written: Written, body: str, expected: str
) -> None:
    source = f"def note(*words):\n    open('/data/stopped', 'w').write(' '.join(words))\nclass Plugin:\n    {body}\n"
    key = written.enabled("stopping", source)
    api.enable(key, enabled=False)
    assert written.note("stopped").read_text() == expected


LOGGING = """
    import logging, subprocess, sys, threading

    class Plugin:
        def run(self, action, params, context):
            print("printed", action)
            print("to stderr", file=sys.stderr)
            logging.getLogger("a.library").warning("by a library")
            context["logger"].error("by the logger")
            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start()
            thread.join()
            subprocess.run(["echo", "from a child"])
            return {}
"""


def test_what_a_run_prints_and_logs_is_its_own_log(api: Api, written: Written) -> None:
    key = written.enabled("noisy", LOGGING)
    runs = [api.run(key, name).json()["run_id"] for name in ("one", "two")]
    for run_id, name in zip(runs, ("one", "two"), strict=True):
        lines = written.log(run_id, "from a thread")
        assert [(line["level"], line["message"]) for line in lines] == [
            ("info", f"printed {name}"), ("warning", "to stderr"), ("warning", "by a library"),
            ("error", "by the logger"), ("info", "from a thread"),
        ]  # fmt: skip
        read: list[object] = []
        more = {"last_seq": 0, "more": True}
        while more["more"]:
            query = {"after": more["last_seq"], "limit": 1}
            more = api.http.get(f"/api/runs/{run_id}/log/", params=query).json()
            read += more["lines"]
        assert read == lines


def test_a_crash_answers_500_with_the_cause_and_the_next_run_works(api: Api, written: Written) -> None:
    key = written.enabled("evaluating", EVALUATING)
    crashed = api.run(key, "x", {"code": "os._exit(3)"})
    assert crashed.status_code == 500
    assert crashed.json()["success"] is False
    assert "3" in crashed.json()["error"]
    run = api.http.get(f"/api/runs/{crashed.json()['run_id']}/").json()
    assert (run["state"], run["cause"]) == ("failed", "crashed")
    assert written.value(key, "1 + 1") == 2
    killed = api.run(key, "x", {"code": "os.kill(os.getpid(), 9)"})
    assert killed.status_code == 500
    assert "SIGKILL" in killed.json()["error"]
    assert written.value(key, "1 + 1") == 2


SLOW = """
    import time

    class Plugin:
        def run(self, action, params, context):
            until = time.monotonic() + params["seconds"]
            while time.monotonic() < until:
                time.sleep(0.02)
            return {"status": "ok"}
"""


def test_the_time_limit_of_plugin_json_ends_a_run_and_the_next_works(api: Api, written: Written) -> None:
    key = written.enabled("slow", {"plugin.py": SLOW, "plugin.json": '{"execution": {"timeout": 1}}'})
    late = api.run(key, "x", {"seconds": 40})
    assert late.status_code == 500
    assert "1 s" in late.json()["error"]
    run = api.http.get(f"/api/runs/{late.json()['run_id']}/").json()
    assert (run["state"], run["cause"]) == ("timed_out", "timed_out")
    assert api.result(key, "x", {"seconds": 0}) == {"status": "ok"}


def test_a_caller_that_does_not_wait_gets_202_and_the_run_goes_on(api: Api, written: Written) -> None:
    key = written.enabled("slow", SLOW)
    for wait, seconds in ((0, 0), (0.2, 1)):
        answer = api.run(key, "x", {"seconds": seconds}, wait=wait)
        assert answer.status_code == 202
        body = answer.json()
        assert (body["success"], body["result"]["status"]) == (True, "queued")
        path = f"/api/runs/{body['run_id']}"
        run = wait_until(
            lambda p=path: r if (r := api.http.get(p).json()).get("duration_s") is not None else None, 10
        )
        assert run["state"] == "succeeded"
        assert (run["result"], run["actor"], run["trigger"]) == ({"status": "ok"}, "user:admin", "user")


def test_a_cancelled_run_ends_cancelled(api: Api, written: Written) -> None:
    key = written.enabled("slow", SLOW)
    run_id = api.run(key, "x", {"seconds": 40}, wait=0).json()["run_id"]
    path = f"/api/runs/{run_id}/"
    wait_until(lambda: api.http.get(path).json().get("state") == "running", 10)
    assert api.http.post(f"{path}cancel/").status_code == 202
    run = wait_until(lambda: r if (r := api.http.get(path).json())["ended_at"] else None, 10)
    assert (run["state"], run["cause"]) == ("cancelled", "cancelled")
    assert api.result(key, "x", {"seconds": 0}) == {"status": "ok"}


def test_an_idempotency_key_makes_a_repeated_request_the_same_run(api: Api, written: Written) -> None:
    key = written.enabled("evaluating", EVALUATING)

    def post(code: str, name: str) -> tuple[int, dict[str, object]]:
        body = {"action": "x", "params": {"code": code}}
        answer = api.http.post(
            f"/api/plugins/plugins/{key}/run/", json=body, headers={"Idempotency-Key": name}
        )
        return answer.status_code, answer.json()

    code = "open('/data/once', 'a').write('x')"
    first = post(code, "one")
    assert first[0] == 200
    assert post(code, "one") == first
    assert written.note("once").read_text() == "x"
    assert post(code, "two")[1]["run_id"] != first[1]["run_id"]
    assert written.note("once").read_text() == "xx"
    status, refused = post("1", "one")
    assert (status, refused["path"]) == (422, "Idempotency-Key")


OWNING = """
    from apps.plugins.models import PluginData

    class Plugin:
        def run(self, action, params, context):
            PluginData.objects.add_to_collection(params["key"], "things", {"by": "owning"})
            return {"data": PluginData.objects.get_collection_data(params["key"], "things")}
"""


def test_data_of_another_plugin_are_a_permission_error_that_names_both(api: Api, written: Written) -> None:
    key = written.enabled("owning", OWNING)
    refused = api.run(key, "x", {"key": "hello"})
    assert refused.status_code == 403
    assert "'owning'" in refused.json()["error"]
    assert "'hello'" in refused.json()["error"]
    assert api.http.get("/api/plugins/hello/data/things/").json()["data"] == []


def test_a_key_that_no_plugin_has_means_the_callers_own_with_a_warning(api: Api, written: Written) -> None:
    key = written.enabled("owning", OWNING)
    answer = api.run(key, "x", {"key": "owning_main"}).json()
    expected = [{"_id": 1, "by": "owning"}]
    assert answer["result"] == {"data": expected}
    assert api.http.get(f"/api/plugins/{key}/data/things/").json()["data"] == expected
    (line,) = written.log(answer["run_id"], "owning_main")
    assert line["level"] == "warning"
