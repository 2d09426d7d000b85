"""nats-server's configuration, generated from the catalogue: users, permissions, storage, limits."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bcrypt

from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser, of_service, user_name
from shared.contracts import catalog as c
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
    outside = [
        {
            "user": user_name(user.name),
            "password": _hash(passwords[user_name(user.name)]),
            "permissions": user.permissions().as_nats(),
        }
        for user in users
    ]
    commands = c.RUN_REQUESTED_BY_USER.subject.pattern()
    results = c.RUN_ENDED.subject.pattern(kind="user")
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
            "PLUGARR": {
                "jetstream": "enabled",
                "users": accounts,
                "exports": [
                    {"service": commands, "accounts": ["OUTSIDE"]},
                    {"stream": results, "accounts": ["OUTSIDE"]},
                ],
            },
            # An account of their own, since the server checks no reply subject: a stream's acknowledgement goes
            # to whatever subject the publisher names, with the server's own rights within the account.
            "OUTSIDE": {
                "users": outside,
                "imports": [
                    {"service": {"account": "PLUGARR", "subject": commands}},
                    {"stream": {"account": "PLUGARR", "subject": results}},
                ],
            },
        },
    }
    if server.monitor_port:
        config["http"] = f"127.0.0.1:{server.monitor_port}"
    # JSON is a subset of the configuration's language.
    return json.dumps(config, indent=1)


def _hash(password: str) -> str:
    # The passwords are 256 random bits: a low cost loses nothing, and connecting stays quick. The salt follows
    # from the password, so that a reload changes only the users that changed, and refuses nobody meanwhile.
    salt = f"$2a$04${hashlib.sha256(password.encode()).hexdigest()[:21]}e"
    return bcrypt.hashpw(password.encode(), salt.encode()).decode()
