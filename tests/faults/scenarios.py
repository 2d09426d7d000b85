"""The long form: one platform after the other, each under a load and a trouble of its own."""

import asyncio
import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.process import free_port
from tests.e2e.platform import Platform, wait_until
from tests.faults.campaign import OPTIONS, conduct, install, killing, publisher, ready
from tests.faults.cluster import Cluster
from tests.faults.evidence import Evidence, Fault
from tests.faults.faults import Hand, blows, instance_of
from tests.faults.load import PLUGINS, BusLogin
from tests.faults.machine import Clock, NotHere, fill, remount, small_disk

_PATIENCE_S: Final = 120.0
_FULL_S: Final = 10.0
_DISK_MIB: Final = 1024
_RUNS_A_SECOND: Final = 40
_SHORTEST_S: Final = 25.0


@dataclass(frozen=True)
class Order:
    """What a scenario is given."""

    folder: Path
    seed: int
    runs: int

    @property
    def seconds(self) -> float:
        return max(_SHORTEST_S, self.runs / _RUNS_A_SECOND)

    def chance(self) -> random.Random:
        return random.Random(f"{self.seed}/trouble")


Scenario = Callable[[Order], Evidence]


@contextlib.contextmanager
def _ended(platform: Platform) -> Iterator[Platform]:
    try:
        yield platform
    finally:
        platform.stop()


def _under(
    order: Order,
    platform: Platform,
    trouble: Callable[[Platform, Evidence], Awaitable[None]],
    login: Callable[[Platform], BusLogin] = publisher,
) -> Evidence:
    """A load on a platform in trouble."""
    install(platform)
    with _ended(platform):
        where = ready(platform, login)
        return asyncio.run(
            conduct(
                platform, where, trouble,
                seed=order.seed, runs=order.runs, seconds=order.seconds, patience_s=_PATIENCE_S,
            )
        )  # fmt: skip


def kills(order: Order) -> Evidence:
    """SIGKILL of everything, in random order, for as long as the load lasts."""
    trouble = killing(order.seed, seconds=order.seconds, gap_s=(0.5, 4.0))
    return _under(order, Platform(order.folder, *OPTIONS), trouble)


def freezes(order: Order) -> Evidence:
    """SIGSTOP of every service for 1 to 9 s, which is longer than leases live; then SIGCONT."""

    async def freeze(platform: Platform, evidence: Evidence) -> None:
        plan = list(blows(order.chance(), seconds=order.seconds, gap_s=(0.5, 2.0)))
        await Hand(platform, evidence).freeze(plan, seconds=(1.0, 9.0))

    return _under(order, Platform(order.folder, *OPTIONS), freeze)


def power(order: Order) -> Evidence:
    """`plugarr up` and all its processes are killed at once, and it is started again; twice."""
    # What follows a restart, such as a publisher, must find the bus where it was.
    platform = Platform(order.folder, *OPTIONS, "--nats-port", str(free_port()))

    async def cut(_: Platform, evidence: Evidence) -> None:
        for _round in range(2):
            await asyncio.sleep(order.seconds / 3)
            evidence.faults += _everything(platform)
            assert platform.process is not None
            platform.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(platform.process.wait)
            await asyncio.to_thread(platform.start)

    return _under(order, platform, cut)


def _everything(platform: Platform) -> list[Fault]:
    now = time.time()
    executors = [instance_of(pid) or "" for pid in platform.pids("executor")]
    return [
        *(Fault("kill", "executor", name, now) for name in executors),
        *(Fault("kill", "host", plugin, now) for plugin in PLUGINS),
        *(
            Fault("kill", name, name, now)
            for name in ("nats-server", "mongod", "data", "gateway", "registry")
        ),
    ]


def full_disk(order: Order) -> Evidence:
    """The disk of the data directory is full for ten seconds, under load."""
    platform = Platform(order.folder, *OPTIONS)

    async def starve(_: Platform, evidence: Evidence) -> None:
        await asyncio.sleep(order.seconds / 3)
        began = time.time()
        evidence.faults.append(Fault("disk", "disk", "full", began, until=began + 3600))
        filler = await asyncio.to_thread(fill, platform.data_dir)
        await asyncio.sleep(_FULL_S)
        filler.unlink()
        evidence.faults[-1] = Fault("disk", "disk", "full", began, until=time.time())

    with small_disk(platform.data_dir, _DISK_MIB):
        return _under(order, platform, starve)


def read_only_disk(order: Order) -> Evidence:
    """A data directory that cannot be written is refused with its name; what is in it stays, and is used again."""
    platform = Platform(order.folder, *OPTIONS, "--nats-port", str(free_port()))
    evidence: list[Evidence] = []

    async def interrupt(_: Platform, found: Evidence) -> None:
        evidence.append(found)
        await asyncio.sleep(order.seconds / 3)
        found.faults += _everything(platform)
        assert platform.process is not None
        platform.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(platform.process.wait)
        # Children of the killed one have files open for a moment yet.
        await asyncio.to_thread(_remounted, platform.data_dir, "ro")
        refused = await asyncio.to_thread(_refused, platform)
        assert str(platform.data_dir) in refused, refused
        assert "Traceback" not in refused, refused
        await asyncio.to_thread(_remounted, platform.data_dir, "rw")
        await asyncio.to_thread(platform.start)

    with small_disk(platform.data_dir, _DISK_MIB):
        return _under(order, platform, interrupt)


def _remounted(folder: Path, how: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return remount(folder, how)
        except NotHere:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _refused(platform: Platform) -> str:
    done = subprocess.run(
        platform.command(),
        capture_output=True,
        text=True,
        timeout=60,
        env=platform.environment(),
        check=False,
    )
    assert done.returncode == 1, f"it ended with {done.returncode}: {done.stdout}{done.stderr}"
    return " ".join((done.stdout + done.stderr).split())


class _Shifted(Platform):
    """A platform whose processes have a wall clock of their own."""

    def __init__(self, folder: Path, clock: Clock, *options: str) -> None:
        super().__init__(folder, *options)
        self.clock = clock

    def environment(self, *, administrator: bool = True) -> dict[str, str]:
        return {**super().environment(administrator=administrator), **self.clock.environment}


def clock_jumps(order: Order) -> Evidence:
    """The wall clocks of services and MongoDB jump to and fro; nats-server's does not (it asks no C library)."""
    clock = Clock(order.folder / "clock")

    async def jump(_: Platform, evidence: Evidence) -> None:
        jumps = [3600, -3600, 120, -120, 7200, 0]
        order.chance().shuffle(jumps)
        for offset_s in (*jumps, 0):
            await asyncio.sleep(order.seconds / 8)
            evidence.faults.append(Fault("clock", "clock", f"{offset_s:+d} s", time.time()))
            clock.set(offset_s)

    return _under(order, _Shifted(order.folder, clock, *OPTIONS), jump)


def step_downs(order: Order) -> Evidence:
    """MongoDB with three members, whose primary steps down again and again."""
    cluster = Cluster(order.folder)

    async def step_down(_: Platform, evidence: Evidence) -> None:
        chance, over = order.chance(), time.monotonic() + order.seconds
        while time.monotonic() < over:
            await asyncio.sleep(chance.uniform(3, 6))
            evidence.faults.append(Fault("step_down", "mongod", "primary", time.time()))
            await asyncio.to_thread(cluster.step_down)
        assert not cluster.ended(), f"{cluster.ended()} ended by themselves: {cluster.tail()}"

    return _under(order, cluster, step_down, lambda _: cluster.login())


def lost_nodes(order: Order) -> Evidence:
    """A bus of three nodes that loses one, which comes back and catches up, and then another."""
    cluster = Cluster(order.folder)

    async def lose(_: Platform, evidence: Evidence) -> None:
        chance = order.chance()
        for node in chance.sample(cluster.nodes, len(cluster.nodes)):
            await asyncio.sleep(order.seconds / 6)
            assert node.process is not None
            began = time.time()
            evidence.faults.append(Fault("kill", "nats-server", str(node.number), began, until=began + 3600))
            node.process.kill()
            await asyncio.to_thread(node.process.wait)
            await asyncio.sleep(5)
            await asyncio.to_thread(node.start)
            await asyncio.to_thread(wait_until, node.is_healthy, 60, node.log.read_text)
            evidence.faults[-1] = Fault("kill", "nats-server", str(node.number), began, until=time.time())
        assert not cluster.ended(), f"{cluster.ended()} ended by themselves: {cluster.tail()}"

    return _under(order, cluster, lose, lambda _: cluster.login())


SCENARIOS: Final[dict[str, Scenario]] = {
    "kills": kills,
    "freezes": freezes,
    "power": power,
    "full-disk": full_disk,
    "read-only-disk": read_only_disk,
    "clock-jumps": clock_jumps,
    "step-downs": step_downs,
    "lost-nodes": lost_nodes,
}
