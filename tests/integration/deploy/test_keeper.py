"""Children are kept running, and ended in bounded time, whatever they do."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy.embedded.process import free_port
from deploy.supervisor.child import Child, Keeper
from deploy.supervisor.console import LogConsole

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def keeper(**child: object) -> tuple[Keeper, io.StringIO]:
    out = io.StringIO()
    return Keeper(Child("child", **child), LogConsole(raw=True, out=out)), out  # type: ignore[arg-type]


async def until(condition: object, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # type: ignore[operator] # noqa: ASYNC110 - processes send no events
            await asyncio.sleep(0.02)


async def test_a_child_whose_children_hold_its_output_is_started_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    kept, out = keeper(command=["sh", "-c", f"sleep 30 & echo $! >> {pids}; echo said; exit 3"])
    kept.start()
    try:
        await until(lambda: kept.restarts >= 1)
        assert "said" in out.getvalue()
        assert "exit code 3" in out.getvalue()
    finally:
        await kept.stop(1)
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


async def test_many_children_that_do_not_listen_end_together() -> None:
    many = [keeper(command=DEAF) for _ in range(10)]
    for kept, _ in many:
        kept.start()
    await until(lambda: all("deaf" in out.getvalue() for _, out in many), 20)
    began = time.monotonic()
    await asyncio.gather(*(kept.stop(0.5) for kept, _ in many))
    assert time.monotonic() - began < 3
    assert all(kept.pid is None for kept, _ in many)


async def test_a_child_between_two_starts_is_ended_at_once() -> None:
    kept, _ = keeper(command=["false"])
    kept.start()
    await until(lambda: kept.restarts >= 2)
    began = time.monotonic()
    await kept.stop(1)
    assert time.monotonic() - began < 1.5


async def test_while_a_server_is_made_ready_everything_else_goes_on_and_it_can_be_ended() -> None:
    begun = threading.Event()

    def prepare(process: "subprocess.Popen[bytes]") -> None:
        begun.set()
        process.wait()
        raise ChildProcessError("it ended")

    kept, out = keeper(command=SLEEP, prepare=prepare)
    kept.start()
    await until(begun.is_set)
    assert not await kept.wait_ready(0.3)
    began = time.monotonic()
    await kept.stop(2)
    assert time.monotonic() - began < 2
    assert "cannot" not in out.getvalue()


async def test_what_keeps_a_server_from_being_ready_is_raised() -> None:
    def prepare(_process: "subprocess.Popen[bytes]") -> None:
        raise LookupError("no primary")

    kept, _ = keeper(command=SLEEP, prepare=prepare)
    kept.start()
    with pytest.raises(LookupError, match="no primary"):
        await kept.wait_ready(5)
    await kept.stop(1)


async def test_readiness_is_asked_directly_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    kept, _ = keeper(command=command, ready_url=f"http://127.0.0.1:{port}/")
    kept.start()
    assert await kept.wait_ready(10)
    await kept.stop(1)
