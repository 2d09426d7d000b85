"""Reading the documents as their readers do: the examples in them, and a shell to type the commands into."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.platform import ADMIN, ROOT, Platform


def examples(document: str) -> list[tuple[str, str]]:
    """The language and text of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


def example(document: str, language: str, holding: str) -> str:
    """The one block of a language that holds this text."""
    found = [text for said, text in examples(document) if said == language and holding in text]
    assert len(found) == 1, f"{document}: {len(found)} {language} blocks hold {holding!r}"
    return found[0]


def commands(block: str) -> list[str]:
    """The command lines of a block, without their comments."""
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines())
    return [line.removeprefix("$ ") for line in lines if line and not line.startswith("#")]


class Shell:
    """A terminal beside a running platform: its data and plugin directories, the administrator's name."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def type(self, command: str, *, ok: bool = True) -> str:
        """Run a command line of a document; what it printed. Paths are those of the platform."""
        here = command.replace("data/plugins/", f"{self.platform.plugins_dir}/").replace(".venv/bin/", "")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            capture_output=True,
            text=True,
            cwd=self.platform.folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PLUGARR_DATA_DIR": str(self.platform.data_dir),
                "PLUGARR_PLUGINS_DIR": str(self.platform.plugins_dir),
                "PLUGARR_ADMIN_USER": ADMIN[0],
                "PLUGARR_ADMIN_PASSWORD": ADMIN[1],
                "COLUMNS": "200",
            },
            timeout=60,
            check=False,
        )
        said = f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert (done.returncode == 0) is ok, said + self.platform.tail()
        return done.stdout
