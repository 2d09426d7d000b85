"""The client script of docs/live.md, over a connection that is cut again and again; and every change reaches pages."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.e2e.platform import ROOT, Api, Platform
from tests.e2e.written import Written

COUNTING = """
    import time
    import plugarr

    class Plugin:
        name = "Counting"
        actions = [{"id": "count", "label": "Count"}]
        def run(self, action, params, context):
            for number in range(params["lines"]):
                context["logger"].info("line %d", number)
                plugarr.progress(number, params["lines"], "counting")
                time.sleep(0.01)
            return {"status": "ok"}
"""


class Cutter:
    """A way to the gateway that breaks whenever a test says so."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection without a word."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self.connections += 1
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def cutter(platform: Platform) -> Iterator[Cutter]:
    found = Cutter(platform.port)
    yield found
    found.close()


def test_the_documented_client_misses_nothing_of_a_long_run(
    platform: Platform, api: Api, written: Written, cutter: Cutter
) -> None:
    key = written.enabled("counting", COUNTING)
    api_key = api.http.post("/api/accounts/api-keys/", json={"name": "follower"}).json()["secret"]
    run_id = api.run(key, "count", {"lines": 300}, wait=0).json()["run_id"]
    command = [sys.executable, str(ROOT / "docs" / "follow_run.py")]
    follower = subprocess.Popen(
        [*command, f"http://127.0.0.1:{cutter.port}", api_key, run_id],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(5):
        time.sleep(0.7)  # into the middle of whatever it does just then
        cutter.cut()
    out, err = follower.communicate(timeout=40)
    assert follower.returncode == 0, err
    lines = [line.removeprefix("log: ") for line in out.splitlines() if line.startswith("log: ")]
    assert lines == [f"line {number}" for number in range(300)]
    assert out.splitlines()[-1] == "state: succeeded"
    assert cutter.connections > 3


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
