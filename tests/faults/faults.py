"""What is done to the platform: processes killed, in an order that a seed decides."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.platform import Platform
from tests.faults.evidence import Evidence, Fault
from tests.faults.load import PLUGINS

TARGETS: Final = ("executor", "host", "data", "gateway", "registry", "nats-server", "mongod")
_THERE_WITHIN_S: Final = 90.0


@dataclass(frozen=True)
class Blow:
    """What is killed so long after the blow before."""

    after_s: float
    target: str
    pick: float
    """Which of several, as a share of them."""


def blows(chance: random.Random, *, seconds: float, gap_s: tuple[float, float]) -> Iterator[Blow]:
    """Every target once, in random order, again and again until the time is over; each of them at least once."""
    spent = 0.0
    first = True
    while first or spent < seconds:
        for target in chance.sample(TARGETS, len(TARGETS)):
            after = chance.uniform(*gap_s)
            spent += after
            yield Blow(after, target, chance.random())
            if not first and spent >= seconds:
                return
        first = False


class Hand:
    """Does to the platform what it is told to, and writes it down."""

    def __init__(self, platform: Platform, evidence: Evidence) -> None:
        self._platform = platform
        self._evidence = evidence

    async def kill(self, plan: list[Blow]) -> None:
        """SIGKILL, one after the other; a target that is still being started again is waited for."""
        for blow in plan:
            await asyncio.sleep(blow.after_s)
            name, pid = await self._victim(blow)
            # Before, not after: what happens at once may be stamped a moment earlier.
            self._evidence.faults.append(Fault("kill", blow.target, name, time.time()))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def freeze(self, plan: list[Blow], *, seconds: tuple[float, float]) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        for blow in plan:
            await asyncio.sleep(blow.after_s)
            name, pid = await self._victim(blow)
            began = time.time()
            # It may have to explain what ends while it lasts.
            index = len(self._evidence.faults)
            self._evidence.faults.append(Fault("stop", blow.target, name, began, until=began + seconds[1]))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                try:
                    await asyncio.sleep(seconds[0] + blow.pick * (seconds[1] - seconds[0]))
                finally:
                    os.kill(pid, signal.SIGCONT)
            self._evidence.faults[index] = Fault("stop", blow.target, name, began, until=time.time())

    async def _victim(self, blow: Blow) -> tuple[str, int]:
        victims = await self._victims(blow.target)
        return victims[int(blow.pick * len(victims))]

    async def _victims(self, target: str) -> list[tuple[str, int]]:
        deadline = time.monotonic() + _THERE_WITHIN_S
        while True:
            found = self._hosts() if target == "host" else self._services(target)
            if found:
                return found
            assert time.monotonic() < deadline, f"no {target} runs: {self._platform.tail()}"
            await asyncio.sleep(0.05)

    def _services(self, target: str) -> list[tuple[str, int]]:
        return [(instance_of(pid) or target, pid) for pid in self._platform.pids(target)]

    def _hosts(self) -> list[tuple[str, int]]:
        """Every plugin's process: the one that its launcher, which has the same command line, forked."""
        lines = dict(_command_lines())
        parents = {pid: _parent(pid) for pid in lines}
        own = set(self._platform.pids("executor"))
        found = []
        for pid, line in lines.items():
            parent = parents[pid]
            if "start.py" not in line or parent is None or "start.py" not in lines.get(parent, ""):
                continue
            if not own.intersection(_ancestors(pid)):
                continue
            key = next((key for key in PLUGINS if f'"key": "{key}"' in line), None)
            if key is not None:
                found.append((key, pid))
        return found


def instance_of(pid: int) -> str | None:
    """The name that a service was given."""
    with contextlib.suppress(OSError):
        for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if pair.startswith(b"PLUGARR_INSTANCE="):
                return pair.partition(b"=")[2].decode()
    return None


def _command_lines() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().decode(errors="replace")


def _parent(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return None


def _ancestors(pid: int) -> Iterator[int]:
    above: int | None = pid
    while above := _parent(above):
        yield above
