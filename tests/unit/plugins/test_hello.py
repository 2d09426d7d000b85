import ast
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.manifest import ATTRIBUTES
from shared.manifests.normalise import described

from .conftest import ROOT, load

FOLDER = ROOT / "plugins" / "hello"


@pytest.fixture
def run() -> Any:
    plugin = load(FOLDER, "_dispatcharr_plugin_hello").Plugin()
    settings = {entry["id"]: entry["default"] for entry in plugin.fields}
    context = {"settings": settings, "logger": logging.getLogger("plugin"), "actions": {}}
    return lambda action, params: plugin.run(action, params, context)


def test_hello_greets_the_world(run: Any) -> None:
    assert run("say_hello", {}) == {"status": "ok", "message": "Hello, world!"}


def test_hello_greets_whom_it_is_told_to(run: Any) -> None:
    assert run("say_hello", {"name": "Ada"})["message"] == "Hello, Ada!"


def test_an_unknown_action_is_an_error_not_an_exception(run: Any) -> None:
    assert run("fly", {}) == {"status": "error", "message": "Unknown action: fly"}


@pytest.mark.parametrize("folder", [FOLDER, ROOT / "plugins" / "sports_calendar"], ids=lambda path: path.name)
def test_what_plugin_json_says_is_what_the_class_says(folder: Path) -> None:
    manifest = json.loads((folder / "plugin.json").read_text())
    tree = ast.parse((folder / "plugin.py").read_text())
    plugin = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Plugin")
    literals = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in plugin.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert {name: literals[name] for name in ("name", "version", "description")} == {
        name: manifest[name] for name in ("name", "version", "description")
    }
    found = described({key: literals[key] for key in ATTRIBUTES if key in literals})
    assert (found.errors, found.warnings) == ([], [])
    assert (folder / "logo.png").read_bytes().startswith(b"\x89PNG\r\n")
