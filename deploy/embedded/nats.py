"""A real nats-server with JetStream, the catalogue's users, and outside publishers."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from deploy.embedded.process import command_line, start, start_ready, wait_for_port
from deploy.embedded.secrets import ensure_secret
from deploy.nats.config import Server, nats_config
from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser, user_name

_USERS: Final = "bus-users.json"
_SERVER: Final = "nats-server.json"
_PID: Final = "nats-server.pid"
_LOCK: Final = "bus-users.lock"


@dataclass(frozen=True)
class Nats:
    """Where the embedded nats-server is and what it stores."""

    binary: Path
    store: Path
    log: Path
    secrets: Path
    port: int = 4222
    durability: Literal["standard", "strict"] = "standard"

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.secrets / "nats-server.conf"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it and wait until it accepts connections."""
        return start_ready(self.launch, self.prepare)

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the process, no more."""
        self.store.mkdir(parents=True, exist_ok=True)
        self.write_config()
        return start([self.binary, "-c", self.config, "-P", self.secrets / _PID], log=self.log)

    def prepare(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait until it accepts connections. Raises Failed."""
        wait_for_port(process, "127.0.0.1", self.port, self.log, 30)

    def write_config(self) -> None:
        """Write the configuration anew, from the catalogue and the outside publishers on file."""
        users = bus_users(self.secrets)
        names = [*SERVICES, PROVISIONER, *(user_name(user.name) for user in users)]
        passwords = {name: ensure_secret(self.secrets, f"nats-{name}") for name in names}
        server = Server(store=self.store, port=self.port, durability=self.durability)
        text = nats_config(server, passwords, users)
        _write(self.config, text)
        # What a reload from another process must leave as it is.
        kept = {"binary": str(self.binary), "store": str(self.store), "log": str(self.log)}
        _write(self.secrets / _SERVER, json.dumps({**kept, "port": self.port, "durability": self.durability}))

    def reload(self) -> bool:
        """Have a running server take the configuration over; False where none runs."""
        return signal_reload(self.secrets)


def signal_reload(secrets: Path) -> bool:
    """Write a server's users anew and have it take them over; False where none runs."""
    try:
        settings = json.loads((secrets / _SERVER).read_text())
        pid = int((secrets / _PID).read_text())
        runs = str(secrets) in command_line(pid)
    except (OSError, ValueError):
        return False
    if not runs:
        # It ended, and another process may have its number by now.
        return False
    Nats(
        binary=Path(settings["binary"]),
        store=Path(settings["store"]),
        log=Path(settings["log"]),
        secrets=secrets,
        port=settings["port"],
        durability=settings["durability"],
    ).write_config()
    os.kill(pid, signal.SIGHUP)
    return True


def bus_users(secrets: Path) -> list[BusUser]:
    """The outside publishers that `plugarr bus-user` made."""
    try:
        entries = json.loads((secrets / _USERS).read_text())
    except FileNotFoundError:
        return []
    return [BusUser(name=name, runs=tuple(runs)) for name, runs in sorted(entries.items())]


def save_bus_users(secrets: Path, users: list[BusUser]) -> None:
    """Keep the outside publishers on file."""
    _write(secrets / _USERS, json.dumps({user.name: list(user.runs) for user in users}, indent=1))


@contextlib.contextmanager
def changing_bus_users(secrets: Path) -> Iterator[dict[str, BusUser]]:
    """The outside publishers by name, to be changed in place: kept on file afterwards, one change at a time."""
    with (secrets / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = {user.name: user for user in bus_users(secrets)}
        yield users
        save_bus_users(secrets, list(users.values()))


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
