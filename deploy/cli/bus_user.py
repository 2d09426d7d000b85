"""`plugarr bus-user`: outside publishers of run commands."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli.api import DEFAULT_DATA_DIR, DataDirOption
from deploy.cli.output import err, fail, out, table
from deploy.embedded.nats import bus_users, changing_bus_users, signal_reload
from deploy.embedded.secrets import ensure_secret
from deploy.nats.permissions import BusUser, user_name
from deploy.nats.probe import wait_usable
from deploy.supervisor.data_dir import running_on
from shared.contracts.catalog import RUN_ENDED, RUN_REQUESTED_BY_USER
from shared.contracts.names import token

app = typer.Typer(
    help="Outside publishers: who may run which actions from outside, over the bus.", no_args_is_help=True
)

_ANY: Final = "any"
"""Stands for any action where a whole plugin was granted."""


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
    if running:
        _check(
            running.nats,
            user_name(name),
            password,
            inbox=f"_INBOX_user_{me}",
            subject=_subject(run[0], name),
            secrets=secrets,
        )
    out.print(f"url       {running.nats if running else 'nats://127.0.0.1:4222'}", markup=False)
    out.print(f"user      {user_name(name)}", markup=False)
    out.print(f"password  {password}", markup=False)
    out.print(f"inbox     _INBOX_user_{me}", markup=False)
    for grant in run:
        any_action = "." not in grant
        subject = _subject(grant, name)
        shown = subject.replace(f".{_ANY}.", ".<action>.") if any_action else subject
        out.print(f"publish   {shown}", markup=False)
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


def _subject(grant: str, name: str) -> str:
    plugin, _, action = grant.partition(".")
    return RUN_REQUESTED_BY_USER.subject.of(plugin=plugin, action=action or _ANY, user=name)


def _check(url: str, user: str, password: str, *, inbox: str, subject: str, secrets: Path) -> None:
    usable = wait_usable(
        url, user, password, inbox=inbox, subject=subject, again=lambda: signal_reload(secrets)
    )
    if not asyncio.run(usable):
        fail("The bus does not take this user's commands yet: try again, or restart `plugarr up`.")


def _secrets(data_dir: Path) -> Path:
    secrets = data_dir.expanduser().absolute() / "secrets"
    if not secrets.is_dir():
        fail(f"{secrets} does not exist: run `plugarr up` on this --data-dir first.")
    return secrets


def _reload(data_dir: Path, secrets: Path) -> None:
    if not signal_reload(secrets):
        err.print(f"No nats-server runs on {data_dir}: it takes this over when `plugarr up` starts it.")
