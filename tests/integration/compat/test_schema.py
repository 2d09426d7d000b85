"""The host application's tables on SQLite: made in one step, they are what the migrations make."""

import json
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from services.executor import host_database
from services.executor.hosts.options import HostDatabase
from services.executor.hosts.sandbox import site_packages

EXECUTOR = Path(host_database.__file__).parent
PATHS = [str(EXECUTOR / "host"), str(EXECUTOR / "compat")]
DJANGO = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from plugarr_host import host_database
host_database.use({"path": sys.argv[2]})
from plugarr_host.django_ready import ready
ready()
from django.core.management import call_command
call_command(*sys.argv[3:], verbosity=0)
"""


def django(path: Path, *command: str) -> None:
    subprocess.run(
        [sys.executable, "-c", DJANGO, json.dumps(PATHS), str(path), *command], check=True, cwd="/"
    )


def migrate(path: Path, version: str = "1") -> dict[str, object]:
    config = {
        "role": "migrate",
        "paths": [*PATHS, *site_packages()],
        "hidden": site_packages(),
        "database": {"path": str(path)},
        "lock": str(path.parent / "lock"),
        "version": version,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(EXECUTOR / "host" / "start.py"), json.dumps(config)],
        check=True,
        capture_output=True,
        text=True,
    )
    said: dict[str, object] = json.loads(done.stdout)
    return said


def schema(path: Path) -> dict[str, set[str]]:
    """Table → its columns, constraints and indexes in any order, under names that do not count."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    tables: dict[str, set[str]] = {}
    for table, sql in rows:
        if table in {"plugarr_schema", "sqlite_sequence"}:
            continue
        text = re.sub(r'^CREATE (UNIQUE )?INDEX "[^"]+"', r"INDEX \1", re.sub(r"\s+", " ", sql))
        parts = text.partition("(")[2].split(", ") if text.startswith("CREATE TABLE") else [text]
        tables.setdefault(table, set()).update(part.strip("() ") for part in parts)
    return tables


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_tables_made_at_once_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    at_once, one_by_one = tmp_path / "a.sqlite3", tmp_path / "b.sqlite3"
    migrate(at_once)
    django(one_by_one, "migrate")
    assert schema(at_once) == schema(one_by_one)
    applied = "SELECT app, name FROM django_migrations ORDER BY app, name"
    assert rows(at_once, applied) == rows(one_by_one, applied)


def test_the_migrations_hold_everything_that_the_models_say(tmp_path: Path) -> None:
    django(tmp_path / "db.sqlite3", "makemigrations", "--check", "--dry-run")


def test_an_older_database_is_migrated_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    django(path, "migrate", "m3u")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO m3u_servergroup (name) VALUES ('kept')")
        connection.commit()
    assert migrate(path, "2")["made"] is True
    assert rows(path, "SELECT name FROM m3u_servergroup") == [("kept",)]
    assert rows(path, "SELECT name, locked FROM m3u_m3uaccount") == [("custom", 1)]
    assert migrate(path, "2")["made"] is False


def test_of_several_executors_that_start_at_once_one_makes_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda _: migrate(path)["made"], range(3)))
    assert sorted(map(str, said)) == ["False", "False", "True"]
    assert rows(path, "SELECT count(*) FROM core_streamprofile WHERE locked") == [(5,)]


async def test_the_tables_are_made_when_they_are_asked_for(tmp_path: Path) -> None:
    database = HostDatabase(tmp_path / "host")
    tables = host_database.Tables(database, tmp_path / "state")
    await tables.ready()
    assert rows(database.file, "SELECT version FROM plugarr_schema") == [(host_database.schema_version(),)]
    assert {file.name.split("-")[0] for file in database.folder.iterdir()} == {"db.sqlite3"}
