"""`plugarr bus-user`: outside publishers of run commands."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.api import DEFAULT_DATA_DIR, DataDirOption
from deploy.cli.output import err, fail, out, table
from deploy.embedded.nats import bus_users, changing_bus_users, signal_reload
from deploy.embedded.secrets import ensure_secret
from deploy.nats.permissions import BusUser, user_name
from deploy.supervisor.data_dir import running_on
from shared.contracts.catalog import RUN_ENDED, RUN_REQUESTED_BY_USER
from shared.contracts.names import token

app = typer.Typer(
    help="Outside publishers: who may run which actions from outside, over the bus.", no_args_is_help=True
)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The publisher's name; runs show it as their actor.")],
    *,
    run: Annotated[
        list[str], typer.Option("--run", help="PLUGIN or PLUGIN.ACTION; may be given several times.")
    ],
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Make a bus user that may run these actions and read the results of its own runs; or change what it may."""
    if not name or len(name) > 100:
        fail("A name has 1 to 100 characters.", code=2)
    for grant in run:
        plugin, _, action = grant.partition(".")
        if not plugin or (("." in grant) and not action):
            fail(f"--run {grant!r} names no plugin, or no action after the dot.", code=2)
    secrets = _secrets(data_dir)
    with changing_bus_users(secrets) as users:
        users[name] = BusUser(name, tuple(run))
    password = ensure_secret(secrets, f"nats-{user_name(name)}")
    _reload(data_dir, secrets)
    running = running_on(data_dir.expanduser().absolute())
    me = token(name)
    out.print(f"url       {running.nats if running else 'nats://127.0.0.1:4222'}", markup=False)
    out.print(f"user      {user_name(name)}", markup=False)
    out.print(f"password  {password}", markup=False)
    out.print(f"inbox     _INBOX_user_{me}", markup=False)
    for grant in run:
        plugin, _, action = grant.partition(".")
        subject = RUN_REQUESTED_BY_USER.subject.of(plugin=plugin, action=action or "x", user=name)
        out.print(f"publish   {subject if action else subject.replace('.x.', '.<action>.')}", markup=False)
    out.print(f"results   {RUN_ENDED.subject.pattern(kind='user', caller=name)}", markup=False)
    err.print("docs/bus.md shows how to publish a run command and read its result.")


@app.command("list")
def list_users(*, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """List the bus users and what they may run."""
    users = bus_users(_secrets(data_dir))
    table(
        f"{len(users)} bus users", ["name", "may run"], [[user.name, ", ".join(user.runs)] for user in users]
    )


@app.command("delete")
def delete(name: str, *, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Take a bus user's access away."""
    secrets = _secrets(data_dir)
    with changing_bus_users(secrets) as users:
        if users.pop(name, None) is None:
            fail(f"There is no bus user {name!r}: `plugarr bus-user list` shows them.")
    (secrets / f"nats-{user_name(name)}").unlink(missing_ok=True)
    _reload(data_dir, secrets)


def _secrets(data_dir: Path) -> Path:
    secrets = data_dir.expanduser().absolute() / "secrets"
    if not secrets.is_dir():
        fail(f"{secrets} does not exist: run `plugarr up` on this --data-dir first.")
    return secrets


def _reload(data_dir: Path, secrets: Path) -> None:
    if not signal_reload(secrets):
        err.print(f"No nats-server runs on {data_dir}: it takes this over when `plugarr up` starts it.")
