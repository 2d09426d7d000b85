"""The host application's database, as a plugin's process is told of it."""

import sys
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

LONGEST_S: Final = 20.0
"""How long a transaction on SQLite may be open: all plugins wait while one of them writes."""
_WAIT_S: Final = 30
_SCHEMES: Final = frozenset({"postgres", "postgresql", "psql"})

given: dict[str, str] = {}
"""`path` of the SQLite file, or `url` of a PostgreSQL database; empty where there is no platform."""


class NoHostDatabase(RuntimeError):
    """What the operator gave as host database cannot be used."""


def use(config: Mapping[str, str] | None) -> None:
    """Take what the executor says."""
    given.clear()
    given.update(config or {})


def is_sqlite() -> bool:
    """Whether the tables are in a file of ours; else they belong to a running Dispatcharr."""
    return "url" not in given


def database_settings() -> dict[str, Any]:
    """Django's settings of the one database. Raises `NoHostDatabase`."""
    if url := given.get("url"):
        return postgresql(url)
    return {
        "ENGINE": "plugarr_host.sqlite",
        "NAME": given.get("path", ":memory:"),
        "OPTIONS": {
            "timeout": _WAIT_S,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def postgresql(url: str) -> dict[str, Any]:
    """The settings that a URL stands for. Raises `NoHostDatabase`."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.path.strip("/"):
        raise NoHostDatabase(
            "PLUGARR_HOST_DATABASE_URL must look like postgresql://user:password@host:5432/database"
        )
    return {
        "ENGINE": "plugarr_host.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": {"connect_timeout": 10, **dict(parse_qsl(parts.query))},
    }


def close_connections() -> None:
    """Close this thread's connections, as Django does at the end of a request; nothing without Django."""
    django_db = sys.modules.get("django.db")
    if django_db is not None and django_ready():
        django_db.connections.close_all()


def django_ready() -> bool:
    """Whether Django was set up in this process."""
    registry = sys.modules.get("django.apps")
    return registry is not None and bool(registry.apps.ready)
