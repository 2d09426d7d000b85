"""The gateway as a process of its own: `python -m services.gateway`."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded.process import free_port
from shared.contracts.data import PluginConfig
from tests.integration.gateway.platform import Platform, body, manifest
from tests.servers import RunningNats

ROOT = Path(__file__).parents[3]


def start(nats: RunningNats, port: int, **more: str) -> "subprocess.Popen[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "PLUGARR_NATS_URL": nats.url,
        "PLUGARR_SECRETS_DIR": str(nats.secrets),
        "PLUGARR_DATA_DIR": str(nats.folder),
        "PLUGARR_PORT": str(port),
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "services.gateway"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def gateway(nats: RunningNats) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    port = free_port()
    process = start(nats, port)
    yield process, port
    process.kill()
    process.communicate()


async def test_it_runs_alone_and_lets_waiting_callers_go_when_it_is_ended(
    platform: Platform, gateway: tuple["subprocess.Popen[str]", int]
) -> None:
    process, port = gateway
    begun = asyncio.Event()

    async def run(_action: str, _params: Any, _config: PluginConfig) -> Any:
        begun.set()
        await asyncio.sleep(60)

    await platform.install(manifest("hello"), enabled=True)
    await platform.work("hello", run)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, verify=False) as client:
        for _ in range(300):
            try:
                if (await client.get("/readyz")).status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()
            await asyncio.sleep(0.1)
        pair = await client.post("/api/accounts/token/", json={"username": "admin", "password": "password-1"})
        client.headers["authorization"] = f"Bearer {body(pair)['access']}"
        asking = asyncio.create_task(
            client.post("/api/plugins/plugins/hello/run/", params={"wait": 60}, json={"action": "a"})
        )
        await begun.wait()
        process.send_signal(signal.SIGTERM)
        answer = await asking
        assert answer.status_code == 202
        assert body(answer)["run_id"] == platform.commands[-1].run_id
    await asyncio.to_thread(process.wait, 5)


def test_a_busy_port_is_named_with_the_remedy(nats: RunningNats) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        process = start(nats, port)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in said
    assert "PLUGARR_PORT" in said


def test_without_a_bus_or_secrets_it_says_what_it_needs(nats: RunningNats, tmp_path: Path) -> None:
    for more, words in (
        ({"PLUGARR_SECRETS_DIR": str(tmp_path)}, "No secret for signing tokens"),
        ({"PLUGARR_NATS_URL": ""}, "PLUGARR_NATS_URL is not set"),
        (
            {"PLUGARR_SECRETS_DIR": str(tmp_path), "PLUGARR_JWT_SECRET": "x" * 32},
            "No password for the bus user",
        ),
    ):
        process = start(nats, free_port(), **more)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert words in said


def test_help_names_every_setting() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "services.gateway", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("PLUGARR_PORT", "PLUGARR_NATS_URL", "PLUGARR_CORS_ORIGINS", "PLUGARR_JWT_SECRET"):
        assert name in shown
