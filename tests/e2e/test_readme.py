"""README.md's "A first plugin in five minutes", and the program of docs/bus.md, as they stand there."""

import subprocess
import sys

import pytest

from tests.e2e.platform import Api, Platform, wait_until
from tests.e2e.written import Written
from tests.e2e.written_docs import Shell, commands, example

CALENDAR = "sports_calendar"


@pytest.fixture
def shell(platform: Platform) -> Shell:
    return Shell(platform)


def test_a_first_plugin_in_five_minutes(api: Api, written: Written, shell: Shell) -> None:
    new, check = commands(example("README.md", "console", "plugarr new"))
    token, plugins, enable, run, logs = commands(example("README.md", "console", "token create"))
    # Its folder is what `written` removes in the end.
    key = "my_plugin"
    try:
        assert key in shell.type(new)
        folder = shell.platform.plugins_dir / key
        assert {entry.name for entry in folder.iterdir()} == {"plugin.py", "plugin.json"}
        assert key in shell.type(check)
        api.await_plugin(key, enabled=False, loaded=False)
        assert shell.type(token).startswith("plg_")
        assert "disabled" in next(line for line in shell.type(plugins).splitlines() if key in line)
        assert "is enabled" in shell.type(enable)
        assert '"status": "ok"' in shell.type(run)
        assert wait_until(lambda: "it works" in shell.type(logs), 10)
        # "Change plugin.py, and the new version is loaded by itself."
        source = folder / "plugin.py"
        source.write_text(source.read_text().replace('"Note added"', '"Note taken"'))
        wait_until(lambda: '"Note taken"' in shell.type(run), 20)
    finally:
        api.http.delete(f"/api/plugins/plugins/{key}/delete/", params={"data": "true"})


def test_the_program_of_the_bus_document_runs_an_action(api: Api, shell: Shell) -> None:
    api.enable(CALENDAR)
    create, *_ = commands(example("docs/bus.md", "console", "bus-user create"))
    said = dict(line.split(None, 1) for line in shell.type(create).splitlines())
    shown = dict(
        line.split(None, 1) for line in commands(example("docs/bus.md", "console", "bus-user create"))[1:]
    )
    assert {name: said[name] for name in ("user", "inbox", "publish", "results")} == {
        name: shown[name] for name in ("user", "inbox", "publish", "results")
    }
    program = example("docs/bus.md", "python", "nats.connect")
    assert shown["url"] in program
    here = program.replace(shown["url"], said["url"]).replace(
        'password="…"', f'password="{said["password"]}"'
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", here],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stored, result = done.stdout.splitlines()
    assert "'stream': 'RUN_CMD'" in stored
    assert "'state': 'succeeded'" in result
    shell.type("plugarr bus-user delete nightly")
