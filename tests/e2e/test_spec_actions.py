"""Actions: what the specification says of `run()`, with its own blocks, on the running platform.

A block that is only a function becomes a method of the least class around it, shown beside its test.
"""

import ast
import textwrap
from collections.abc import Callable

import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written
from tests.spec.elements import completed
from tests.spec.fragments import block


def method(name: str) -> str:
    """A block that is a function, indented into a class."""
    return textwrap.indent(block(name), "    ")


def test_the_minimal_plugin_runs_its_action(api: Api, written: Written) -> None:
    key = written.write("my_plugin", block("minimal-plugin-legacy-style"))
    before = api.await_plugin(key)
    assert (before["name"], before["version"], before["description"]) == (
        "My Plugin", "1.0.0", "A simple plugin",
    )  # fmt: skip
    assert (before["enabled"], before["loaded"]) == (False, False)
    assert [action["id"] for action in before["actions"]] == ["run_task"]
    assert api.enable(key)["loaded"]
    assert api.result(key, "run_task") == {"status": "ok", "message": "Task completed!"}
    assert api.result(key, "other") == {"status": "error", "message": "Unknown action: other"}


# `run` of the block calls two methods that the specification leaves out.
ENHANCED = """

    def _add_calendar(self, params, context):
        return {"status": "ok", "message": f"Added {params['name']}"}

    def _sync_calendar(self, params, context):
        return {"status": "ok", "message": f"Synced {params['_id']}"}
"""


def test_the_enhanced_plugin_runs_its_actions(api: Api, written: Written) -> None:
    source = block("enhanced-plugin-with-custom-ui").rstrip() + ENHANCED
    key = written.enabled("enhanced", {"plugin.py": source})
    form = {"name": "Work", "url": "https://example.com/work.ics"}
    assert api.result(key, "add_calendar", form) == {"status": "ok", "message": "Added Work"}
    assert api.result(key, "sync_calendar", {"_id": 7}) == {"status": "ok", "message": "Synced 7"}
    assert api.result(key, "other") == {"status": "error", "message": "Unknown action: other"}
    page = api.http.get(f"/api/plugins/{key}/page/").json()["page"]
    assert [tab["id"] for tab in page["components"][0]["items"]] == ["calendars", "events"]
    navigation = api.http.get("/api/plugins/navigation/").json()["navigation"]
    assert {"key": key, "label": "Sports Calendar", "icon": "calendar", "path": f"/plugins/{key}", "badge": None,
            "position": "bottom"} in navigation  # fmt: skip


# The block has a docstring and no statement: this is the body that it describes.
RUN = """
        return {
            "status": "ok",
            "message": "Success",
            "action": action,
            "params": params,
            "keys": sorted(context),
            "settings": context["settings"],
            "actions": context["actions"],
            "logger": type(context["logger"]).__name__,
        }
"""


def test_run_gets_action_params_and_context(api: Api, written: Written) -> None:
    source = (
        f"class Plugin:\n{textwrap.indent(completed(block('actions')), '    ')}\n"
        f"    fields = [{{'id': 'zone', 'label': 'Zone', 'type': 'string', 'default': 'UTC'}}]\n"
        f"{method('the-run-method').rstrip()}{RUN}"
    )
    key = written.enabled("run_method", {"plugin.py": source})
    params = {"_id": 3, "nested": {"list": [1, 2.5, None, True, "é"]}}
    result = api.result(key, "sync_all", params)
    declared = ast.literal_eval(block("actions").partition("=")[2].strip())
    assert result == {
        "status": "ok",
        "message": "Success",
        "action": "sync_all",
        "params": params,
        "keys": ["actions", "logger", "settings"],
        "settings": {"zone": "UTC"},
        "actions": {"sync_all": declared[0]},
        "logger": "Logger",
    }


# What the block's docstring says that `run` returns, read from it.
RETURNED = [
    ast.literal_eval(line.strip().removeprefix("- "))
    for line in block("the-run-method").splitlines()
    if line.strip().startswith('- {"status"')
]
RETURNED += [{"status": "ok", "data": [1]}, {"status": "ok"}, {"status": "queued", "message": "Task started"}]


@pytest.mark.parametrize("result", RETURNED, ids=lambda result: "-".join(map(str, result.values())))
def test_a_result_passes_through_with_its_status(
    api: Api, written: Written, result: dict[str, object]
) -> None:
    key = written.enabled(
        "returning", "class Plugin:\n    def run(self, action, params, context):\n        return params"
    )
    answer = api.run(key, "give", result)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "run_id": answer.json()["run_id"], "result": result}
    run = api.http.get(f"/api/runs/{answer.json()['run_id']}/").json()
    assert (run["state"], run["outcome"], run["result"]) == ("succeeded", result["status"], result)


def test_a_plugin_validates_its_input(api: Api, written: Written) -> None:
    source = f"class Plugin:\n{method('validate-input')}        return {{'status': 'ok', 'message': url}}\n"
    key = written.enabled("validating", {"plugin.py": source})
    assert api.result(key, "go") == {"status": "error", "message": "URL is required"}
    assert api.result(key, "go", {"url": "  "}) == {"status": "error", "message": "URL is required"}
    assert api.result(key, "go", {"url": "ftp://x"}) == {"status": "error", "message": "Invalid URL format"}
    assert api.result(key, "go", {"url": " https://x "}) == {"status": "ok", "message": "https://x"}


def test_the_logger_writes_to_the_log_of_the_run(api: Api, written: Written) -> None:
    source = f"calendar_name = 'Work'\nclass Plugin:\n{method('use-the-logger')}"
    key = written.enabled("logging_plugin", {"plugin.py": source})
    answer = api.run(key, "go").json()
    assert answer["result"] == {"status": "ok", "result": None}
    (line,) = written.log(answer["run_id"], "Starting")
    assert (line["level"], line["message"]) == ("info", "Starting sync for Work")
    assert line["time"].endswith("Z")


# The block's function, and the work that it calls.
WORK = """
    def _do_work(self):
        if self.wanted == "network":
            raise requests.ConnectionError("no route")
        if self.wanted == "bug":
            raise KeyError("missing")
        return {"count": 3}

    @property
    def wanted(self):
        import pathlib
        return pathlib.Path("/data/wanted").read_text()
"""


def test_errors_are_handled_gracefully(api: Api, written: Written) -> None:
    source = f"import requests\nclass Plugin:\n{method('handle-errors-gracefully')}{WORK}"
    key = written.enabled("graceful", {"plugin.py": source})
    written.note("wanted").write_text("work")
    assert api.result(key, "go") == {"status": "ok", "data": {"count": 3}}
    written.note("wanted").write_text("network")
    assert api.result(key, "go") == {"status": "error", "message": "Network error: no route"}
    written.note("wanted").write_text("bug")
    answer = api.run(key, "go").json()
    assert answer["success"] is True
    assert answer["result"] == {"status": "error", "message": "'missing'"}
    (line,) = written.log(answer["run_id"], "Unexpected error")
    assert line["level"] == "error"
    assert "Traceback" in line["message"]
    assert line["message"].endswith("KeyError: 'missing'")


def test_a_row_action_gets_the_id_of_its_row(own_platform: Callable[..., Platform]) -> None:
    """On a platform of its own: the block names the plugin that the others have as an example."""
    mine = own_platform()
    mine.start()
    with mine.client() as http:
        api = Api(http)
        written = Written(mine, api)
        source = (
            f"from apps.plugins.models import PluginData\nclass Plugin:\n{method('data-binding-in-ui-2')}"
        )
        key = written.enabled("sports_calendar", {"plugin.py": source})
        path = f"/api/plugins/{key}/data/calendars/"
        for name in ("a", "b", "c"):
            assert http.post(path, json={"name": name}).status_code == 201
        row = http.get(path).json()["data"][1]
        assert row == {"_id": 2, "name": "b"}
        deleted = {"status": "ok", "message": "Calendar deleted"}
        assert api.result(key, "delete_calendar", row) == deleted
        assert [item["name"] for item in http.get(path).json()["data"]] == ["a", "c"]
        # As curl and older pages send it.
        assert api.result(key, "delete_calendar", {"_id": "3"}) == deleted
        assert http.get(path).json()["data"] == [{"_id": 1, "name": "a"}]


REORDERING = """
    from apps.plugins.models import PluginData

    class Plugin:
        pages = {"main": {"components": [
            {"type": "drag_drop_list", "data_source": "priorities", "on_reorder": "update_order"},
        ]}}

        def run(self, action, params, context):
            for item in params["items"]:
                PluginData.objects.update_in_collection(
                    "reordering", "priorities", item["_id"], {"order": item["order"]}
                )
            return {"status": "ok", "action": action, "params": params}
"""


def test_on_reorder_gets_exactly_its_params(api: Api, written: Written) -> None:
    key = written.enabled("reordering", REORDERING)
    path = f"/api/plugins/{key}/data/priorities/"
    ids = [{"_id": 123, "order": 5}, {"_id": 456, "order": 6}]
    assert api.http.put(f"{path}bulk/", json=ids).status_code == 200
    params = ast.literal_eval(completed(block("dragdroplist-2")).partition("=")[2].strip())
    integers = {
        **params,
        "moved_item_id": int(params["moved_item_id"]),
        "items": [{**item, "_id": int(item["_id"])} for item in params["items"]],
    }
    for given in (integers, params):
        assert api.result(key, "update_order", given) == {
            "status": "ok", "action": "update_order", "params": given,
        }  # fmt: skip
        stored = api.http.get(path).json()["data"]
        assert stored == [{"order": 0, "_id": 123}, {"order": 1, "_id": 456}]
        assert api.http.put(f"{path}bulk/", json=ids).status_code == 200
