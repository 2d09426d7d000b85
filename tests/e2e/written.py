"""Plugins that a test writes itself, gone with their data when it ends."""

import shutil
import textwrap
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from tests.e2e.platform import Api, Platform, wait_until

Files = str | Mapping[str, str | bytes]
"""The text of `plugin.py`, or files by their path."""

EVALUATING = """
    import json, logging, os, sys, threading, time, warnings
    from pathlib import Path

    class Plugin:
        name = "Evaluating"
        def run(self, action, params, context):
            return {"value": eval(params["code"], {**globals(), "self": self, "context": context})}
"""
"""A plugin that gives the value of an expression."""


def key_of(folder: str) -> str:
    return folder.replace(" ", "_").lower()


_NUMBERS = count()


class Written:
    """Writes plugins into the plugin directory of a platform, and deletes them."""

    def __init__(self, platform: Platform, api: Api) -> None:
        self.platform = platform
        self.api = api
        self._folders: dict[str, None] = {}

    def write(self, folder: str, files: Files) -> str:
        """Put a folder into the plugin directory at once, in place of one of that name; its key."""
        self._folders[folder] = None
        number = next(_NUMBERS)
        draft = self.platform.folder / f".draft-{number}-{folder}"
        for name, content in ({"plugin.py": files} if isinstance(files, str) else files).items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        target = self.platform.plugins_dir / folder
        if target.exists():
            target.rename(self.platform.folder / f".old-{number}-{folder}")
        draft.rename(target)
        return key_of(folder)

    def listed(self, folder: str, files: Files) -> dict[str, Any]:
        """Write it, and wait until it is listed."""
        return self.api.await_plugin(self.write(folder, files))

    def enabled(self, folder: str, files: Files) -> str:
        """Write it and enable it; its key."""
        key = self.write(folder, files)
        plugin = self.api.enable(key)
        assert plugin["loaded"], plugin["errors"]
        return key

    def replace(self, folder: str, files: Files) -> dict[str, Any]:
        """Write another version over it, and wait until that one is listed."""
        key = key_of(folder)
        before = self.api.plugins()[key]["digest"]
        self.write(folder, files)
        return wait_until(
            lambda: p if (p := self.api.plugins()[key])["digest"] != before else None, 20, lambda: key
        )

    def note(self, name: str) -> Path:
        """What a plugin sees as `/data/<name>`."""
        return self.platform.data_dir / "files" / name

    def value(self, key: str, code: str) -> Any:
        """What an expression gives inside an `EVALUATING` plugin."""
        return self.api.result(key, "eval", {"code": code})["value"]

    def log(self, run_id: str, wanted: str = "") -> list[dict[str, Any]]:
        """The lines of a run's log, as soon as one holds what is wanted."""

        def read() -> list[dict[str, Any]] | None:
            answer = self.api.http.get(f"/api/runs/{run_id}/log/")
            assert answer.status_code == 200, answer.text
            lines: list[dict[str, Any]] = answer.json()["lines"]
            return lines if any(wanted in line["message"] for line in lines) else None

        return wait_until(read, 10, lambda: self.api.http.get(f"/api/runs/{run_id}/log/").text)

    def remove(self) -> None:
        """Delete every plugin that was written, with its data."""
        for folder in self._folders:
            path = f"/api/plugins/plugins/{key_of(folder)}/delete/"
            answer = self.api.http.delete(path, params={"data": "true"})
            assert answer.status_code in {200, 404}, answer.text
            shutil.rmtree(self.platform.plugins_dir / folder, ignore_errors=True)  # where it was no plugin
