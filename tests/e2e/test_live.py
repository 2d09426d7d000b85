"""The client script of docs/live.md, over a connection that is cut again and again; and every change reaches pages."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest
from websockets.sync.client import connect

from tests.e2e.cutter import Breaks, Cutter
from tests.e2e.platform import ROOT, Api, Platform
from tests.e2e.written import Written

COUNTING = """
    import time
    from pathlib import Path
    import plugarr

    class Plugin:
        name = "Counting"
        actions = [{"id": "count", "label": "Count"}]
        def run(self, action, params, context):
            enough, number = Path("/data/enough"), 0
            while number < 10 or not enough.exists():
                context["logger"].info("line %d", number)
                plugarr.progress(number, number, "counting")
                number += 1
                time.sleep(0.01)
            enough.unlink()
            return {"status": "ok", "lines": number}
"""


@contextlib.contextmanager
def cutter(
    platform: Platform, breaks: Breaks = lambda _path: False, *, half: bool = False
) -> Iterator[Cutter]:
    found = Cutter(platform.port, breaks, half=half)
    try:
        yield found
    finally:
        found.close()


@contextlib.contextmanager
def following(api: Api, port: int, run_id: str) -> "Iterator[subprocess.Popen[str]]":
    """The documented client, on its way to a run."""
    api_key = api.http.post("/api/accounts/api-keys/", json={"name": "follower"}).json()["secret"]
    command = [sys.executable, "-u", str(ROOT / "docs" / "follow_run.py")]
    follower = subprocess.Popen(
        [*command, f"http://127.0.0.1:{port}", api_key, run_id],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield follower
    finally:
        follower.kill()
        follower.wait()


def followed(follower: "subprocess.Popen[str]") -> tuple[list[str], list[str]]:
    """The run's lines that it has printed, and the rest of what it said."""
    out, err = follower.communicate(timeout=40)
    assert follower.returncode == 0, err
    said = out.splitlines()
    lines = [line.removeprefix("log: ") for line in said if line.startswith("log: ")]
    return lines, [line for line in said if not line.startswith("log: ")]


def test_the_documented_client_misses_nothing_of_a_long_run(
    platform: Platform, api: Api, written: Written
) -> None:
    key = written.enabled("counting", COUNTING)
    run_id = api.run(key, "count", wait=0).json()["run_id"]
    written.log(run_id, "line 9")
    with cutter(platform) as way, following(api, way.port, run_id) as follower:
        # In the handshake, when it is known, when it has subscribed, and ever deeper in what it is told.
        for passed in (1, 200, 400, 800, 1600, 3200):
            way.cut(passed)
        written.note("enough").touch()
        lines, rest = followed(follower)
        assert way.websockets == 7
    written_lines = api.http.get(f"/api/runs/{run_id}/").json()["result"]["lines"]
    assert lines == [f"line {number}" for number in range(written_lines)]
    assert rest[-1] == "state: succeeded"


@pytest.mark.parametrize("half", [False, True], ids=["before_the_answer", "within_it"])
@pytest.mark.parametrize("nth", [1, 2], ids=["the_first", "the_last"])
def test_the_documented_client_reads_again_where_reading_the_log_broke_off(
    platform: Platform, api: Api, written: Written, nth: int, half: bool
) -> None:
    key = written.enabled("counting", COUNTING)
    written.note("enough").touch()
    run_id = api.run(key, "count").json()["run_id"]
    written.log(run_id, "line 9")
    reads = count()

    def breaks(path: str) -> bool:
        return "/log/" in path and next(reads) == nth - 1

    # An ended run, of which nothing comes as a frame: it is read, its state, and then what may have been late.
    with cutter(platform, breaks, half=half) as way, following(api, way.port, run_id) as follower:
        assert followed(follower) == ([f"line {number}" for number in range(10)], ["state: succeeded"])
        assert (way.broken, way.websockets) == (1, 2)


def test_what_plugins_write_and_send_reaches_open_pages(
    platform: Platform, api: Api, written: Written
) -> None:
    key = written.enabled(
        "telling",
        """
        from apps.plugins.models import PluginData
        from core.utils import send_websocket_update

        class Plugin:
            name = "Telling"
            actions = [{"id": "tell", "label": "Tell"}]
            def run(self, action, params, context):
                PluginData.objects.add_to_collection("telling", "notes", {"title": "first"})
                send_websocket_update("updates", "update", {
                    "type": "plugin", "plugin": "my_plugin", "message": "Sync completed",
                })
                return {"status": "ok"}
        """,
    )
    ticket = api.http.post("/api/ws-ticket/").json()["ticket"]
    with connect(f"ws://127.0.0.1:{platform.port}/ws/?ticket={ticket}", proxy=None) as page:

        def heard(wanted: str) -> dict[str, object]:
            while True:
                frame: dict[str, object] = json.loads(page.recv(timeout=20))
                if frame["type"] == wanted:
                    return frame

        heard("ready")
        topics = [f"data.{key}.notes", f"runs.{key}", "plugins"]
        page.send(json.dumps({"op": "subscribe", "topics": topics}))
        heard("subscribed")
        api.result(key, "tell")
        frames = [json.loads(page.recv(timeout=20)) for _ in range(4)]
        kinds = {frame["type"]: frame for frame in frames}
        assert set(kinds) == {"run.running", "item.added", "update", "run.succeeded"}
        assert kinds["item.added"]["data"] == {"id": 1, "rev": 1}
        # As the specification writes it.
        sent = {"type": "plugin", "plugin": "my_plugin", "message": "Sync completed"}
        assert kinds["update"] == {"type": "update", "data": sent}
        api.enable(key, False)
        assert heard("plugin.disabled")["data"]["key"] == key  # type: ignore[index]
