"""docs/walkthrough.md, executed from its first command to its last on a platform of its own."""

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from deploy.embedded.process import free_port
from tests.e2e.platform import ROOT, Platform


@pytest.mark.timeout(120)
def test_every_command_of_the_walkthrough_works(own_platform: Callable[..., Platform]) -> None:
    mine = own_platform()
    mine.start(administrator=False)
    text = (ROOT / "docs" / "walkthrough.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    assert script.count("api ") > 10
    # The reader's own platform is another one: its address, its plugin directory, its folder for files.
    for written, here in {
        "http://localhost:9191": mine.url,
        "data/plugins/": f"{mine.plugins_dir}/",
        "cp -r plugins/": f"cp -r {ROOT}/plugins/",
        "/tmp/plugarr-walkthrough": str(mine.folder / "walkthrough"),
        "9292": str(free_port()),
    }.items():
        assert written in script, written
        script = script.replace(written, here)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        cwd=mine.folder,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:] + mine.tail()
    answers = [
        json.loads(found)
        for found in re.findall(r'\{"success".*?\}(?=\{|\n|$)', done.stdout)
        if _is_json(found)
    ]
    assert len(answers) > 8
    assert "The final" in done.stdout
    assert "Plugin 'zipped' not found" in done.stdout


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
