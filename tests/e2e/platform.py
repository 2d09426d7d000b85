"""The real platform, started as its users start it: `plugarr up` on a directory and port of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import httpx

from deploy.embedded.process import free_port
from deploy.supervisor.data_dir import Running, running_on

ROOT = Path(__file__).parents[2]
ADMIN = ("admin", "correct-horse-battery")
READY_WITHIN_S = 60.0


class Platform:
    """One `plugarr up`."""

    ready_within_s = READY_WITHIN_S

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.plugins_dir = folder / "plugins"
        self.plugins_dir.mkdir(parents=True, exist_ok=True)
        self.log = folder / "up.log"
        self.port = free_port()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> Running:
        found = running_on(self.data_dir)
        assert found is not None, self.tail()
        return found

    def command(self, *options: str) -> list[str]:
        return [
            sys.executable, "-m", "deploy.cli.main", "up", "--json-logs", "--port", str(self.port),
            "--data-dir", str(self.data_dir), "--plugins-dir", str(self.plugins_dir),
            "--nats-port", str(free_port()), *self.options, *options,
        ]  # fmt: skip

    def environment(self, *, administrator: bool = True) -> dict[str, str]:
        admin = {"PLUGARR_ADMIN_USER": ADMIN[0], "PLUGARR_ADMIN_PASSWORD": ADMIN[1]} if administrator else {}
        return {**os.environ, **admin, "PYTHONPATH": str(ROOT)}

    def launch(self, *, administrator: bool = True) -> "subprocess.Popen[bytes]":
        """Start it, and wait for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(administrator=administrator),
                cwd=self.folder,
            )
        return self.process

    def start(self, *, administrator: bool = True) -> "Platform":
        process = self.launch(administrator=administrator)
        deadline = time.monotonic() + self.ready_within_s
        while time.monotonic() < deadline:
            assert process.poll() is None, self.tail()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    self.await_ready_line()
                    return self
            time.sleep(0.05)
        raise AssertionError(f"not ready within {self.ready_within_s:g} s: {self.tail()}")

    def await_ready_line(self) -> None:
        wait_until(lambda: "Plugarr is ready" in self.log.read_text(), 60, self.tail)

    def stop(self, number: int = signal.SIGINT) -> float:
        """End it as Ctrl-C does; seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        return time.monotonic() - began

    def tail(self, size: int = 6000) -> str:
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else "(no log)"

    def pids(self, name: str) -> list[int]:
        """Process ids of a service (`executor`, `nats-server` …) under this platform."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if parent == self.process.pid and any(
                    w.endswith((f"/{name}", f"services.{name}", f"deploy.{name}")) for w in words
                ):
                    found.append(int(entry.name))
        return sorted(found)

    # Plugins

    def install(self, name: str) -> None:
        """Put one of the example plugins into the plugin directory."""
        shutil.copytree(
            ROOT / "plugins" / name, self.plugins_dir / name, ignore=shutil.ignore_patterns("__pycache__")
        )

    def write_plugin(self, folder: str, source: str, **files: str) -> str:
        """A plugin written for a test; returns its key. `files`: name with `__` for `.` → text."""
        path = self.plugins_dir / folder
        draft = self.folder / f".{folder}.draft"
        draft.mkdir()
        for name, text in files.items():
            (draft / name.replace("__", ".")).write_text(textwrap.dedent(text))
        (draft / "plugin.py").write_text(textwrap.dedent(source))
        draft.rename(path)
        return folder.replace(" ", "_").lower()

    # HTTP

    def client(self, user: tuple[str, str] | None = ADMIN) -> httpx.Client:
        headers = {}
        if user:
            body = {"username": user[0], "password": user[1]}
            answer = httpx.post(f"{self.url}/api/accounts/token/", json=body, timeout=30)
            assert answer.status_code == 200, answer.text
            headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return httpx.Client(base_url=self.url, timeout=60, headers=headers)


class Api:
    """A client in the words of the tests."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def plugins(self) -> dict[str, dict[str, Any]]:
        answer = self.http.get("/api/plugins/plugins/")
        assert answer.status_code == 200, answer.text
        return {plugin["key"]: plugin for plugin in answer.json()["plugins"]}

    def await_plugin(self, key: str, **wanted: Any) -> dict[str, Any]:
        """Wait until a plugin is listed with these values."""

        def there() -> dict[str, Any] | None:
            plugin = self.plugins().get(key)
            return plugin if plugin and all(plugin.get(k) == v for k, v in wanted.items()) else None

        return wait_until(there, 20, lambda: f"{key}: {self.plugins().get(key)}")

    def enable(self, key: str, enabled: bool = True) -> dict[str, Any]:
        self.await_plugin(key)
        answer = self.http.post(f"/api/plugins/plugins/{key}/enabled/", json={"enabled": enabled})
        assert answer.status_code == 200, answer.text
        return answer.json()["plugin"]

    def run(
        self, key: str, action: str, params: dict[str, Any] | None = None, **query: Any
    ) -> httpx.Response:
        return self.http.post(
            f"/api/plugins/plugins/{key}/run/", json={"action": action, "params": params or {}}, params=query
        )

    def result(self, key: str, action: str, params: dict[str, Any] | None = None) -> Any:
        answer = self.run(key, action, params)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


def wait_until(condition: Any, timeout_s: float, what: Any = lambda: "it did not happen") -> Any:
    """Ask again and again over HTTP or of a file, for which there is no event; the condition's value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
