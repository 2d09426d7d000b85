"""Installation: the five steps of the specification, with HTTP in place of the plugins page."""

from tests.e2e.platform import Api
from tests.e2e.written import Written
from tests.spec.fragments import block


def test_a_folder_is_discovered_by_reload_and_enabled(api: Api, written: Written) -> None:
    before = len(api.plugins())
    # 1 and 2: a directory with plugin.py.
    key = written.write("my_plugin", {"plugin.py": block("minimal-plugin-legacy-style"), "__init__.py": ""})
    # 3 and 4: reload; the answer comes when it is discovered.
    answer = api.http.post("/api/plugins/plugins/reload/")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "count": before + 1})
    plugin = api.plugins()[key]
    assert (plugin["name"], plugin["enabled"], plugin["missing"]) == ("My Plugin", False, False)
    refused = api.run(key, "run_task")
    assert refused.status_code == 403
    # 5: enable.
    enabled = api.http.post(f"/api/plugins/plugins/{key}/enabled/", json={"enabled": True})
    assert enabled.status_code == 200
    assert enabled.json()["enabled"] is True
    assert enabled.json()["plugin"]["loaded"] is True
    assert api.result(key, "run_task") == {"status": "ok", "message": "Task completed!"}
