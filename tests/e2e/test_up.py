"""`plugarr up`: starting, refusing, restarting, ending."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.platform import Api, Platform, wait_until

Own = Callable[..., Platform]
EVERYTHING = ("nats-server", "mongod", "registry", "data", "executor", "gateway")


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def refused(platform: Platform, *options: str) -> str:
    """What a second start says, on one line; it must end by itself with 1."""
    done = subprocess.run(
        platform.command(*options),
        capture_output=True,
        text=True,
        timeout=30,
        env=platform.environment(),
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_a_second_start_on_the_same_data_says_so(platform: Platform) -> None:
    said = refused(platform)
    assert f"runs on {platform.data_dir} already" in said
    assert "--data-dir" in said


def test_a_busy_port_is_named_with_the_remedy(own_platform: Own) -> None:
    mine = own_platform()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", mine.port))
        taken.listen()
        said = refused(mine)
    assert f"Port {mine.port}" in said
    assert "--port" in said


def test_data_of_another_major_version_is_left_alone(own_platform: Own) -> None:
    mine = own_platform()
    mine.data_dir.mkdir(parents=True)
    (mine.data_dir / "versions.json").write_text(json.dumps({"mongod": "99.1.0"}))
    said = refused(mine)
    assert "mongod 99.1.0" in said
    assert "docs/operations.md" in said
    assert not (mine.data_dir / "mongo").exists()


def test_a_server_that_is_none_is_refused_with_the_remedy(own_platform: Own) -> None:
    said = refused(own_platform(), "--mongod", "/bin/true")
    assert "/bin/true" in said


@pytest.mark.timeout(240)
def test_interrupted_or_killed_it_leaves_no_process_and_the_next_start_has_the_data(
    own_platform: Own,
) -> None:
    mine = own_platform()
    mine.install("hello")
    mine.start()
    with mine.client() as http:
        api = Api(http)
        api.enable("hello")
        assert api.result("hello", "say_hello")["status"] == "ok"
    children = [pid for name in EVERYTHING for pid in mine.pids(name)]
    assert len(children) == len(EVERYTHING)
    assert mine.stop() < 5.0
    assert mine.process is not None
    assert mine.process.returncode == 0
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
    mine.start()
    children = [pid for name in EVERYTHING for pid in mine.pids(name)]
    assert len(children) == len(EVERYTHING)
    mine.stop(signal.SIGKILL)
    wait_until(lambda: not [pid for pid in children if alive(pid)], 5)
    mine.start()
    with mine.client() as http:
        assert Api(http).await_plugin("hello", enabled=True, loaded=True)
        assert Api(http).result("hello", "say_hello")["status"] == "ok"
        # History follows the answers a moment later.
        wait_until(lambda: http.get("/api/runs/").json()["total"] == 2, 10)


def test_whatever_dies_is_started_again_and_says_so(own_platform: Own) -> None:
    mine = own_platform()
    mine.install("hello")
    mine.start()
    with mine.client() as http:
        api = Api(http)
        api.enable("hello")
        for name in ("registry", "data", "executor", "nats-server", "mongod"):
            (before,) = mine.pids(name)
            os.kill(before, signal.SIGKILL)
            wait_until(lambda n=name, b=before: mine.pids(n) not in ([], [b]), 20, mine.tail)
            assert f"{name} ended (signal 9)" in mine.log.read_text()

            def works() -> bool:
                try:
                    return api.run("hello", "say_hello").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(works, 30, mine.tail)


def test_nothing_listens_beyond_loopback(platform: Platform) -> None:
    mine = {str(platform.port), *(platform.running.nats.rsplit(":", 1)[1],)}
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.split("\n")
    addresses = [line.split()[3] for line in listening if line]
    ours = [address for address in addresses if address.rsplit(":", 1)[1] in mine]
    assert ours
    assert all(address.startswith("127.0.0.1:") for address in ours)


def test_secrets_are_for_their_owner_only_and_in_no_log(platform: Platform) -> None:
    secrets = platform.data_dir / "secrets"
    assert secrets.stat().st_mode & 0o077 == 0
    log = platform.log.read_text() + "".join(p.read_text() for p in (platform.data_dir / "logs").iterdir())
    for path in secrets.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
        if path.suffix == "" and path.name != "nats-server.pid":
            assert path.read_text() not in log, path.name


@pytest.mark.timeout(240)
def test_ctrl_c_while_it_starts_ends_it_and_the_next_start_works(own_platform: Own) -> None:
    mine = own_platform()
    for moment in ("nats-server", "mongod", "provisioner", "gateway"):
        process = mine.launch()
        wait_until(lambda m=moment: mine.pids(m), 20, mine.tail)
        assert mine.stop() < 5.0, moment
        assert process.returncode == 0, mine.tail()
    assert mine.start().stop() < 5.0


def test_a_data_directory_that_cannot_be_written_is_said(own_platform: Own) -> None:
    mine = own_platform()
    mine.data_dir.parent.mkdir(exist_ok=True)
    mine.data_dir.mkdir()
    # A folder of the name of a file that it must write: no write succeeds, whoever asks, root too.
    (mine.data_dir / "versions.new").mkdir()
    said = refused(mine)
    assert "cannot be used" in said
    assert "Traceback" not in said


def test_an_address_of_ip_version_6_is_listened_on_and_two_ctrl_c_are_one(own_platform: Own) -> None:
    mine = own_platform("--host", "::1")
    process = mine.launch()
    url = f"http://[::1]:{mine.port}/readyz"

    def ready() -> bool:
        try:
            return httpx.get(url, timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready, 60, mine.tail)
    mine.await_ready_line()
    process.send_signal(signal.SIGINT)
    assert mine.stop() < 5.0
    assert process.returncode == 0
