"""Every example of docs/plugin-guide.md, on the platform, with the least wrapper around it."""

import json
import re
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import websockets.sync.client

from shared.contracts.manifest import Execution
from shared.contracts.names import RESERVED_PLUGIN_KEYS
from shared.contracts.ui.components import COMPONENTS
from shared.contracts.ui.fields import FIELDS
from tests.e2e.platform import ROOT, Api, Platform, wait_until
from tests.e2e.written import Written
from tests.e2e.written_docs import Shell, commands, example, examples

GUIDE = "docs/plugin-guide.md"
KEY = "my_plugin"
TEXT = (ROOT / GUIDE).read_text()

DECLARED = example(GUIDE, "json", '"name": "My Plugin"')
CLASS = example(GUIDE, "python", "class Plugin:")
PROGRESS = example(GUIDE, "python", "import plugarr")
STORED = example(GUIDE, "python", "PluginData.objects")
PAGES = example(GUIDE, "python", "pages = {")
UPDATE = example(GUIDE, "python", "send_websocket_update(")
EMITTING = example(GUIDE, "python", "plugarr.emit(")
FILE = example(GUIDE, "python", "plugarr.open_file(")
TASK = example(GUIDE, "python", "@shared_task")
COMMANDS = example(GUIDE, "sh", "plugarr new")


def inside(block: str, depth: int) -> str:
    return textwrap.indent(block, "    " * depth)


def test_no_example_of_the_guide_is_left_out() -> None:
    shown = {text for language, text in examples(GUIDE) if language}
    assert shown == {DECLARED, CLASS, PROGRESS, STORED, UPDATE, PAGES, EMITTING, FILE, TASK, COMMANDS}


def test_models_and_tasks(api: Api, written: Written) -> None:
    source = f"""
{TASK}

class Plugin:
    name = "Numbers"
    def run(self, action, params, context):
        for name in "b", "a":
            Channel.objects.create(name=name)
        done = number_all.delay(100).get(timeout=30)
        found = Channel.objects.order_by("channel_number").values_list("name", "channel_number")
        return {{"done": done, "found": [list(row) for row in found]}}
"""
    key = written.enabled("numbers", source)
    assert api.result(key, "go") == {"done": 2, "found": [["a", 100.0], ["b", 101.0]]}


def test_events_and_files(api: Api, written: Written) -> None:
    source = f"""
import plugarr

class Plugin:
    name = "Synced"
    actions = [{{"id": "heard", "label": "Heard", "events": ["sports.synced"]}}]

    def run(self, action, params, context):
        if action == "emit":
{inside(EMITTING, 3)}
            return {{"status": "ok"}}
        if action == "heard":
            return {{"status": "ok", "heard": params}}
{inside(FILE, 2)}
        return {{"status": "ok", "text": text}}
"""
    key = written.enabled("synced", source)
    api.result(key, "emit")

    def heard() -> dict[str, Any] | None:
        runs = api.http.get("/api/runs/", params={"plugin": key}).json()["runs"]
        return next((run for run in runs if (run["action"], run["state"]) == ("heard", "succeeded")), None)

    run = api.http.get(f"/api/runs/{wait_until(heard, 20)['run_id']}/").json()
    assert run["result"]["heard"] == {"event": "sports.synced", "payload": {"calendar": 7, "new": 12}}
    file = api.http.post("/api/files/", files={"file": ("a.m3u", "#EXTM3U ü".encode())}).json()
    assert api.result(key, "read", {"playlist": file})["text"] == "#EXTM3U ü"


def test_the_class_and_its_plugin_json(api: Api, written: Written) -> None:
    before = written.listed(KEY, {"plugin.py": CLASS, "plugin.json": DECLARED})
    assert not before["enabled"]
    assert [field["id"] for field in before["fields"]] == ["limit"]
    declared = json.loads(DECLARED)
    assert {name: before[name] for name in ("name", "version", "author", "help_url")} == {
        name: declared[name] for name in ("name", "version", "author", "help_url")
    }
    assert before["description"] == declared["description"]
    assert before["execution"]["placement"] == "any"
    assert before["execution"]["timeout_s"] == 600
    assert before["errors"] == before["warnings"] == []
    enabled = api.enable(KEY)
    assert enabled["loaded"]
    assert enabled["description"] == "A simple plugin"  # what the instance says wins
    assert api.result(KEY, "count") == {"status": "ok", "message": "Counted to 10"}
    assert api.result(KEY, "x") == {"status": "error", "message": "Unknown action: x"}


def long_action() -> str:
    """The block, asked again and again until somebody cancels."""
    first, _, rest = PROGRESS.partition("\nif plugarr:")
    return (
        f"import time\n{first}\n"
        "class Plugin:\n"
        "    name = 'Long'\n"
        "    def run(self, action, params, context):\n"
        "        context['logger'].info('it runs')\n"
        "        while True:\n" + inside(f"if plugarr:{rest}", 3) + "            time.sleep(0.02)\n"
    )


def test_progress_and_cancel(api: Api, written: Written) -> None:
    written.enabled(KEY, long_action())
    accepted = api.run(KEY, "long", wait=0)
    assert accepted.status_code == 202
    run_id = accepted.json()["run_id"]
    written.log(run_id, "it runs")
    assert api.http.post(f"/api/runs/{run_id}/cancel/").status_code in {200, 202}

    def ended() -> dict[str, Any] | None:
        run: dict[str, Any] = api.http.get(f"/api/runs/{run_id}/").json()
        return run if run["state"] not in {"queued", "running"} else None

    assert wait_until(ended, 15)["state"] == "cancelled"


def test_the_same_code_is_harmless_in_plain_dispatcharr() -> None:
    program = f"def run():\n{inside(PROGRESS, 1)}    return plugarr\n\nprint(run())"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=30, cwd="/", check=True
    )
    assert done.stdout == "None\n"


def test_stored_data(api: Api, written: Written) -> None:
    source = (
        "class Plugin:\n"
        "    name = 'Stored'\n"
        "    def run(self, action, params, context):\n"
        f"{inside(STORED, 2)}"
        "        return {'id': record.id, 'teams': teams}\n"
    )
    written.enabled(KEY, source)
    assert api.result(KEY, "all") == {"id": 1, "teams": [{"_id": 1, "name": "Rovers"}]}
    served = re.search(r"served over HTTP under `(\S+)`", TEXT)
    assert served is not None
    assert api.http.get(served[1]).json()["data"] == []


def test_what_a_plugin_says_reaches_open_pages(api: Api, written: Written) -> None:
    written.enabled(KEY, f"class Plugin:\n    def run(self, action, params, context):\n{inside(UPDATE, 2)}")
    ticket = api.http.post("/api/ws-ticket/").json()["ticket"]
    with websockets.sync.client.connect(
        f"{written.platform.url.replace('http', 'ws')}/ws/?ticket={ticket}"
    ) as page:
        assert json.loads(page.recv(timeout=10))["type"] == "ready"
        api.run(KEY, "say")
        said = json.loads(page.recv(timeout=10))
    assert said["type"] == "update"
    assert said["data"] == {"type": "plugin", "plugin": KEY, "message": "Sync completed"}


def test_pages(api: Api, written: Written) -> None:
    source = (
        "from apps.plugins.models import PluginData\n"
        "class Plugin:\n"
        "    name = 'Teams'\n"
        f"{inside(PAGES, 1)}"
        "    def run(self, action, params, context):\n"
        "        teams = PluginData.objects\n"
        "        if action == 'add_team':\n"
        f"            teams.add_to_collection('{KEY}', 'teams', params)\n"
        "        else:\n"
        f"            teams.remove_from_collection('{KEY}', 'teams', params['_id'])\n"
        "        return {'status': 'ok'}\n"
    )
    key = written.enabled(KEY, source)
    assert api.plugins()[key]["errors"] == api.plugins()[key]["warnings"] == []
    served = re.search(r"`GET (\S+/page/)`", TEXT)
    assert served is not None
    form, table = api.http.get(served[1]).json()["page"]["components"]
    assert (form["type"], table["type"]) == ("form", "table")
    data = f"/api/plugins/{key}/data/{table['data_source']}/"
    api.result(key, form["submit_action"], {"name": "Rovers"})
    (row,) = api.http.get(data).json()["data"]
    api.result(key, table["row_actions"][0]["action"], row)
    assert api.http.get(data).json()["data"] == []


def test_the_commands(api: Api, platform: Platform, written: Written) -> None:
    new, check, count, add = commands(COMMANDS)
    shell = Shell(platform)
    shell.type(new)
    shell.type(check)
    shell.type("plugarr token create")
    api.await_plugin(KEY)
    # In place of what `new` wrote: the guide's class, which knows `count` and no `add_team`.
    written.replace(KEY, CLASS)
    api.enable(KEY)
    assert "Counted to 10" in shell.type(count)
    assert "Unknown action: add_team" in shell.type(add)


DEFAULTS = {
    "placement": "placement",
    "timeout": "timeout_s",
    "tasks": "task_concurrency",
    "backoff": "backoff_s",
}


def rows(heading: str) -> list[list[str]]:
    """The body of the table under the line that begins so."""
    lines = TEXT[TEXT.index(heading) :].splitlines()[2:]
    body = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def test_the_table_of_execution_is_what_the_manifest_knows() -> None:
    told = {cells[0].strip("`"): cells[-1].strip("`") for cells in rows("| key | meaning")}
    known = {DEFAULTS.get(name, name): default for name, default in told.items()}
    assert known.keys() == Execution.model_fields.keys()
    for name, field in Execution.model_fields.items():
        number = isinstance(field.default, float)
        default = f"{field.default:g}" if number else str(field.default or 0)
        assert known[name].replace("none", "0") == default, name


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        (r"The keys (.*?) are reserved", RESERVED_PLUGIN_KEYS),
        (r"\nComponents are (.*?)\.", COMPONENTS),
        (r"Types: (.*?)\.", FIELDS),
    ],
)
def test_lists_of_names_are_whole(sentence: str, names: Any) -> None:
    found = re.search(sentence, TEXT)
    assert found is not None
    assert set(re.findall(r"[a-z_]{2,}", found[1].replace(" and ", " "))) == set(names)
