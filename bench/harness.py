"""What benches share: figures beside their floors, a table, a JSON file, servers and the platform itself."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import requests
from rich.console import Console
from rich.table import Table

from deploy.embedded.binaries import nats_server
from deploy.embedded.process import free_port, start, stop, wait_for_port

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / ".build" / "bench"
ADMIN: Final = ("admin", "a-password-for-benches")


@dataclass(frozen=True)
class Figure:
    """One measured value, and what it is to be compared with."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_name: str = ""
    wanted: str = ""
    """The goal, in words: `≤ 4 × the floor`."""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None


def report(bench: str, figures: list[Figure]) -> None:
    """Print a table and write the JSON file."""
    table = Table(title=bench, title_justify="left", header_style="bold")
    for column in ("figure", "value", "floor", "ratio", "goal"):
        table.add_column(column)
    for one in figures:
        floor = f"{one.floor:,.1f} ({one.floor_name})" if one.floor else ""
        ratio = f"{one.ratio:.2f} ×" if one.ratio else ""
        table.add_row(one.name, f"{one.value:,.1f} {one.unit}", floor, ratio, one.wanted)
    Console().print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    body = [asdict(one) | {"ratio": one.ratio} for one in figures]
    (RESULTS / f"{bench}.json").write_text(json.dumps(body, indent=1))


async def latencies(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Microseconds of each of `count` calls, one at a time."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - began) * 1e6)
    return taken


def p50(values: list[float]) -> float:
    return statistics.median(values)


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]


class Started:
    """A platform that runs for a bench: its address, and an administrator's headers."""

    def __init__(self, url: str, data_dir: Path, plugins_dir: Path) -> None:
        self.url = url
        self.data_dir = data_dir
        self.plugins_dir = plugins_dir
        self.http = requests.Session()
        self.http.trust_env = False
        body = {"username": ADMIN[0], "password": ADMIN[1]}
        answer = self.http.post(f"{url}/api/accounts/token/", json=body, timeout=30)
        answer.raise_for_status()
        self.headers = {"Authorization": f"Bearer {answer.json()['access']}"}
        self.http.headers.update(self.headers)

    def plugin(self, key: str, source: str, **manifest: object) -> None:
        """Write a plugin and enable it."""
        folder = self.plugins_dir / key
        draft = self.plugins_dir.parent / f"{key}.draft"
        draft.mkdir()
        (draft / "plugin.py").write_text(source)
        (draft / "plugin.json").write_text(json.dumps({"name": key, **manifest}))
        draft.rename(folder)
        url = f"{self.url}/api/plugins/plugins/"
        deadline = time.monotonic() + 20
        while key not in {plugin["key"] for plugin in self.http.get(url, timeout=30).json()["plugins"]}:
            if time.monotonic() > deadline:
                raise SystemExit(f"{key} was not discovered")
            time.sleep(0.05)
        self.http.post(f"{url}{key}/enabled/", json={"enabled": True}, timeout=60).raise_for_status()

    def bus_user(self, *grants: str) -> dict[str, str]:
        """What `plugarr bus-user create` prints for a user who may run these."""
        runs = [word for grant in grants for word in ("--run", grant)]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "deploy.cli.main",
                "bus-user",
                "create",
                "bench",
                *runs,
                "--data-dir",
                self.data_dir,
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        return dict(line.split(None, 1) for line in done.stdout.strip().splitlines())


@contextlib.contextmanager
def platform(*options: str) -> Iterator[Started]:
    """`plugarr up` on a directory and ports of its own."""
    with tempfile.TemporaryDirectory(prefix="plugarr-bench-") as folder:
        data_dir, plugins_dir, log = Path(folder, "data"), Path(folder, "plugins"), Path(folder, "log")
        plugins_dir.mkdir()
        port = free_port()
        command = [
            sys.executable, "-m", "deploy.cli.main", "up", "--json-logs", "--port", str(port), "--nats-port",
            str(free_port()), "--data-dir", data_dir, "--plugins-dir", plugins_dir, "--log-level", "warning", *options,
        ]  # fmt: skip
        env = {**os.environ, "PLUGARR_ADMIN_USER": ADMIN[0], "PLUGARR_ADMIN_PASSWORD": ADMIN[1]}
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=ROOT)
        try:
            deadline = time.monotonic() + 60
            while "Plugarr is ready" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the platform did not start: {log.read_text()[-3000:]}")
                time.sleep(0.05)
            yield Started(f"http://127.0.0.1:{port}", data_dir, plugins_dir)
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def plain_nats() -> Iterator[str]:
    """A nats-server of nobody's, without users and JetStream: the floor of whatever goes over the bus."""
    port = free_port()
    process = start([nats_server(), "-a", "127.0.0.1", "-p", str(port)])
    try:
        wait_for_port(process, "127.0.0.1", port, Path(os.devnull), 10)
        yield f"nats://127.0.0.1:{port}"
    finally:
        stop(process)
