"""Plugin hosts: how long they take to start, to start again after a crash, and to be called.

The ways not taken are measured beside: hosts spawned as programs, and one process whose forks enter
namespaces by themselves. The figures of one machine are in docs/adr/0004-plugin-hosts.md.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

from bench.harness import Figure, latencies, p50, p99
from services.executor.hosts import HostOptions, PluginHosts
from services.executor.ports import HostCall, PluginSpec

SOURCE = """
import os
import plugarr
from apps.plugins.models import PluginData

class Plugin:
    name = "Bench"
    def run(self, action, params, context):
        if action == "exit":
            os._exit(1)
        if action == "ask":
            plugarr.emit("x")
        if action == "log":
            context["logger"].info("a line")
        if action == "memory":
            def pss(pid):
                return int(next(l for l in open(f"/proc/{pid}/smaps_rollup") if l.startswith("Pss:")).split()[1])
            return {"host": pss("self"), "launcher": pss(os.getppid())}
        return {"status": "ok"}
"""
SandboxMode = Literal["require", "off"]
_NEW_NAMESPACES = 0x00020000 | 0x20000000 | 0x08000000 | 0x04000000  # mounts, pids, ipc, uts
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_PARTS = ("/usr", "/etc", sys.base_prefix, sys.prefix)


class NoUpcalls:
    """An executor's side that answers at once and keeps nothing."""

    async def call(self, *_question: Any) -> None:
        return None

    def log(self, *_lines: Any) -> None:
        pass

    def progress(self, *_report: Any) -> None:
        pass

    def host_ended(self, *_end: Any) -> None:
        pass


def measure() -> list[Figure]:
    """Measure all of it."""
    figures = [
        *asyncio.run(_starting("require", spawn=False)),
        *asyncio.run(_starting("require", spawn=True)),
    ]
    figures += asyncio.run(_starting("off", spawn=False))
    if (taken := fork_into_namespaces_ms(50)) is not None:
        figures.append(Figure("bare fork that enters its own namespaces", p50(taken), "ms"))
    return [*figures, *asyncio.run(_calling())]


def _call(action: str = "go") -> HostCall:
    return HostCall("run", 1, action, {}, {}, {}, timeout_s=60.0)


@contextlib.asynccontextmanager
async def _hosts(
    sandbox: SandboxMode, *, spawn: bool = False
) -> AsyncIterator[tuple[PluginHosts, PluginSpec]]:
    with tempfile.TemporaryDirectory() as name:
        files = Path(name, "files")
        folder = files / "plugins" / "bench"
        folder.mkdir(parents=True)
        (folder / "plugin.py").write_text(SOURCE)
        made = PluginHosts(HostOptions(files_dir=files, sandbox=sandbox, spawn=spawn), NoUpcalls())

        async def beat() -> None:
            while True:
                made.beat()
                await asyncio.sleep(1)

        beating = asyncio.create_task(beat())
        yield made, PluginSpec("bench", "bench", folder, "d", {})
        beating.cancel()
        await made.close({})


async def _starting(sandbox: SandboxMode, *, spawn: bool) -> list[Figure]:
    label = f"{'bubblewrap' if sandbox == 'require' else 'no sandbox'}, {'spawned' if spawn else 'forked'}"
    first: list[float] = []
    again: list[float] = []
    async with _hosts(sandbox, spawn=spawn) as (made, spec):
        for _ in range(10):
            first += await latencies(lambda: made.load(spec, {}), 1)
            for _ in range(3):
                await made.run("bench", _call("exit"))
                again += await latencies(lambda: made.run("bench", _call()), 1)
            memory = (await made.run("bench", _call("memory"))).result
            await made.stop("bench", "again", {})
    return [
        Figure(f"first load ({label})", p50(first) / 1000, "ms", wanted="≤ 400 ms"),
        Figure(f"run in a new host after a crash ({label})", p50(again) / 1000, "ms", wanted="≤ 50 ms"),
        Figure(f"memory of launcher and host ({label})", sum(memory.values()) / 1024, "MiB (Pss)"),
    ]


async def _calling() -> list[Figure]:
    async with _hosts("require") as (made, spec):
        await made.load(spec, {})
        await latencies(lambda: made.run("bench", _call()), 500)
        warm = await latencies(lambda: made.run("bench", _call()), 5000)
        logging = await latencies(lambda: made.run("bench", _call("log")), 2000)
        asking = await latencies(lambda: made.run("bench", _call("ask")), 2000)
        begun = time.perf_counter()
        await asyncio.gather(*(latencies(lambda: made.run("bench", _call()), 500) for _ in range(8)))
        rate = 4000 / (time.perf_counter() - begun)
    return [
        Figure("call of a warm host, p50", p50(warm), "µs", wanted="≤ 300 µs"),
        Figure("call of a warm host, p99", p99(warm), "µs"),
        Figure("call that logs a line, p50", p50(logging), "µs"),
        Figure("call that asks the platform once, p50", p50(asking), "µs"),
        Figure("calls of one host, 8 at once", rate, "a second"),
    ]


def fork_into_namespaces_ms(times: int) -> list[float] | None:
    """Milliseconds from fork to first answer of a process with a root of its own; None where only root may."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory() as root:
        return [_fork_once(libc, root) for _ in range(times)]


def _fork_once(libc: ctypes.CDLL, root: str) -> float:
    read, write = os.pipe()
    begun = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            _enter(libc, root)
            if os.fork() == 0:  # the first process of the new pid namespace
                os.write(write, b"x")
                os._exit(0)
            os.wait()
        finally:
            os._exit(0)
    os.close(write)
    answered = os.read(read, 1)
    taken = (time.perf_counter() - begun) * 1000
    os.close(read)
    os.waitpid(pid, 0)
    if not answered:
        raise RuntimeError("the fork did not get into its namespaces")
    return taken


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int) -> None:
    if libc.mount(source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def _enter(libc: ctypes.CDLL, root: str) -> None:
    if libc.unshare(_NEW_NAMESPACES) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _mount(libc, "none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount(libc, "tmpfs", root, "tmpfs", 0)
    for part in _PARTS:
        target = root + part
        Path(target).mkdir(parents=True, exist_ok=True)
        _mount(libc, part, target, None, _MS_BIND)
        _mount(libc, part, target, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)
    os.chroot(root)
    os.chdir("/")
