"""No process of a plugin outlives its executor, its launcher, its host, or the plugin."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.hosts.conftest import MakeRig, Rig

ROOT = Path(__file__).parents[3]

DETACHING = """
    import os, subprocess, sys, time

    def detach(mark):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sh", ["sh", "-c", "sleep 1000; : " + mark])
            os._exit(0)
        os.wait()

    detach("MARK-early")

    class Plugin:
        def run(self, action, params, context):
            if action == "detach":
                detach("MARK-late")
            elif action == "exit":
                os._exit(1)
            elif action == "stop-launcher":
                os.kill(os.getppid(), 19)
            elif action == "stop-self":
                os.kill(os.getpid(), 19)
                time.sleep(0.5)  # the signal may reach another thread first
            elif action == "kill-launcher":
                os.kill(os.getppid(), 9)
            return {}
"""


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def processes(mark: str) -> list[int]:
    """Processes whose command line holds the mark: hosts and launchers by the plugin's key, children by theirs."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            if mark in line and "driver.py" not in line and "hosts.driver" not in line:
                found.append(int(entry.name))
    return found


async def until_one(mark: str) -> None:
    """Wait until one process has the mark; a child that is just being detached is two for a moment."""
    async with asyncio.timeout(5):
        while len(processes(mark)) != 1:  # noqa: ASYNC110 - other processes have no event of ours
            await asyncio.sleep(0.02)


async def until_gone(mark: str, limit_s: float) -> float:
    """How long it took until no process with the mark was left."""
    begun = time.monotonic()
    while processes(mark):
        assert time.monotonic() - begun < limit_s, processes(mark)
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def until_there(mark: str) -> None:
    """Wait until a process has the mark: a child that was forked has yet to become what it shall be."""
    async with asyncio.timeout(5):
        while not processes(mark):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def start(rig: Rig, **values: object) -> str:
    key = f"fenced-{uuid4().hex}"
    await rig.start(key, DETACHING.replace("MARK", key), **values)
    await until_there(f"{key}-early")
    return key


async def test_everything_ends_when_the_heartbeat_stops(either_rig: Rig) -> None:
    key = await start(either_rig)
    either_rig.beating = False
    assert await until_gone(key, 5.0) > 3.0
    await either_rig.upcalls.until(lambda: either_rig.upcalls.ends)


async def test_next_run_after_a_fence_starts_everything_anew(make_rig: MakeRig) -> None:
    rig = make_rig(fence_s=1.0)
    key = await start(rig)
    rig.beating = False
    await until_gone(key, 2.0)
    # A process loses its name before its socket closes: what is sent in between is lost with it.
    await rig.upcalls.until(lambda: rig.upcalls.ends)
    rig.beating = True
    assert (await rig.run(key)).end == "returned"


async def test_heartbeat_keeps_alive_even_while_the_plugin_holds_the_interpreter(make_rig: MakeRig) -> None:
    rig = make_rig(fence_s=1.0)
    source = """
        import re, time
        class Plugin:
            def run(self, action, params, context):
                begun = time.monotonic()
                re.match(r"(a+)+$", "a" * 26 + "b")  # one call into C that never lets go
                return {"held_s": time.monotonic() - begun}
    """
    await rig.start("holding", source)
    assert (await rig.run("holding")).result["held_s"] > 1.2
    assert rig.upcalls.ends == []


@pytest.mark.parametrize("sandbox", ["require", "off"])
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
async def test_stopped_or_killed_executor_leaves_nothing_behind(
    tmp_path: Path, sandbox: str, number: signal.Signals
) -> None:
    key = f"fenced-{uuid4().hex}"
    folder = tmp_path / "files" / "plugins" / key
    folder.mkdir(parents=True)
    source = DETACHING.replace("MARK", key).replace("\n    ", "\n")
    (folder / "plugin.py").write_text(source)
    driver = subprocess.Popen(  # noqa: ASYNC220 - killed and reaped by hand
        [sys.executable, "-m", "tests.integration.hosts.driver", str(tmp_path / "files"), key, sandbox],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert driver.stdout is not None
        assert await asyncio.to_thread(driver.stdout.readline) == "loaded\n"
        await until_there(f"{key}-early")
        driver.send_signal(number)
        await until_gone(key, 5.0 if number == signal.SIGSTOP else 2.0)
    finally:
        driver.kill()
        driver.wait()
        driver.stdout.close()


async def test_detached_children_end_with_the_plugin(either_rig: Rig) -> None:
    key = await start(either_rig)
    await either_rig.run(key, "detach")
    await until_there(f"{key}-late")
    await either_rig.hosts.stop(key, "disable", {})
    assert processes(key) == []


async def test_detached_children_end_with_a_host_that_crashes(either_rig: Rig) -> None:
    key = await start(either_rig)
    await either_rig.run(key, "detach")
    await until_there(f"{key}-late")
    assert (await either_rig.run(key, "exit")).end == "crashed"
    assert processes(f"{key}-late") == []
    assert (await either_rig.run(key)).end == "returned"
    await until_one(f"{key}-early")


async def test_new_host_after_a_crash_is_there_in_milliseconds(rig: Rig) -> None:
    await rig.start(
        "quick",
        "import os\nclass Plugin:\n    def run(self, a, p, c): return os._exit(1) if a == 'exit' else {}\n",
    )
    times = []
    for _ in range(5):
        await rig.run("quick", "exit")
        begun = time.perf_counter()
        assert (await rig.run("quick")).end == "returned"
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.05


@pytest.mark.parametrize("sandbox", ["require", "off"])
async def test_plugin_that_stops_its_launcher_is_ended_all_the_same(make_rig: MakeRig, sandbox: str) -> None:
    rig = make_rig(sandbox=sandbox)
    key = await start(rig)
    await rig.run(key, "stop-launcher")
    result = await rig.run(key, "stop-self", timeout_s=0.2)
    assert result.end == "timed_out"
    assert (await rig.run(key)).end == "returned"
    await rig.run(key, "stop-launcher")
    await rig.hosts.stop(key, "disable", {})
    await until_gone(key, 1.0)


async def test_host_ends_itself_when_neither_executor_nor_launcher_can(make_rig: MakeRig) -> None:
    rig = make_rig(fence_s=1.0, sandbox="off")
    source = """
        import os
        class Plugin:
            def run(self, action, params, context):
                os.kill(os.getppid(), 19)
                return {"pid": os.getpid()}
    """
    await rig.start("orphaned", source)
    pid = (await rig.run("orphaned")).result["pid"]
    rig.beating = False
    begun = time.monotonic()
    while command_line(pid):  # its stopped launcher cannot reap it
        assert time.monotonic() - begun < 2.5
        await asyncio.sleep(0.02)


async def test_launcher_that_is_killed_takes_its_host_along(rig: Rig) -> None:
    key = await start(rig)
    result = await rig.run(key, "kill-launcher")
    assert result.end in {"returned", "crashed"}
    await rig.upcalls.until(lambda: rig.upcalls.ends)
    assert (await rig.run(key)).end == "returned"
