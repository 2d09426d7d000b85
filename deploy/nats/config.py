"""nats-server's configuration, generated from the catalogue: users, permissions, storage, limits."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bcrypt

from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser, of_service, user_name
from shared.contracts.streams import RESERVED_BYTES


@dataclass(frozen=True)
class Server:
    """Where one nats-server listens and stores."""

    store: Path
    host: str = "127.0.0.1"
    port: int = 4222
    monitor_port: int | None = None
    durability: Literal["standard", "strict"] = "standard"


def nats_config(server: Server, passwords: Mapping[str, str], users: Iterable[BusUser] = ()) -> str:
    """The configuration's text. `passwords`: user → password, kept in it as bcrypt hashes only."""
    accounts = [
        {"user": name, "password": _hash(passwords[name]), "permissions": of_service(name).as_nats()}
        for name in (*SERVICES, PROVISIONER)
    ]
    for user in users:
        name = user_name(user.name)
        permissions = user.permissions().as_nats()
        accounts.append({"user": name, "password": _hash(passwords[name]), "permissions": permissions})
    config: dict[str, Any] = {
        "server_name": "plugarr",
        "listen": f"{server.host}:{server.port}",
        # A document may have a mebibyte, and a run half of one each of params and result: answers carry them whole.
        "max_payload": 4 * 1024 * 1024,
        "max_pending": 64 * 1024 * 1024,
        "write_deadline": "10s",
        "jetstream": {
            "store_dir": str(server.store),
            # A quarter more than the streams may hold: their bookkeeping counts too.
            "max_file_store": RESERVED_BYTES * 5 // 4,
            "max_memory_store": 256 * 1024**2,
            "sync_interval": "always" if server.durability == "strict" else "1s",
        },
        "accounts": {
            # No user of the system account: nobody needs it here.
            "$SYS": {"users": []},
            "PLUGARR": {"jetstream": "enabled", "users": accounts},
        },
    }
    if server.monitor_port:
        config["http"] = f"127.0.0.1:{server.monitor_port}"
    # JSON is a subset of the configuration's language.
    return json.dumps(config, indent=1)


def _hash(password: str) -> str:
    # The passwords are 256 random bits: a low cost loses nothing, and connecting stays quick.
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()
