"""`plugarr up`: the whole platform on this machine."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.cli.output import fail
from deploy.embedded.binaries import Unusable
from deploy.embedded.process import Failed
from deploy.supervisor.console import LogConsole
from deploy.supervisor.platform import InUse, Plan, Platform


def up(
    *,
    host: Annotated[
        str,
        typer.Option(envvar="PLUGARR_HOST", help="Address to listen on; beyond loopback only if you say so."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PLUGARR_PORT", min=1, max=65535, help="Port of the UI and API.")
    ] = 9191,
    data_dir: Annotated[
        Path, typer.Option(envvar="PLUGARR_DATA_DIR", file_okay=False, help="State of this machine.")
    ] = Path("data"),
    plugins_dir: Annotated[
        Path | None,
        typer.Option(
            envvar=["PLUGARR_PLUGINS_DIR", "DISPATCHARR_PLUGINS_DIR"],
            file_okay=False,
            help="Where plugins lie; by default DATA_DIR/plugins.",
        ),
    ] = None,
    executors: Annotated[int, typer.Option(min=1, max=32, help="How many executors share the plugins.")] = 1,
    data_replicas: Annotated[
        int, typer.Option(min=1, max=32, help="How many data services share the work.")
    ] = 1,
    mongod: Annotated[
        str | None, typer.Option(help="A mongod of your own (6.0 or newer) instead of the wheel's.")
    ] = None,
    nats_server: Annotated[
        str | None, typer.Option(help="A nats-server of your own (2.12 or newer).")
    ] = None,
    nats_port: Annotated[
        int,
        typer.Option(
            envvar="PLUGARR_NATS_PORT", min=1, max=65535, help="Port of the bus; another if it is taken."
        ),
    ] = 4222,
    durability: Annotated[
        Literal["standard", "strict"],
        typer.Option(
            envvar="PLUGARR_DURABILITY", help="strict survives power loss too; standard may lose a second."
        ),
    ] = "standard",
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(envvar="PLUGARR_LOG_LEVEL")
    ] = "info",
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="One JSON object a line instead of columns.")
    ] = False,
) -> None:
    """Run everything on this machine: a real nats-server, a real mongod and the four services.

    Ctrl-C ends it within five seconds. What dies meanwhile is started again.
    """
    data_dir = data_dir.expanduser().absolute()
    plan = Plan(
        data_dir=data_dir,
        plugins_dir=(plugins_dir or data_dir / "plugins").expanduser().absolute(),
        host=host,
        port=port,
        executors=executors,
        data_replicas=data_replicas,
        mongod=mongod,
        nats_server=nats_server,
        nats_port=nats_port,
        durability=durability,
        log_level=log_level,
    )
    # Secrets and state are for this user only.
    os.umask(0o077)
    try:
        asyncio.run(Platform(plan, LogConsole(raw=json_logs)).run())
    except (InUse, Unusable, Failed) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or data_dir} cannot be used: {error.strerror}. Is the disk full or read-only?")
