"""A PostgreSQL of a test's own, with tables such as a running Dispatcharr has."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.embedded.process import free_port
from tests.e2e.platform import ROOT, wait_until

EXECUTOR = ROOT / "services" / "executor"
MAKES_TABLES = """
import sys
sys.path[:0] = sys.argv[2:]
from plugarr_host import host_database
host_database.use({"url": sys.argv[1]})
from plugarr_host import migrate
from plugarr_host.django_ready import ready
ready()
from django.db import connection
migrate.create_all(connection)
migrate.seed()
"""


def programs() -> Path:
    """Where its programs are: Debian puts only some of them on PATH."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if known:
        return known[-1]
    found = shutil.which("postgres")
    assert found is not None, "PostgreSQL is not installed: make preflight says how"
    return Path(found).resolve().parent


def as_user(*command: str | Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.getuid() == 0 else words


@contextmanager
def running() -> Iterator[str]:
    """The URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="plugarr-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    port = free_port()
    bin_ = programs()
    initdb = as_user(bin_ / "initdb", "-D", folder / "db", "-A", "trust", "-U", "plugarr", "-E", "UTF8", "-N")
    subprocess.run(initdb, check=True, capture_output=True, cwd="/")
    quick = [
        word for name in ("fsync", "synchronous_commit", "full_page_writes") for word in ("-c", f"{name}=off")
    ]
    server = subprocess.Popen(
        as_user(bin_ / "postgres", "-D", folder / "db", "-p", str(port), "-k", folder, *quick),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    url = f"postgresql://plugarr:secret@127.0.0.1:{port}/postgres"
    try:
        wait_until(lambda: _answers(url), 60, lambda: "PostgreSQL does not start")
        yield url
    finally:
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / "db" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGINT)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def make_tables(url: str) -> None:
    """The tables of a Dispatcharr."""
    paths = [str(EXECUTOR / "host"), str(EXECUTOR / "compat")]
    subprocess.run([sys.executable, "-c", MAKES_TABLES, url, *paths], check=True, cwd="/")


def statement(url: str, sql: str) -> str:
    """The one value that a statement gives, as text."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return "" if row is None else str(row[0])
