"""`plugarr check PATH`: what is wrong with a plugin, before anybody installs it."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from deploy.cli.output import err, out
from shared.manifests.lint import Finding, lint
from shared.manifests.reader import is_plugin, plugin_folders, plugin_key
from shared.manifests.static import FILES

_STYLES: Final = {"error": "bold red", "warning": "yellow", "hint": "cyan"}


def check(
    path: Annotated[Path, typer.Argument(help="A plugin's folder, or a folder of plugins.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail, too.")] = False,
) -> None:
    """Check a plugin without running it: file, place, what is wrong and what to do.

    Ends with 0 if it is well, 1 if something is to be mended, 2 if there is nothing to check.
    """
    folders = _folders(path)
    if not folders:
        err.print(Text(f"error: {path} is no folder. Name the folder of a plugin."))
        raise typer.Exit(2)
    found = {folder: lint(folder) for folder in folders}
    bad = {"error", "warning"} if strict else {"error"}
    ok = not any(finding.severity in bad for findings in found.values() for finding in findings)
    if as_json:
        plugins = [
            {
                "key": plugin_key(folder.name),
                "folder": str(folder),
                "findings": [one.document() for one in findings],
            }
            for folder, findings in found.items()
        ]
        typer.echo(json.dumps({"ok": ok, "plugins": plugins}, indent=2))
    else:
        for folder, findings in found.items():
            _show(folder, findings)
    raise typer.Exit(0 if ok else 1)


def _folders(path: Path) -> list[Path]:
    """The plugin itself, the plugins in it, or the folder as one that should be a plugin."""
    if path.is_file() and path.name in FILES:
        path = path.parent
    if not path.is_dir():
        return []
    path = path.resolve()
    return [path] if is_plugin(path) else list(plugin_folders(path)) or [path]


def _show(folder: Path, findings: list[Finding]) -> None:
    counts = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in _STYLES
        if (number := sum(one.severity == severity for one in findings))
    ]
    out.print(Text.assemble((plugin_key(folder.name), "bold"), f": {', '.join(counts) or 'all is well'}"))
    for one in findings:
        place = one.file if one.line is None else f"{one.file}:{one.line}"
        said = f"{one.path} {one.message}" if one.path else one.message
        out.print(
            Text.assemble("  ", (f"{one.severity:<8}", _STYLES[one.severity]), (place, "bold"), f"  {said}")
        )
        if one.remedy:
            out.print(Text(f"          → {one.remedy}", style="dim"))
