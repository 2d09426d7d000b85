"""`plugarr check` names file, line, path and remedy; `plugarr new` writes a plugin that passes it."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.check import check
from deploy.cli.new import new
from shared.manifests.lint import lint

BAD = """
class Plugin:
    name = "Bad"
    fields = [
        {"id": "ok", "label": "Ok", "type": "number", "default": "ten"},
        {"id": "x", "type": "selekt"},
        {"id": "s", "type": "string", "lable": "S"},
    ]
    pages = {
        "main": {
            "components": [
                {"type": "button", "label": "Open", "opens": "nowhere"},
                {"type": "table", "columns": []},
            ],
        },
    }
"""


@pytest.fixture
def folder(tmp_path):
    def make(source, name="my_plugin", **files):
        path = tmp_path / name
        path.mkdir()
        (path / "plugin.py").write_text(source)
        for file, text in files.items():
            (path / file.replace("__", ".")).write_text(text)
        return path

    return make


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(check)
    app.command()(new)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def brief(findings):
    return {(one.severity, one.file, one.line, one.path) for one in findings}


def test_each_finding_has_file_line_path_and_remedy(folder):
    findings = lint(folder(BAD))
    assert brief(findings) >= {
        ("error", "plugin.py", 2, "run"),
        ("error", "plugin.py", 6, "fields[1]"),
        ("warning", "plugin.py", 7, "fields[2].lable"),
        ("warning", "plugin.py", 5, "fields[0].default"),
        ("error", "plugin.py", 13, "pages.main.components[1].data_source"),
        ("warning", "plugin.py", 12, "pages.main.components[0].opens"),
    }
    assert [one.severity for one in findings] == sorted((one.severity for one in findings), key="error warning hint".split().index)  # fmt: skip  # noqa: SIM905
    (unknown,) = [one for one in findings if one.path == "fields[1]"]
    assert 'did you mean "select"?' in unknown.message
    assert unknown.remedy


def test_a_syntax_error_anywhere_is_found_with_its_line(folder):
    path = folder("class Plugin:\n  name = 'x'\n  def run(self, a, p, c): ...\n", helper__py="x = 1\ndef (\n")
    assert ("error", "helper.py", 2, "") in brief(lint(path))
    (path / "plugin.py").write_text("class Plugin\n")
    assert [one.file for one in lint(path) if one.severity == "error"] == ["helper.py", "plugin.py"]


def test_a_bad_plugin_json_is_found(folder):
    path = folder("class Plugin:\n  name = 'x'\n  def run(self, a, p, c): ...\n", plugin__json='{"a": 1,\n}')
    assert ("error", "plugin.json", 2, "") in brief(lint(path))


def test_a_plugin_without_state_could_run_anywhere(folder):
    findings = lint(folder("class Plugin:\n  name = 'x'\n  def run(self, a, p, c):\n    return {}\n"))
    assert [one.severity for one in findings] == ["hint", "hint"]
    assert any("could run on every executor" in one.message for one in findings)


@pytest.mark.parametrize(
    "statement",
    [
        "import threading", "from concurrent.futures import ThreadPoolExecutor", "import socket as s",
        "open('x')", "path.write_text('x')", "self.count = 1", "self.count += 1", "global X",
    ],
)  # fmt: skip
def test_state_speaks_against_placement_any(folder, statement):
    body = f"class Plugin:\n  name = 'x'\n  def run(self, a, p, c):\n    {statement}\n"
    path = folder(body)
    assert not any("could run on every executor" in one.message for one in lint(path))
    (path / "plugin.json").write_text('{"name": "x", "execution": {"placement": "any"}}')
    assert ("warning", "plugin.py", 4, "execution.placement") in brief(lint(path))


def test_an_execution_that_is_computed_is_an_error(folder):
    path = folder("class Plugin:\n  name = 'x'\n  execution = f()\n  def run(self, a, p, c): ...\n")
    assert ("error", "plugin.py", 3, "execution") in brief(lint(path))


def test_the_live_proxy_is_out_of_scope(folder):
    path = folder("from apps.proxy.ts import x\nclass Plugin:\n  name = 'x'\n  def run(self, a, p, c): ...\n")
    assert ("error", "plugin.py", 1, "") in brief(lint(path))


def test_check_ends_with_0_1_or_2(run, folder, tmp_path):
    good = folder("class Plugin:\n  name = 'x'\n  def run(self, a, p, c): ...\n", name="good")
    assert run("check", good).exit_code == 0
    assert run("check", good / "plugin.py").exit_code == 0
    bad = folder(BAD, name="bad")
    shown = run("check", bad)
    assert shown.exit_code == 1
    assert "pages.main.components[1].data_source is missing" in shown.output
    assert run("check", tmp_path).exit_code == 1
    assert run("check", tmp_path / "absent").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert run("check", tmp_path / "empty").exit_code == 1


def test_warnings_fail_when_asked_to(run, folder):
    path = folder("class Plugin:\n  def run(self, a, p, c): ...\n")
    assert run("check", path).exit_code == 0
    assert run("check", path, "--strict").exit_code == 1


def test_check_speaks_json(run, folder):
    said = json.loads(run("check", folder(BAD), "--json").output)
    assert said["ok"] is False
    (plugin,) = said["plugins"]
    assert plugin["key"] == "my_plugin"
    assert {"severity", "file", "line", "path", "message", "remedy"} == set(plugin["findings"][0])


def test_a_new_plugin_passes_the_check_and_works(run, tmp_path, monkeypatch):
    made = run("new", "my_notes", "--dir", tmp_path)
    assert made.exit_code == 0
    assert "plugarr check" in made.output
    folder = tmp_path / "my_notes"
    assert [one for one in lint(folder) if one.severity != "hint"] == []

    stored = []
    objects = SimpleNamespace(
        add_to_collection=lambda *arguments: stored.append(arguments),
        remove_from_collection=lambda *arguments: stored.clear(),
        clear_collection=lambda *arguments: stored.clear(),
    )
    models = ModuleType("apps.plugins.models")
    models.PluginData = SimpleNamespace(objects=objects)
    monkeypatch.setitem(sys.modules, "apps.plugins.models", models)
    module = {}
    exec((folder / "plugin.py").read_text(), module)
    plugin = module["Plugin"]()
    context = {"settings": {"prefix": "N"}, "logger": SimpleNamespace(info=print), "actions": {}}
    assert plugin.run("add_note", {"text": "a"}, context)["status"] == "ok"
    assert stored == [("my_notes", "notes", {"text": "N: a"})]
    assert plugin.run("add_note", {}, context)["status"] == "error"
    assert plugin.run("delete_note", {"_id": 1}, context)["status"] == "ok"
    assert stored == []
    assert plugin.run("nonsense", {}, context)["status"] == "error"


@pytest.mark.parametrize("key", ["plugins", "My Plugin", "1abc", "a-b", "../x", "", "json", "a" * 70, "é"])
def test_a_bad_key_is_refused_with_a_remedy(run, tmp_path, key):
    refused = run("new", key, "--dir", tmp_path)
    assert refused.exit_code == 1
    assert "try" in refused.output or "use" in refused.output
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(run, tmp_path):
    (tmp_path / "mine").mkdir()
    refused = run("new", "mine", "--dir", tmp_path)
    assert refused.exit_code == 1
    assert "exists already" in refused.output
    assert list((tmp_path / "mine").iterdir()) == []


def test_new_makes_its_folder_in_the_plugin_directory(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUGARR_PLUGINS_DIR", str(tmp_path / "plugins"))
    assert run("new", "mine").exit_code == 0
    assert (tmp_path / "plugins" / "mine" / "plugin.py").is_file()
