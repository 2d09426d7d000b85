"""`plugarr`: the commands."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

_COMMANDS: Final = {
    "up": "deploy.cli.up:up",
    "plugins": "deploy.cli.platform_commands:plugins",
    "enable": "deploy.cli.platform_commands:enable",
    "disable": "deploy.cli.platform_commands:disable",
    "run": "deploy.cli.platform_commands:run",
    "logs": "deploy.cli.platform_commands:logs",
    "schedules": "deploy.cli.schedules:schedules",
    "new": "deploy.cli.new:new",
    "check": "deploy.cli.check:check",
    "token": "deploy.cli.platform_commands:token",
    "bus-user": "deploy.cli.bus_user:app",
}
"""Name → where it is. Imported when it is called: most commands ask over HTTP and need none of what `up` needs."""


class Commands(TyperGroup):
    """The commands by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        del ctx
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(found)
        command = get_command(alone)
        assert isinstance(command, TyperCommand)
        return command


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)


@app.callback()
def main() -> None:
    """Plugarr, the plugin platform of Dispatcharr."""


if __name__ == "__main__":
    app()
