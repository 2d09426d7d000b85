"""Makes and brings up to date the host application's tables, in a program of its own: `role` is `migrate`.

Only ever for the SQLite file of ours: PostgreSQL belongs to a running Dispatcharr. Several executors of a site
may start it at once; one works, the others find it done.
"""

import fcntl
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from plugarr_host import host_database
from plugarr_host.django_ready import ready

_VERSION_TABLE = "plugarr_schema"


def serve(config: Mapping[str, Any]) -> NoReturn:
    """Migrate, and end; what went wrong stands on stderr."""
    path = Path(config["database"]["path"])
    host_database.use(config["database"])
    with Path(config["lock"]).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        ready()
        made = _migrate(path, config["version"])
        took = time.monotonic() - began
    print(json.dumps({"made": made, "seconds": round(took, 3)}))  # noqa: T201 - the executor reads it
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy, and Python's own end takes its time


def _migrate(path: Path, version: str) -> bool:
    from django.db import connection, transaction  # noqa: PLC0415 - only once Django is ready

    fresh = not path.exists() or "django_migrations" not in connection.introspection.table_names()
    if not fresh and stored_version(connection) == version:
        return False
    if fresh:
        create_all(connection)
    else:
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        seed()
        _store_version(connection, version)
    connection.close()
    return True


def create_all(connection: Any) -> None:
    """All tables at once, as the migrations would leave them: those take ten times as long."""
    from django.apps import apps  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415

    with connection.schema_editor() as editor:
        for model in apps.get_models(include_auto_created=False):
            editor.create_model(model)
        recorder = MigrationRecorder(connection)
        editor.create_model(recorder.Migration)
        loader = MigrationLoader(None, load=False)
        loader.load_disk()
        recorder.migration_qs.bulk_create(
            recorder.Migration(app=app, name=name) for app, name in sorted(loader.disk_migrations)
        )


def seed() -> None:
    """The rows that exist from the start; what is there already stays as it is."""
    from apps.m3u.models import M3UAccount  # noqa: PLC0415
    from core.models import CoreSettings, StreamProfile, UserAgent  # noqa: PLC0415

    agents = {
        name: UserAgent.objects.get_or_create(name=name, defaults={"user_agent": value})[0]
        for name, value in (
            ("TiviMate", "TiviMate/5.1.6 (Android 12)"),
            ("VLC", "VLC/3.0.21 LibVLC 3.0.21"),
            ("Chrome", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36"),
        )
    }
    for name, command, parameters in (
        (
            "ffmpeg",
            "ffmpeg",
            "-user_agent {userAgent} -i {streamUrl} -map 0 -c copy -f mpegts pipe:1",
        ),
        ("streamlink", "streamlink", "{streamUrl} --http-header User-Agent={userAgent} best --stdout"),
        (
            "VLC",
            "cvlc",
            "-I dummy --http-user-agent {userAgent} {streamUrl} --sout #standard{access=file,mux=ts,dst=-}",
        ),
        ("Proxy", "", ""),
        ("Redirect", "", ""),
    ):
        StreamProfile.objects.get_or_create(
            name=name,
            locked=True,
            defaults={"command": command, "parameters": parameters, "user_agent": agents["TiviMate"]},
        )
    CoreSettings.objects.get_or_create(
        key="system_settings", defaults={"name": "System Settings", "value": {"time_zone": "UTC"}}
    )
    M3UAccount.objects.get_or_create(name="custom", defaults={"locked": True, "is_active": True})


def stored_version(connection: Any) -> str | None:
    """The version that the tables were made by."""
    if _VERSION_TABLE not in connection.introspection.table_names():
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT version FROM {_VERSION_TABLE}")  # noqa: S608 - a name of ours
        row = cursor.fetchone()
    return row[0] if row else None


def _store_version(connection: Any, version: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {_VERSION_TABLE} (version TEXT NOT NULL)")
        cursor.execute(f"DELETE FROM {_VERSION_TABLE}")  # noqa: S608 - a name of ours
        cursor.execute(f"INSERT INTO {_VERSION_TABLE} VALUES (%s)", [version])  # noqa: S608 - a name of ours
