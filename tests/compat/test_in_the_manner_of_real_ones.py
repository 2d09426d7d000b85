"""Larger plugins, built the way that published ones are: what they answer, which rows change, which files they write."""

import csv
import io
from typing import Any

import pytest

from tests.e2e.fixtures import writing
from tests.e2e.platform import wait_until
from tests.e2e.written import Written

STREAM_TIDIER = {
    "plugin.json": '{"name": "Stream Tidier", "version": "1.2.0", "description": "Matches and sorts streams."}',
    "plugin.py": """
        import csv, fcntl, logging, os, threading, time
        from http.server import BaseHTTPRequestHandler, HTTPServer
        from apps.channels.models import Channel, ChannelGroup, ChannelStream, Stream
        from apps.plugins.models import PluginConfig
        from django.db import transaction
        from django.db.models import Count
        from rapidfuzz import fuzz, process
        from .helpers.matching import clean

        logger = logging.getLogger("plugins.stream_tidier")
        LOCK = "/data/stream_tidier.lock"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"channels {Channel.objects.count()}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *args):
                pass

        class Plugin:
            name = "Stream Tidier"
            version = "1.2.0"
            fields = [{"id": f"rule_{n}", "label": f"Rule {n}", "type": "string", "default": f"r{n}"} for n in range(250)]
            actions = [{"id": "match", "label": "Match", "confirm": {"required": True, "title": "Sure?"}}]

            def __init__(self):
                self.beats = 0
                self.leader = self._lead()
                self.server = HTTPServer(("127.0.0.1", 0), Handler)
                threading.Thread(target=self.server.serve_forever, daemon=True).start()
                threading.Thread(target=self._beat, daemon=True).start()

            def _lead(self):
                self.lock = open(LOCK, "w")
                try:
                    fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return False
                return True

            def _beat(self):
                while True:
                    self.beats += 1
                    time.sleep(0.02)

            def run(self, action, params, context):
                return getattr(self, action)(context["settings"], context["logger"])

            def seed(self, settings, logger):
                group, _ = ChannelGroup.objects.get_or_create(name="Tidier")
                with transaction.atomic():
                    Channel.objects.bulk_create([Channel(name=f"Tidy News {n}", channel_number=n, channel_group=group) for n in range(5000)], batch_size=1000)
                    Stream.objects.bulk_create([Stream(name=f"UK: Tidy News {n} FHD", url=f"http://tidy/{n}", is_custom=True) for n in range(200)])
                return {"status": "ok", "message": "seeded"}

            def match(self, settings, logger):
                channels = {clean(c.name): c for c in Channel.objects.filter(channel_group__name="Tidier").only("id", "name")}
                names, links = list(channels), []
                for stream in Stream.objects.filter(url__startswith="http://tidy/").iterator():
                    name, score, _ = process.extractOne(clean(stream.name), names[:500], scorer=fuzz.ratio)
                    links.append(ChannelStream(channel=channels[name], stream=stream, order=0))
                with transaction.atomic():
                    ChannelStream.objects.bulk_create(links, ignore_conflicts=True)
                exact = sum(1 for l in ChannelStream.objects.filter(stream__url__startswith="http://tidy/").select_related("channel", "stream")
                            if l.channel.name.split()[-1] == l.stream.url.rpartition("/")[2])
                row = PluginConfig.objects.get(key="stream_tidier")
                row.settings = {**row.settings, "last_run": {"links": len(links), "exact": exact}}
                row.save(update_fields=["settings"])
                logger.info("matched %d", len(links))
                return {"status": "success", "message": f"{exact} of {len(links)}"}

            def export(self, settings, logger):
                os.makedirs("/data/exports", exist_ok=True)
                path = "/data/exports/stream_tidier.csv"
                with open(path, "w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["channel", "streams"])
                    for c in Channel.objects.filter(channel_group__name="Tidier").annotate(n=Count("streams")).order_by("id")[:3]:
                        writer.writerow([c.name, c.n])
                return {"status": "ok", "file": path}

            def tidy_up(self, settings, logger):
                Stream.objects.filter(url__startswith="http://tidy/").delete()
                return {"status": "ok", "deleted": Channel.objects.filter(channel_group__name="Tidier").delete()[0]}

            def look(self, settings, logger):
                import requests
                port = self.server.server_address[1]
                answer = requests.get(f"http://127.0.0.1:{port}/", timeout=10).text
                return {"beats": self.beats, "leader": self.leader, "http": answer, "rule": settings["rule_249"], "state": settings.get("last_run")}

            def stop(self, context):
                self.server.shutdown()
                with open("/data/stream_tidier.stopped", "w") as file:
                    file.write(context["reason"])
    """,
    "helpers/__init__.py": "",
    "helpers/matching.py": """
        import regex
        def clean(name):
            return regex.sub(r"^UK: | FHD$", "", name)
    """,
}


@pytest.fixture(scope="module")
def tidier(platform: Any) -> Any:
    with writing(platform) as written:
        written.enabled("Stream Tidier", STREAM_TIDIER)
        yield written


def run(tidier: Written, action: str) -> Any:
    return tidier.api.result("stream_tidier", action)


def test_threads_and_servers_that_it_starts_when_loaded_live_on_between_runs(tidier: Written) -> None:
    first = run(tidier, "look")
    later = wait_until(lambda: look if (look := run(tidier, "look"))["beats"] > first["beats"] else None, 20)
    assert (later["leader"], later["rule"]) == (True, "r249")
    assert later["http"].startswith("channels ")


def test_its_250_computed_fields_and_its_confirmation_are_listed(tidier: Written) -> None:
    plugin = tidier.api.plugins()["stream_tidier"]
    assert len(plugin["fields"]) == 250
    assert plugin["actions"][0]["confirm"]["title"] == "Sure?"


def test_bulk_work_state_in_settings_and_an_export(tidier: Written) -> None:
    assert run(tidier, "seed")["message"] == "seeded"
    assert run(tidier, "match") == {"status": "success", "message": "200 of 200"}
    assert run(tidier, "look")["state"] == {"links": 200, "exact": 200}
    assert run(tidier, "export")["file"] == "/data/exports/stream_tidier.csv"
    text = tidier.note("exports/stream_tidier.csv").read_text()
    rows = [["channel", "streams"], *([f"Tidy News {n}", "1"] for n in range(3))]
    assert list(csv.reader(io.StringIO(text))) == rows
    assert run(tidier, "tidy_up")["deleted"] >= 5000


def test_reloading_it_leaves_one_instance_that_leads_again(tidier: Written) -> None:
    assert tidier.api.http.post("/api/plugins/plugins/reload/").status_code == 200
    stopped = tidier.note("stream_tidier.stopped")
    wait_until(stopped.exists, 30, lambda: "stop was not called")
    assert stopped.read_text() == "reload"
    assert wait_until(lambda: run(tidier, "look"), 30)["leader"] is True
