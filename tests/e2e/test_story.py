"""The way of a first user, with HTTP alone: log in, enable, add a calendar, sync, read, import, break, delete."""

import io
import re
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.platform import Api, Platform


def league(now: datetime) -> str:
    """A calendar whose matches lie ahead of today, as a league exports it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//League//EN"]
    for number in range(1, 4):
        start = (now + timedelta(days=number)).strftime("%Y%m%dT190000Z")
        end = (now + timedelta(days=number)).strftime("%Y%m%dT210000Z")
        lines += [
            "BEGIN:VEVENT",
            f"UID:match-{number}@league",
            f"DTSTAMP:{start}",
            f"DTSTART:{start}",
            f"DTEND:{end}",
        ]
        lines += [f"SUMMARY:Match {number}", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


@pytest.fixture
def calendar_url() -> Iterator[str]:
    body = league(datetime.now(UTC)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/calendar")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/league.ics"
    server.shutdown()
    server.server_close()
    thread.join()


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def test_a_calendar_is_added_synced_and_read(api: Api, calendar_url: str) -> None:
    plugin = api.enable("sports_calendar")
    assert plugin["enabled"]
    assert plugin["loaded"], plugin
    navigation = api.http.get("/api/plugins/navigation/").json()["navigation"]
    assert [item["label"] for item in navigation] == ["Sports Calendar"]
    page = api.http.get("/api/plugins/sports_calendar/page/").json()
    assert page["plugin"]["key"] == "sports_calendar"
    assert page["page"]["components"][0]["type"] == "tabs"

    added = api.result("sports_calendar", "add_calendar", {"name": "League", "url": calendar_url})
    assert added["status"] == "ok", added
    synced = api.result("sports_calendar", "sync_calendar", {"_id": added["calendar_id"]})
    assert synced["status"] == "ok", synced
    assert synced["event_count"] == 3

    events = api.http.get("/api/plugins/sports_calendar/data/events/", params={"sort": "start"})
    assert events.headers["X-Total-Count"] == "3"
    assert [event["title"] for event in events.json()["data"]] == ["Match 1", "Match 2", "Match 3"]
    assert all(isinstance(event["_id"], int) for event in events.json()["data"])
    found = api.http.get(
        "/api/plugins/plugins/sports_calendar/data/events/", params={"search": "match 2"}
    ).json()["data"]
    assert [event["title"] for event in found] == ["Match 2"]

    deleted = api.result("sports_calendar", "delete_calendar", {"_id": str(added["calendar_id"])})
    assert deleted["status"] == "ok", deleted
    assert api.http.get("/api/plugins/sports_calendar/data/events/").json()["data"] == []


def test_a_zip_is_imported_broken_mended_and_deleted(api: Api, platform: Platform) -> None:
    good = 'class Plugin:\n    name = "Zipped"\n    def run(self, action, params, context):\n        return {"status": "ok", "v": 1}\n'
    answer = api.http.post(
        "/api/plugins/plugins/import/", files={"file": ("My-Zip Plug.zip", zipped(plugin__py=good))}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["plugin"]["key"] == "my_zip_plug"
    again = api.http.post(
        "/api/plugins/plugins/import/", files={"file": ("My-Zip Plug.zip", zipped(plugin__py=good))}
    )
    assert again.status_code == 400
    assert api.enable("my_zip_plug")["loaded"]
    assert api.result("my_zip_plug", "x") == {"status": "ok", "v": 1}

    broken = api.http.post(
        "/api/plugins/plugins/import/",
        files={"file": ("My-Zip Plug.zip", zipped(plugin__py="raise RuntimeError('as written')"))},
        data={"overwrite": "true"},
    )
    assert broken.status_code == 200, broken.text
    plugin = api.await_plugin("my_zip_plug", loaded=False, enabled=True)
    failed = api.run("my_zip_plug", "x")
    assert failed.status_code == 500
    assert failed.json()["success"] is False
    assert failed.json()["error"] == "Plugin 'my_zip_plug' not found"
    assert "as written" in str(api.await_plugin("my_zip_plug", loaded=False)["errors"]), plugin

    folders = (platform.data_dir / "files/plugins").iterdir()
    [copy] = [one for one in folders if re.sub("[- ]", "_", one.name.lower()) == "my_zip_plug"]
    deleted = api.http.delete("/api/plugins/plugins/my_zip_plug/delete/")
    assert deleted.status_code == 200, deleted.text
    assert "my_zip_plug" not in api.plugins()
    assert api.run("my_zip_plug", "x").status_code == 404
    assert not copy.exists(), "the working copy went with it"


def test_a_new_folder_is_listed_disabled_and_never_imported(api: Api, platform: Platform) -> None:
    key = platform.write_plugin(
        "Dropped In",
        """
        from pathlib import Path
        Path(__file__).with_name("imported").touch()
        class Plugin:
            name = "Dropped"
            fields = [{"id": "n", "type": "number", "default": 3}]
            def run(self, action, params, context):
                return {"settings": context["settings"]}
        """,
    )
    plugin = api.await_plugin(key, name="Dropped")
    assert (plugin["enabled"], plugin["ever_enabled"], plugin["loaded"]) == (False, False, False)
    assert [field["id"] for field in plugin["fields"]] == ["n"]
    assert not (platform.plugins_dir / "Dropped In" / "imported").exists()
    assert api.run(key, "x").status_code == 403
    api.enable(key)
    assert api.result(key, "x") == {"settings": {"n": 3}}
    assert not (platform.plugins_dir / "Dropped In" / "imported").exists(), "it runs in a working copy"
    saved = api.http.post(
        f"/api/plugins/plugins/{key}/settings/", json={"settings": {"n": 5, "other": "kept"}}
    )
    assert saved.json()["settings"] == {"n": 5, "other": "kept"}
    assert api.result(key, "x") == {"settings": {"n": 5, "other": "kept"}}
