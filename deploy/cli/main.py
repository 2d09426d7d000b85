"""`plugarr`: the commands."""

import typer

from deploy.cli import bus_user, platform_commands
from deploy.cli.check import check
from deploy.cli.new import new
from deploy.cli.up import up

app = typer.Typer(
    help="Plugarr, the plugin platform of Dispatcharr.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(up)
app.command()(platform_commands.plugins)
app.command()(platform_commands.enable)
app.command()(platform_commands.disable)
app.command()(platform_commands.run)
app.command()(platform_commands.logs)
app.command()(new)
app.command()(check)
token = typer.Typer(help="API keys for commands and other programs.", no_args_is_help=True)
token.command("create")(platform_commands.token_create)
app.add_typer(token, name="token")
app.add_typer(bus_user.app, name="bus-user")

if __name__ == "__main__":
    app()
