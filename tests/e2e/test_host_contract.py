"""What existing plugins rely on, seen from outside: how they are discovered, keyed and loaded."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.platform import Api, Platform, wait_until
from tests.e2e.written import EVALUATING, Written

BARE = "class Plugin:\n    def run(self, action, params, context):\n        return {}\n"


def test_the_plugin_directory_is_created_if_absent_and_shutdown_stops_plugins(
    own_platform: Callable[..., Platform],
) -> None:
    mine = own_platform()
    mine.plugins_dir.rmdir()
    mine.start()
    assert mine.plugins_dir.is_dir()
    with mine.client() as http:
        written = Written(mine, Api(http))
        written.enabled(
            "told",
            """
            class Plugin:
                def stop(self, context):
                    open("/data/told", "a").write(context["reason"])
            """,
        )
    mine.stop()
    assert written.note("told").read_text() == "shutdown"


def test_the_plugin_directory_is_on_sys_path(written: Written) -> None:
    key = written.enabled("evaluating", EVALUATING)
    assert written.value(key, "'/data/plugins' in sys.path")
    assert written.value(key, "__file__") == "/data/plugins/evaluating/plugin.py"


def test_every_folder_with_plugin_py_or_init_py_is_a_plugin_in_name_order_and_nothing_else(
    api: Api, written: Written
) -> None:
    written.write("zz_last", BARE)
    written.write("aa_first", {"__init__.py": BARE})
    written.write("mm_folder", {"other.py": BARE, "deep/plugin.py": BARE})
    (written.platform.plugins_dir / "loose.py").write_text(BARE)
    api.await_plugin("zz_last")
    keys = list(api.plugins())
    assert keys == sorted(keys)
    assert {"aa_first", "zz_last"} <= set(keys)
    assert not {"mm_folder", "loose", "loose.py", "deep"} & set(keys)


def test_the_key_is_the_folders_name_in_lower_case_with_underscores_and_its_dashes(
    api: Api, written: Written
) -> None:
    assert written.enabled("My plug-in", BARE) == "my_plug-in"
    assert api.run("my_plug-in", "x").status_code == 200


def test_a_disabled_plugin_is_listed_and_never_imported(api: Api, written: Written) -> None:
    key = written.write("importing", f"open('/data/imported', 'w').close()\n{BARE}")
    plugin = api.await_plugin(key)
    api.http.post("/api/plugins/plugins/reload/")
    assert (plugin["enabled"], plugin["loaded"], plugin["ever_enabled"]) == (False, False, False)
    assert not written.note("imported").exists()
    assert not Path("/data/imported").exists()
    api.enable(key)
    assert written.note("imported").exists()


def test_metadata_of_a_disabled_plugin_come_from_plugin_json(written: Written) -> None:
    said = """{"name": "Said", "version": "3.1", "description": "D", "author": "A", "help_url": "https://h.example",
        "fields": [{"id": "f", "label": "F", "type": "string"}], "actions": [{"id": "a", "label": "A"}], "custom": [1]}"""
    plugin = written.listed("described", {"plugin.py": f"raise SystemExit\n{BARE}", "plugin.json": said})
    assert {name: plugin[name] for name in ("name", "version", "description", "author", "help_url")} == {
        "name": "Said", "version": "3.1", "description": "D", "author": "A", "help_url": "https://h.example",
    }  # fmt: skip
    assert [plugin["fields"][0]["id"], plugin["actions"][0]["id"]] == ["f", "a"]
    assert (plugin["custom"], plugin["legacy"]) == ([1], False)


@pytest.mark.parametrize("said", [None, "{not json", "[1, 2]", '"text"'])
def test_without_a_usable_plugin_json_a_plugin_is_legacy_and_shows_its_literals(
    written: Written, said: str | None
) -> None:
    source = f"{BARE}    actions = [{{'id': 'go', 'label': 'Go'}}]\n"
    files = {"plugin.py": source} | ({"plugin.json": said} if said is not None else {})
    plugin = written.listed("Old plugin", files)
    assert (plugin["key"], plugin["name"], plugin["legacy"]) == ("old_plugin", "Old plugin", True)
    assert [action["id"] for action in plugin["actions"]] == ["go"]


def test_a_plugin_whose_files_went_away_stays_listed_as_missing(api: Api, written: Written) -> None:
    key = written.enabled("leaving", BARE)
    folder = written.platform.plugins_dir / "leaving"
    shutil.move(folder, written.platform.folder / "left")
    plugin = api.await_plugin(key, missing=True)
    assert plugin["enabled"]
    shutil.move(written.platform.folder / "left", folder)
    assert not api.await_plugin(key, missing=False, loaded=True)["errors"]
    assert api.run(key, "x").status_code == 200


def test_plugin_py_wins_over_init_py_which_is_tried_where_it_fails(api: Api, written: Written) -> None:
    def giving(text: str) -> str:
        return (
            f"class Plugin:\n    def run(self, action, params, context):\n        return {{'by': {text!r}}}\n"
        )

    written.enabled(
        "both",
        {"plugin.py": giving("plugin"), "__init__.py": "open('/data/by_init', 'w')\n" + giving("init")},
    )
    assert api.result("both", "x") == {"by": "plugin"}
    assert not written.note("by_init").exists()
    written.enabled("failing", {"plugin.py": "raise RuntimeError('no')", "__init__.py": giving("init")})
    assert api.result("failing", "x") == {"by": "init"}
    written.enabled("classless", {"plugin.py": "x = 1", "__init__.py": giving("init")})
    assert api.result("classless", "x") == {"by": "init"}
    written.enabled("elsewhere", {"plugin.py": "from .core import Plugin", "core.py": giving("core")})
    assert api.result("elsewhere", "x") == {"by": "core"}


def test_the_module_has_dispatcharrs_name_and_relative_imports_work(written: Written) -> None:
    helpers = {
        "helper.py": "word = 'h'",
        "deep/__init__.py": "",
        "deep/inner.py": "from ..helper import word",
    }
    imports = "    from . import helper\n    from .deep.inner import word\n    import sys\n"
    key = written.enabled("3-d plug", {"plugin.py": imports + EVALUATING, **helpers})
    assert written.value(key, "[__name__, __package__, helper.word, word]") == [
        "_dispatcharr_plugin_p_3_d_plug.plugin", "_dispatcharr_plugin_p_3_d_plug", "h", "h",
    ]  # fmt: skip
    key = written.enabled("packaged", {"__init__.py": EVALUATING})
    assert written.value(key, "__name__") == "_dispatcharr_plugin_packaged"
    key = written.enabled("aliased", {"plugin.py": "    import aliased.helper\n" + EVALUATING, **helpers})
    assert written.value(key, "aliased.helper.__name__") == "aliased.helper"


def test_a_folder_named_like_a_standard_module_never_shadows_it(written: Written) -> None:
    key = written.enabled("json", {"plugin.py": EVALUATING, "decoder.py": "raise RuntimeError('shadowed')"})
    assert written.value(key, "json.loads('[1]')") == [1]


def test_vendor_is_the_plugins_own_business(written: Written) -> None:
    edit = "    import os, sys\n    sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'vendor'))\n    import brought\n"
    key = written.enabled("vendoring", {"plugin.py": edit + EVALUATING, "vendor/brought.py": "word = 'v'"})
    assert written.value(key, "brought.word") == "v"


SAYING = """
    AUTHOR = "computed " + "at import"

    class Plugin:
        name = "Literal"
        author = AUTHOR
        version = ""
        actions = []

        def __init__(self):
            self.description = "set in __init__"
            self.fields = [{"id": f"f{n}", "label": f"Field {n}", "type": "string"} for n in range(250)]

        @property
        def help_url(self):
            return "https://example.com/property"

        def run(self, action, params, context):
            return {"settings": len(context["settings"]), "actions": sorted(context["actions"])}
"""


def test_attributes_are_read_from_the_instance_and_empty_ones_fall_back_to_plugin_json(
    api: Api, written: Written
) -> None:
    said = """{"name": "File", "version": "9.9", "author": "File", "actions": [{"id": "a", "label": "A"}]}"""
    key = written.enabled("saying", {"plugin.py": SAYING, "plugin.json": said})
    plugin = api.plugins()[key]
    assert {name: plugin[name] for name in ("name", "version", "description", "author", "help_url")} == {
        "name": "Literal", "version": "9.9", "description": "set in __init__", "author": "computed at import",
        "help_url": "https://example.com/property",
    }  # fmt: skip
    assert [field["id"] for field in plugin["fields"]] == [f"f{number}" for number in range(250)]
    assert api.result(key, "x")["actions"] == ["a"]


LIVELY = """
    class Plugin:
        runs = 0
        reads = 0

        @property
        def fields(self):
            self.reads += 1
            return [{"id": "f", "label": f"Read {self.reads}", "type": "string"}]

        @property
        def navigation(self):
            return {"label": "Lively", "badge": self.runs}

        @property
        def pages(self):
            return {"main": {"components": [{"type": "text", "content": f"{self.runs} runs"}]}}

        def run(self, action, params, context):
            self.runs += 1
            return {"reads": self.reads}
"""


def test_attributes_are_read_once_per_load_but_navigation_and_pages_after_each_run(
    api: Api, written: Written
) -> None:
    key = written.enabled("lively", LIVELY)

    def shown() -> tuple[int, str]:
        entries = api.http.get("/api/plugins/navigation/").json()["navigation"]
        page = api.http.get(f"/api/plugins/{key}/page/").json()["page"]
        return next(e["badge"] for e in entries if e["key"] == key), page["components"][0]["content"]

    assert shown() == (0, "0 runs")
    for number in (1, 2):
        assert api.result(key, "x") == {"reads": 1}
        wait_until(lambda n=number: shown() == (n, f"{n} runs"), 5, shown)
    assert api.plugins()[key]["fields"][0]["label"] == "Read 1"


COUNTING = """
    total = 0
    class Plugin:
        def __init__(self):
            self.calls = 0
        def run(self, action, params, context):
            global total
            total += 1
            self.calls += 1
            return {"calls": self.calls, "total": total}
"""


def test_one_instance_lives_across_runs_until_its_own_plugin_is_reloaded(api: Api, written: Written) -> None:
    one, other = written.enabled("counting_one", COUNTING), written.enabled("counting_other", COUNTING)
    for number in (1, 2):
        assert api.result(one, "x") == api.result(other, "x") == {"calls": number, "total": number}
    answer = api.http.post(f"/api/plugins/plugins/{one}/reload/")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert api.result(one, "x") == {"calls": 1, "total": 1}
    assert api.result(other, "x") == {"calls": 3, "total": 3}


@pytest.mark.parametrize(
    ("source", "said"), [("raise ImportError('no such thing')", "no such thing"), ("x = 1", "Plugin")]
)
def test_a_plugin_that_fails_to_import_stays_listed_with_its_error(
    api: Api, written: Written, source: str, said: str
) -> None:
    key = written.write("broken", source)
    api.await_plugin(key)
    answer = api.http.post(f"/api/plugins/plugins/{key}/enabled/", json={"enabled": True})
    assert (answer.status_code, answer.json()["enabled"]) == (200, True)
    plugin = answer.json()["plugin"]
    assert plugin["loaded"] is False
    assert said in str(plugin["errors"])
    failed = api.run(key, "x")
    assert failed.status_code == 500
    assert failed.json() == {
        "success": False, "error": f"Plugin '{key}' not found", "run_id": failed.json()["run_id"],
    }  # fmt: skip
    written.replace("broken", BARE)
    api.await_plugin(key, loaded=True)
    assert api.run(key, "x").status_code == 200


FIELDS: list[Any] = [
    {"id": "kept", "label": "Kept", "type": "string", "input_type": "text", "placeholder": "p", "help_text": "h",
     "description": "d", "value": "v", "own": 1},
    {"id": "odd", "label": "Odd", "type": "hologram"},
    {"label": "No id", "type": "string"},
    {"id": "chosen", "label": "C", "type": "select", "options": ["a", "b"], "default": "a"},
    {"id": "bad_options", "label": "B", "type": "select", "options": 7},
    "no field at all",
    {"id": "shown", "label": "I", "type": "info", "description": "text"},
    {"id": "limit", "label": "L", "type": "number", "min": 1, "max": 9, "step": 2, "default": 3},
    {"id": "long", "label": "T", "type": "text"},
]  # fmt: skip
ACTIONS: list[Any] = [
    {"id": "a", "label": "A", "description": "d", "confirm": True, "button_label": "Go", "button_variant": "light",
     "button_color": "red", "events": ["channel_start"], "own": 1},
    {"label": "No id"},
    {"id": "no_label"},
    {"id": "asked", "label": "B", "confirm": {"title": "Sure?", "message": "m"}},
]  # fmt: skip


@pytest.mark.parametrize("enabled", [False, True], ids=["by literals", "by the instance"])
def test_bad_fields_and_actions_are_dropped_one_by_one_with_a_warning(
    api: Api, written: Written, enabled: bool
) -> None:
    source = f"class Plugin:\n    fields = {FIELDS!r}\n    actions = {ACTIONS!r}\n    def run(self, a, p, c):\n        return c\n"
    plugin = written.listed("odd_fields", source)
    if enabled:
        api.enable("odd_fields")
        plugin = api.plugins()["odd_fields"]
    fields = {field["id"]: field for field in plugin["fields"]}
    assert list(fields) == ["kept", "chosen", "shown", "limit", "long"]
    assert fields["kept"] == FIELDS[0]
    assert fields["limit"] == FIELDS[7]
    assert fields["chosen"]["options"] == [{"value": "a", "label": "a"}, {"value": "b", "label": "b"}]
    actions = {action["id"]: action for action in plugin["actions"]}
    assert list(actions) == ["a", "asked"]
    assert actions["a"] == ACTIONS[0]
    assert actions["asked"]["confirm"]["title"] == "Sure?"
    warned = " ".join(problem["path"] for problem in plugin["warnings"])
    for path in ("fields[1]", "fields[2]", "fields[4]", "fields[5]", "actions[1]", "actions[2]"):
        assert path in warned, plugin["warnings"]
    for path in ("fields[0]", "fields[3]", "fields[6]", "fields[7]", "actions[0]", "actions[3]"):
        assert path not in warned, plugin["warnings"]
