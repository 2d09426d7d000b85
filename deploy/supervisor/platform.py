"""The whole platform on one machine: which processes, in which order, with which settings."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.nats import Nats
from deploy.embedded.process import bound_log, free_port
from deploy.embedded.secrets import ensure_secrets
from deploy.supervisor.child import Child, Keeper
from deploy.supervisor.console import LogConsole
from deploy.supervisor.data_dir import DataDir, InUse, Running
from deploy.supervisor.storage import StorageWatch
from shared.service import bind_or_exit

READY_WITHIN_S: Final = 60.0
_LOOK_AT_LOGS_S: Final = 60.0
_LOOK_AT_STORAGE_S: Final = 2.0
_BUS: Final = "nats-server"
_NOT_FOR_ALL: Final = frozenset(
    f"PLUGARR_{name}"
    for name in ("NATS_USER", "NATS_PASSWORD", "NATS_TLS_CA", "INSTANCE", "HEALTH_PORT", "HEALTH_HOST")
)
SERVICE_GRACE_S: Final = 2.5
"""`plugarr up` ends within 5 s: services get so much of it, the servers under them the rest."""


@dataclass(frozen=True)
class Plan:
    """What `plugarr up` was asked for."""

    data_dir: Path
    plugins_dir: Path
    host: str = "127.0.0.1"
    port: int = 9191
    executors: int = 1
    data_replicas: int = 1
    mongod: str | None = None
    nats_server: str | None = None
    nats_port: int = 4222
    durability: Literal["standard", "strict"] = "standard"
    log_level: str = "info"


class Platform:
    """Starts everything, keeps it running, and ends it in order."""

    def __init__(self, plan: Plan, console: LogConsole) -> None:
        self._plan = plan
        self._console = console
        self._dir = DataDir(plan.data_dir)
        self._keepers: list[Keeper] = []
        self._enough = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM. Raises InUse, Unusable, Failed or SystemExit with a remedy."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._enough.set)
        began = time.monotonic()
        self._dir.take()
        try:
            children = self._children()
            bind_or_exit(self._plan.host, self._plan.port, "--port or PLUGARR_PORT").close()
            if await self._started(children):
                self._console.say(
                    f"Plugarr is ready after {time.monotonic() - began:.1f} s: "
                    f"http://{_shown(self._plan.host)}:{self._plan.port} (Ctrl-C ends it)",
                    style="bold green",
                )
                await asyncio.gather(self._watch_logs(), self._watch_storage())
        finally:
            await self._ended()
            self._dir.release()

    def _children(self) -> list[list[Child]]:
        """The processes in groups: one group is started when the one before is ready."""
        plan = self._plan
        nats_binary = binaries.nats_server(plan.nats_server)
        mongo_binary = binaries.mongod(plan.mongod)
        self._dir.check_versions(
            {
                "plugarr": version("plugarr"),
                "nats-server": binaries.version_of(nats_binary),
                "mongod": binaries.version_of(mongo_binary),
            }
        )
        secrets_dir = plan.data_dir / "secrets"
        secrets = ensure_secrets(secrets_dir)
        logs = plan.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        nats = Nats(
            binary=nats_binary,
            store=plan.data_dir / "nats",
            log=logs / f"{_BUS}.log",
            secrets=secrets_dir,
            port=self._nats_port(),
            durability=plan.durability,
        )
        mongo = Mongo(
            binary=mongo_binary,
            store=plan.data_dir / "mongo",
            log=logs / "mongod.log",
            keyfile=secrets_dir / "mongo-keyfile",
            root_password=secrets["mongo-root"],
            data_password=secrets["mongo-data"],
            port=free_port(),
        )
        self._dir.announce(
            Running(pid=os.getpid(), gateway=f"http://{_shown(plan.host)}:{plan.port}", nats=nats.url)
        )
        services = _Services(plan, nats.url, mongo.url_without_user, secrets_dir)
        return [
            [
                Child(_BUS, (), launch=nats.launch, prepare=nats.prepare),
                Child("mongod", (), launch=mongo.launch, prepare=mongo.prepare),
            ],
            [services.child("provisioner", module="deploy.provisioner")],
            [
                *(services.child("data", number) for number in range(1, plan.data_replicas + 1)),
                services.child("registry"),
                *(services.child("executor", number) for number in range(1, plan.executors + 1)),
                services.gateway(),
            ],
        ]

    def _nats_port(self) -> int:
        try:
            bind_or_exit("127.0.0.1", self._plan.nats_port, "--nats-port").close()
        except SystemExit:
            port = free_port()
            self._console.say(
                f"Port {self._plan.nats_port} is taken: the bus is on {port} this time (--nats-port chooses)"
            )
            return port
        return self._plan.nats_port

    async def _started(self, groups: list[list[Child]]) -> bool:
        """Start group after group; False where it was interrupted meanwhile."""
        for group in groups:
            names = ", ".join(child.name for child in group)
            self._console.say(f"starting {names}")
            keepers = [Keeper(child, self._console) for child in group]
            for keeper in keepers:
                self._keepers.append(keeper)
                keeper.start()
            all_ready = asyncio.create_task(_all_ready(keepers))
            enough = asyncio.create_task(self._enough.wait())
            await asyncio.wait({all_ready, enough}, return_when=asyncio.FIRST_COMPLETED)
            enough.cancel()
            if not all_ready.done():
                all_ready.cancel()
                return False
            for keeper, ready in zip(keepers, all_ready.result(), strict=True):
                if not ready:
                    reason = await keeper.not_ready_because()
                    self._console.say(f"{keeper.child.name} is not ready yet: {reason}", style="yellow")
        return True

    async def _watch_logs(self) -> None:
        """Until the end: keep the servers' logs from filling the disk."""
        while not self._enough.is_set():
            for log in (self._plan.data_dir / "logs").glob("*.log"):
                bound_log(log)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AT_LOGS_S):
                    await self._enough.wait()

    async def _watch_storage(self) -> None:
        """Until the end: have a bus that could not write for want of room write again once there is room."""
        keeper = next(keeper for keeper in self._keepers if keeper.child.name == _BUS)
        watch = StorageWatch(
            log=self._plan.data_dir / "logs" / f"{_BUS}.log",
            store=self._plan.data_dir / "nats",
            restart=lambda: keeper.restart("it could not write, and there is room again"),
        )
        while not self._enough.is_set():
            watch.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AT_STORAGE_S):
                    await self._enough.wait()

    async def _ended(self) -> None:
        self._console.say("ending")
        services = [keeper for keeper in self._keepers if keeper.child.launch is None]
        servers = [keeper for keeper in self._keepers if keeper.child.launch is not None]
        # Requests stop first, then the work behind them, then what it stands on.
        edge = [keeper for keeper in services if keeper.child.name == "gateway"]
        rest = [keeper for keeper in services if keeper.child.name != "gateway"]
        await asyncio.gather(*(keeper.stop(0.8) for keeper in edge))
        await asyncio.gather(*(keeper.stop(SERVICE_GRACE_S) for keeper in rest))
        await asyncio.gather(*(keeper.stop(1.2) for keeper in servers))


class _Services:
    """Command lines and environments of our own services."""

    def __init__(self, plan: Plan, nats_url: str, mongo_url: str, secrets_dir: Path) -> None:
        self._plan = plan
        self._env = {
            # What the operator set for one service alone would be wrong for all of them.
            **{name: value for name, value in os.environ.items() if name not in _NOT_FOR_ALL},
            "PYTHONUNBUFFERED": "1",
            "PLUGARR_NATS_URL": nats_url,
            "PLUGARR_MONGO_URL": mongo_url,
            "PLUGARR_SECRETS_DIR": str(secrets_dir),
            "PLUGARR_DATA_DIR": str(plan.data_dir),
            "PLUGARR_PLUGINS_DIR": str(plan.plugins_dir),
            "PLUGARR_HOST": plan.host,
            "PLUGARR_PORT": str(plan.port),
            "PLUGARR_DURABILITY": plan.durability,
            "PLUGARR_GRACE_S": "2",
            "PLUGARR_LOG_FORMAT": "json",
            "PLUGARR_LOG_LEVEL": plan.log_level,
        }

    def child(self, name: str, number: int = 1, *, module: str | None = None) -> Child:
        """A service on a health port of its own."""
        port = free_port()
        shown = name if number == 1 and self._only(name) else f"{name}-{number}"
        return Child(
            shown,
            [sys.executable, "-m", module or f"services.{name}"],
            {**self._env, "PLUGARR_HEALTH_PORT": str(port), "PLUGARR_INSTANCE": f"{shown}-{os.getpid()}"},
            ready_url=f"http://127.0.0.1:{port}/readyz",
        )

    def gateway(self) -> Child:
        """The gateway answers probes on its own port."""
        env = {**self._env, "PLUGARR_INSTANCE": f"gateway-{os.getpid()}"}
        url = f"http://{_reached(self._plan.host)}:{self._plan.port}/readyz"
        return Child("gateway", [sys.executable, "-m", "services.gateway"], env, ready_url=url)

    def _only(self, name: str) -> bool:
        replicas = {"executor": self._plan.executors, "data": self._plan.data_replicas}
        return replicas.get(name, 1) == 1


async def _all_ready(keepers: list[Keeper]) -> list[bool]:
    return await asyncio.gather(*(keeper.wait_ready(READY_WITHIN_S) for keeper in keepers))


def _shown(host: str) -> str:
    """The host as people may type it into a browser on this machine."""
    return "localhost" if host in {"127.0.0.1", "0.0.0.0"} else _reached(host)  # noqa: S104 - only compared


def _reached(host: str) -> str:
    """The address at which something that listens on `host` is reached from here, as URLs have it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
    return f"[{host}]" if ":" in host else host


__all__ = ["InUse", "Plan", "Platform"]
