"""`plugarr new KEY`: a small plugin that works, to begin from."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from deploy.cli.output import err, out
from deploy.cli.plugin_template import PLUGIN
from shared.contracts.names import RESERVED_PLUGIN_KEYS

_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


def new(
    key: Annotated[str, typer.Argument(help="Key and folder of the plugin, e.g. sports_calendar.")],
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Where to make the folder; by default the plugin directory."),
    ] = None,
) -> None:
    """Write a plugin with settings, an action and a page, and say what to do next."""
    refusal = _refusal(key)
    if refusal is not None:
        _fail(refusal)
    folder = (directory or _plugin_directory()).expanduser() / key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError:
        _fail(f"{folder} exists already: choose another key, or remove it")
    except OSError as error:
        _fail(f"{folder} cannot be made ({error.strerror}): choose another place with --dir")
    name = key.replace("_", " ").title()
    (folder / "plugin.py").write_text(PLUGIN.replace("__KEY__", key).replace("__NAME__", name), "utf-8")
    declared = {
        "name": name,
        "version": "0.1.0",
        "description": "What it does, in one sentence.",
        "author": "",
    }
    (folder / "plugin.json").write_text(json.dumps(declared, indent=2) + "\n", "utf-8")
    out.print(Text(f"{folder} is a plugin now. Next:", style="bold"))
    for step in (
        f"open {folder / 'plugin.py'} and change what it does",
        f"plugarr check {folder}",
        f"plugarr up, then plugarr enable {key}; a change of its files is picked up by itself",
        f'plugarr run {key} add_note --params \'{{"text": "it works"}}\'',
    ):
        out.print(Text(f"  • {step}"))


def _refusal(key: str) -> str | None:
    if key in RESERVED_PLUGIN_KEYS:
        return f'the key "{key}" is reserved for the platform: try "{key}_plugin"'
    if _KEY.fullmatch(key) is None:
        near = re.sub(r"[^a-z0-9_]+", "_", key.lower()).strip("_0123456789")[:64]
        hint = f', e.g. "{near}"' if near else ""
        return f'"{key}" is no good key: use a-z, 0-9 and _, beginning with a letter{hint}'
    if key in sys.stdlib_module_names:
        return f'"{key}" is a module of Python itself: try "{key}_plugin"'
    return None


def _plugin_directory() -> Path:
    said = os.environ.get("PLUGARR_PLUGINS_DIR") or os.environ.get("DISPATCHARR_PLUGINS_DIR")
    return Path(said) if said else Path("data/plugins")


def _fail(message: str) -> None:
    err.print(Text(f"error: {message}"))
    raise typer.Exit(1)
