"""A PostgreSQL of a test's own, with tables such as a running Dispatcharr has."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Where its programs are."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


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
    try:
        ready = [bin_ / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0, 60)
        yield f"postgresql://plugarr:secret@127.0.0.1:{port}/postgres"
    finally:
        control = as_user(bin_ / "pg_ctl", "-D", folder / "db", "stop", "-m", "immediate")
        subprocess.run(control, check=False, capture_output=True, cwd="/")
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def make_tables(url: str) -> None:
    """The tables of a Dispatcharr."""
    paths = [str(EXECUTOR / "host"), str(EXECUTOR / "compat")]
    subprocess.run([sys.executable, "-c", MAKES_TABLES, url, *paths], check=True, cwd="/")


def statement(url: str, sql: str) -> str:
    """What psql says to a statement."""
    done = subprocess.run(
        [programs() / "psql", url, "-v", "ON_ERROR_STOP=1", "-Atqc", sql],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
