"""Every service is restarted, one after the other, under load: no request fails, and each run runs once."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import pytest

from deploy.embedded.process import free_port
from tests.e2e.platform import ROOT, Api, Platform, wait_until

NOTING = """
    import time
    class Plugin:
        name = "Noting"
        def run(self, action, params, context):
            import plugarr
            with open("/data/noted.txt", "a") as file:
                print(params["number"], plugarr.attempt, file=file)
            time.sleep(0.02)
            return {"status": "ok", "number": params["number"]}
"""


def environment(pid: int) -> dict[str, str]:
    words = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def is_ready(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=3).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def second_gateway(mine: Platform) -> Iterator[str]:
    """Another gateway of the same platform, as behind a load balancer; its port."""
    port = str(free_port())
    env = {**environment(mine.pids("gateway")[0]), "PLUGARR_PORT": port, "PLUGARR_INSTANCE": "gateway-two"}
    with mine.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.gateway"], env=env, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: is_ready(port), 30, mine.tail)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Load:
    """Requests without end, each to one gateway, and to the other where the first takes no connection."""

    def __init__(self, ports: list[str], headers: dict[str, str]) -> None:
        self._ports = ports
        self._headers = headers
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(3)]
        self.faults: list[str] = []
        self.answered: dict[str, str] = {}
        """Number → run id."""
        self.answers = 0
        """Those that were as they should be."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self, first: int) -> None:
        with httpx.Client(headers=self._headers, timeout=40) as http:
            number = 0
            while not self._enough.is_set():
                number += 1
                name = f"{first}-{number}"
                self._run(http, name)
                self._ask(http, "PUT", f"/api/plugins/noting/data/load{first}/bulk/", json=[{"n": number}])
                self._ask(http, "GET", "/api/runs/?limit=5")

    def _run(self, http: httpx.Client, name: str) -> None:
        body = {"action": "note", "params": {"number": name}}
        answer = self._ask(http, "POST", "/api/plugins/plugins/noting/run/", json=body)
        if answer is not None:
            self.answered[name] = answer.json()["run_id"]

    def _ask(self, http: httpx.Client, method: str, path: str, **more: object) -> httpx.Response | None:
        headers = {"Connection": "close", "Idempotency-Key": uuid.uuid4().hex}
        began = time.monotonic()
        for port in (*self._ports, *self._ports):
            try:
                answer = http.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, **more)  # type: ignore[arg-type]
            except httpx.ConnectError:
                continue
            except httpx.TransportError as error:
                # It was taken, and what became of it nobody can say.
                self.faults.append(f"{method} {path}: {error!r} after {time.monotonic() - began:.1f} s")
                return None
            if answer.status_code not in {200, 202}:
                self.faults.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                return None
            self.answers += 1
            return answer
        self.faults.append(f"{method} {path}: no gateway took it")
        return None


def restart(mine: Platform, service: str, pid: int) -> None:
    before = set(mine.pids(service))
    os.kill(pid, signal.SIGTERM)
    new = wait_until(lambda: set(mine.pids(service)) - before, 30, mine.tail).pop()
    variable = "PLUGARR_PORT" if service == "gateway" else "PLUGARR_HEALTH_PORT"
    port = wait_until(lambda: environment(new).get(variable), 10)
    wait_until(lambda: is_ready(port), 30, mine.tail)


@pytest.mark.timeout(240)
def test_a_rolling_restart_of_all_services_fails_no_request(own_platform: Callable[..., Platform]) -> None:
    mine = own_platform("--executors", "2", "--data-replicas", "2")
    mine.write_plugin("noting", NOTING)
    mine.start()
    with mine.client() as http, second_gateway(mine) as other:
        api = Api(http)
        assert api.enable("noting")["loaded"]
        headers = {"Authorization": http.headers["Authorization"]}
        with Load([str(mine.port), other], headers) as load:
            for service in ("data", "executor", "registry", "gateway"):
                for pid in mine.pids(service):
                    restart(mine, service, pid)
                    answered = load.answers
                    wait_until(lambda answered=answered: load.answers > answered + 6, 40, lambda: load.faults)
        assert load.faults == []
        for name, run_id in load.answered.items():
            run = wait_until(
                lambda run_id=run_id: (
                    (r := http.get(f"/api/runs/{run_id}/").json())["state"] not in {"queued", "running"} and r
                ),
                20,
            )
            assert run["state"] == "succeeded", (name, run)
    noted = Counter(
        line.split()[0] for line in (mine.data_dir / "files" / "noted.txt").read_text().splitlines()
    )
    assert set(noted.values()) == {1}
    assert set(load.answered) == set(noted)
