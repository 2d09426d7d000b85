"""A database that is a running Dispatcharr's: what it lacks is named, and what can be done without is."""

import logging
from typing import Any, Final

logger = logging.getLogger("plugarr.database")

_LABELS: Final = ("core", "accounts", "dispatcharr_channels", "epg", "m3u", "vod")


def adapt() -> None:
    """Look at the tables once in this process, and leave out of the models the columns that are not there.

    Versions of Dispatcharr differ in columns that plugins rarely use; without this every query would fail.
    """
    from django.apps import apps  # noqa: PLC0415 - only where Django is used
    from django.db import connection  # noqa: PLC0415

    tables = _columns(connection)
    for label in _LABELS:
        for model in apps.get_app_config(label).get_models():
            columns = tables.get(model._meta.db_table)
            if columns is None:
                logger.warning(
                    "the host database has no table %s: %s cannot be used",
                    model._meta.db_table,
                    model.__name__,
                )
                continue
            for field in list(model._meta.local_concrete_fields):
                if field.column not in columns:
                    _leave_out(model, field)
    connection.close()


def _columns(connection: Any) -> dict[str, set[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = ANY (current_schemas(false))"
        )
        tables: dict[str, set[str]] = {}
        for table, column in cursor.fetchall():
            tables.setdefault(table, set()).add(column)
    return tables


def _leave_out(model: Any, field: Any) -> None:
    logger.warning(
        "the host database has no column %s.%s: %s.%s cannot be used",
        *(model._meta.db_table, field.column, model.__name__, field.name),
    )
    model._meta.local_fields.remove(field)
    model._meta._expire_cache()
    # Reading it gives None, so that code that only shows it goes on.
    for name in {field.name, field.attname}:
        setattr(model, name, None)
