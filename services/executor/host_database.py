"""The host application's database, as this executor's plugins get it: a file of the site, or a URL."""

import asyncio
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from services.executor.hosts.options import HostDatabase
from services.executor.hosts.sandbox import site_packages
from shared import errors
from shared.logging import get_logger

_ROOTS: Final = Path(__file__).resolve().parent
_PROGRAM: Final = _ROOTS / "host" / "start.py"
_MIGRATES_FOR_S: Final = 300.0
_LAST_WORDS: Final = 2000

log = get_logger(__name__)


class Tables:
    """Has the tables there, and as new as this Plugarr, before the first plugin that needs them is loaded."""

    def __init__(self, database: HostDatabase, state_dir: Path) -> None:
        self._database = database
        self._lock_file = state_dir / "host-database.lock"
        self._there = bool(database.url)
        self._one = asyncio.Lock()

    async def ready(self) -> None:
        """Return when plugins can use the tables. Raises Unavailable."""
        if not self._there:
            async with self._one:
                await self._look()

    async def _look(self) -> None:
        wanted = schema_version()
        if not self._there and await asyncio.to_thread(_stored_version, self._database.file) != wanted:
            await self._migrate(wanted)
        self._there = True

    async def _migrate(self, wanted: str) -> None:
        """Several executors may do this at once: the program waits for its turn, and looks again."""
        file = self._database.file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        config = {
            "role": "migrate",
            "paths": [str(_ROOTS / "host"), str(_ROOTS / "compat"), *site_packages()],
            "hidden": site_packages(),
            "database": {"path": str(file)},
            "lock": str(self._lock_file),
            "version": wanted,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_PROGRAM), json.dumps(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ},
        )
        try:
            async with asyncio.timeout(_MIGRATES_FOR_S):
                said, complained = await process.communicate()
        except TimeoutError:
            raise errors.Unavailable(
                f"the host database was not ready within {_MIGRATES_FOR_S:g} s: {file}"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            last = complained.decode(errors="replace").strip()[-_LAST_WORDS:]
            log.error("host_database_not_ready", file=str(file), reason=last)
            raise errors.Unavailable(f"the host database cannot be made ready: {last.splitlines()[-1:]}")
        log.info("host_database_ready", file=str(file), **_said(said))


def schema_version() -> str:
    """What the tables depend on: our migrations, and the packages whose tables stand beside ours."""
    parts = sorted(str(file.relative_to(_ROOTS)) for file in _ROOTS.glob("compat/**/migrations/0*.py"))
    parts += [f"{name} {version(name)}" for name in ("django", "django-celery-beat")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _stored_version(file: Path) -> str | None:
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as connection:
            row: Sequence[Any] | None = connection.execute("SELECT version FROM plugarr_schema").fetchone()
    except sqlite3.Error:
        return None  # not yet made, or being made: the program that waits for its turn finds out
    return str(row[0]) if row else None


def _said(line: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return said
