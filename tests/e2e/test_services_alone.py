"""Each service runs alone from its own entry point, against a bus and a database that it is given."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.embedded.mongo import Mongo
from deploy.embedded.process import free_port
from tests.e2e.platform import ADMIN, ROOT, Api, wait_until
from tests.servers import RunningNats

Start = Callable[[str], int]


@pytest.fixture
def start(nats: RunningNats, mongod: Mongo, mongo_url: str, tmp_path: Path) -> Iterator[Start]:
    """`start("registry")`: its health port, once it is ready; in any order."""
    processes: list[subprocess.Popen[bytes]] = []
    (tmp_path / "plugins").mkdir()

    def run(service: str) -> int:
        port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "PLUGARR_NATS_URL": nats.url,
            "PLUGARR_SECRETS_DIR": str(nats.secrets),
            "PLUGARR_MONGO_URL": mongo_url,
            "PLUGARR_DATA_DIR": str(tmp_path / "data"),
            "PLUGARR_PLUGINS_DIR": str(tmp_path / "plugins"),
            "PLUGARR_HEALTH_PORT": str(port),
            "PLUGARR_PORT": str(port),
            "PLUGARR_ADMIN_USER": ADMIN[0],
            "PLUGARR_ADMIN_PASSWORD": ADMIN[1],
        }
        log = (tmp_path / f"{service}.log").open("wb")
        package = "deploy" if service == "provisioner" else "services"
        command = [sys.executable, "-m", f"{package}.{service}"]
        processes.append(subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log))
        log.close()
        return port

    yield run
    for process in processes:
        process.terminate()
    # uvicorn ends in order, and then by the very signal that it was sent.
    assert {process.wait(20) for process in processes} <= {0, -signal.SIGTERM}


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=3).status_code == 200
    except httpx.TransportError:
        return False


def test_services_started_one_by_one_in_any_order_are_a_platform(start: Start, tmp_path: Path) -> None:
    # The gateway first: what it needs comes later.
    ports = {
        service: start(service) for service in ("gateway", "executor", "registry", "data", "provisioner")
    }
    for service, port in ports.items():
        log = tmp_path / f"{service}.log"
        wait_until(lambda p=port: is_ready(p), 40, lambda path=log: path.read_text()[-3000:])
        assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        assert "python_info" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    folder = tmp_path / "plugins" / "alone"
    folder.mkdir()
    (folder / "plugin.py").write_text(
        "class Plugin:\n    name = 'Alone'\n    def run(self, a, p, c):\n        return {'status': 'ok'}\n"
    )
    base = f"http://127.0.0.1:{ports['gateway']}"
    body = {"username": ADMIN[0], "password": ADMIN[1]}
    token = httpx.post(f"{base}/api/accounts/token/", json=body).json()["access"]
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        api = Api(http)
        assert api.enable("alone")["loaded"]
        assert api.result("alone", "x") == {"status": "ok"}


@pytest.mark.parametrize("service", ["registry", "executor", "data", "gateway"])
def test_a_service_without_a_bus_or_without_its_secrets_says_what_to_give(
    service: str, tmp_path: Path
) -> None:
    def refused(**given: str) -> str:
        env = {"PATH": os.environ["PATH"], "PLUGARR_DATA_DIR": str(tmp_path), **given}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", f"services.{service}"],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode != 0
        assert time.monotonic() - began < 20
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr

    assert "PLUGARR_NATS_URL" in refused()
    with_bus = {"PLUGARR_NATS_URL": "nats://127.0.0.1:4"}
    if service == "data":
        assert "PLUGARR_MONGO_URL" in refused(**with_bus) or f"nats-{service}" in refused(**with_bus)
    else:
        said = refused(**with_bus)
        assert f"nats-{service}" in said or "jwt" in said.lower()


@pytest.mark.parametrize("service", ["registry", "executor", "data", "gateway"])
def test_help_names_the_settings(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PLUGARR_NATS_URL" in done.stdout
