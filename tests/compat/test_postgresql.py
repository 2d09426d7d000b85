"""Beside a running Dispatcharr: its database is used as it is, and never migrated."""

from typing import Any

from tests.compat.postgresql import statement
from tests.e2e.platform import Api
from tests.e2e.written import Written

PLUGIN = """
from apps.channels.models import Channel, Stream
from django.db import connection

class Plugin:
    name = "Beside"
    def run(self, action, params, context):
        if action == "raw":
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing_like_it FROM dispatcharr_channels_channel")
        stream = Stream.objects.create(name="s", url="http://s")
        Channel.objects.create(name="seen there")
        return {"value": [stream.is_catchup, Stream.objects.get(pk=stream.pk).name, connection.vendor]}
"""

SCHEMA = (
    "SELECT string_agg(table_name || '.' || column_name, ',' ORDER BY table_name, column_name)"
    " FROM information_schema.columns WHERE table_schema = 'public'"
)


def test_a_dispatcharrs_tables_are_used_and_left_as_they_are(on_postgresql: Any, database_url: str) -> None:
    before = statement(database_url, SCHEMA)
    with on_postgresql.client() as http:
        written = Written(on_postgresql, Api(http))
        key = written.enabled("beside", PLUGIN)
        assert written.api.result(key, "go")["value"] == [None, "s", "postgresql"]
        refused = written.api.run(key, "raw")
        assert refused.status_code == 500
        assert "the host database lacks a column" in refused.json()["error"]
        assert "nothing_like_it" in refused.json()["error"]
        written.remove()
    assert statement(database_url, SCHEMA) == before
    seen = "SELECT count(*) FROM dispatcharr_channels_channel WHERE name = 'seen there'"
    assert statement(database_url, seen) == "1"
    assert not (on_postgresql.data_dir / "host" / "db.sqlite3").exists()
