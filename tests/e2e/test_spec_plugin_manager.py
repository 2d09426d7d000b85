"""`PluginManager`, as the specification calls it from a plugin."""

from typing import Any

from tests.e2e.platform import Api, wait_until
from tests.e2e.written import Written
from tests.spec.fragments import block

# The block runs inside an action of the plugin that it names; each line's value is kept.
MANAGING = """

class Plugin:
    name = "My Plugin"
    fields = [{{"id": "key", "label": "Key", "type": "string", "default": "none"}}]

    def run(self, action, params, context):
        if action == "do_work":
            return {{"status": "ok", "got": params, "settings": context["settings"]}}
        return getattr(self, action)(params)

    def get(self, params):
        return {{"same": {get} is {get}, "kind": type({get}).__name__, "dir": {get}.plugins_dir}}

    def discover(self, params):
        pm = {get}
        found = {discover}
        item = found["my_plugin"]
        return {{"keys": sorted(found), "mine": [item["key"], item.name, item.enabled], "listed": [one["key"] for one in pm.list_plugins()],
                "hello": dict(pm.get_plugin("hello")), "absent": pm.get_plugin("absent")}}

    def run_action(self, params):
        pm = {get}
        return {{"mine": {run_action}, "other": pm.run_action("hello", "say_hello", {{"name": "manager"}})}}

    def run_absent(self, params):
        return {get}.run_action(params["key"], "x")

    def update_settings(self, params):
        pm = {get}
        return {{"stored": {update_settings}}}
"""


def source() -> str:
    """The block's import, and its four lines where the actions above have their names."""
    imports, _, rest = block("plugin-manager").partition("\n\n")
    get, discover, run_action, update_settings = rest.splitlines()
    return imports + MANAGING.format(
        get=get.removeprefix("pm = "),
        discover=discover,
        run_action=run_action,
        update_settings=update_settings,
    )


def test_get(api: Api, written: Written) -> None:
    key = written.enabled("my_plugin", {"plugin.py": source()})
    assert api.result(key, "get") == {"same": True, "kind": "PluginManager", "dir": "/data/plugins"}


def test_discover_plugins(api: Api, written: Written) -> None:
    key = written.enabled("my_plugin", {"plugin.py": source()})
    written.write("found_by_manager", "class Plugin:\n    def run(self, a, p, c): pass\n")
    found = api.result(key, "discover")
    assert {"found_by_manager", "hello", "my_plugin", "sports_calendar"} <= set(found["keys"])
    assert found["mine"] == ["my_plugin", "My Plugin", True]
    assert sorted(found["listed"]) == found["keys"]
    assert found["hello"]["version"] == "1.0.0"
    assert found["absent"] is None


def test_run_action(api: Api, written: Written) -> None:
    api.enable("hello")
    key = written.enabled("my_plugin", {"plugin.py": source()})
    answer = api.run(key, "run_action").json()
    assert answer["result"] == {
        "mine": {"status": "ok", "got": {"param": "value"}, "settings": {"key": "none"}},
        "other": {"status": "ok", "message": "Hello, manager!"},
    }

    def children() -> list[dict[str, Any]] | None:
        """As soon as history has them: it is written after the answers."""
        page = api.http.get("/api/runs/", params={"parent": answer["run_id"]}).json()
        return page["runs"] if page["total"] == 2 else None

    runs = wait_until(children, 10)
    assert {(run["plugin"], run["action"], run["actor"], run["trigger"]) for run in runs} == {
        ("my_plugin", "do_work", "plugin:my_plugin", "plugin"),
        ("hello", "say_hello", "plugin:my_plugin", "plugin"),
    }
    failed = api.run(key, "run_absent", {"key": "absent"})
    assert failed.status_code == 500
    assert "absent" in failed.json()["error"]


def test_update_settings(api: Api, written: Written) -> None:
    key = written.enabled("my_plugin", {"plugin.py": source()})
    assert api.result(key, "update_settings") == {"stored": {"key": "value"}}
    # The gateway learns of what a plugin stored by an event: in a moment, not with the run's answer.
    api.await_plugin(key, settings={"key": "value"})
    assert api.result(key, "do_work")["settings"] == {"key": "value"}
