"""A campaign: a platform under load and under blows, and then the evidence of what became of it."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from shared.tasks import ended
from tests.e2e.platform import ADMIN, ROOT, Api, Platform
from tests.faults.collect import Collector
from tests.faults.evidence import Evidence, Fault, Watcher
from tests.faults.faults import Hand, blows
from tests.faults.load import PLUGINS, BusLogin, Load
from tests.faults.watch import Browser

OPTIONS: Final = ("--executors", "2", "--data-replicas", "2")
_WITNESS: Final = Path(__file__).parent / "plugins" / "witness" / "plugin.py"
_READY_WITHIN_S: Final = 180.0
"""More than one for all tests: here are more processes, and a busy machine shall not matter."""
_STOOD_STILL_S: Final = 1.0
_EXECUTION: Final = {
    "witness": {"placement": "home"},
    # What is lost, or fails, is tried again.
    "witness_any": {"placement": "any", "retries": 2, "backoff_s": 0.2},
}

Trouble = Callable[[Platform, Evidence], Awaitable[None]]
"""What is done to the platform while the load goes on."""


def install(platform: Platform) -> None:
    """Put the witness into the plugin directory, once to live at home and once anywhere."""
    for key in PLUGINS:
        folder = platform.plugins_dir / key
        folder.mkdir(parents=True)
        shutil.copyfile(_WITNESS, folder / "plugin.py")
        (folder / "plugin.json").write_text(json.dumps({"name": key, "execution": _EXECUTION[key]}))


def publisher(platform: Platform) -> BusLogin:
    """Make an outside publisher on a running platform."""
    command = [
        *(sys.executable, "-m", "deploy.cli.main", "bus-user", "create", "load", "--run", PLUGINS[0]),
        *("--data-dir", str(platform.data_dir)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    said = dict(line.split(None, 1) for line in done.stdout.strip().splitlines())
    return BusLogin(**{name: said[name] for name in BusLogin.__dataclass_fields__})


def ready(platform: Platform, login: Callable[[Platform], BusLogin] = publisher) -> BusLogin:
    """Start it, with the witnesses enabled; how an outside publisher logs in."""
    platform.ready_within_s = _READY_WITHIN_S
    platform.start()
    with platform.client() as http:
        for key in PLUGINS:
            assert Api(http).enable(key)["loaded"]
    return login(platform)


def killing(seed: int, *, seconds: float, gap_s: tuple[float, float]) -> Trouble:
    """Kill everything, one after the other, in the order of the seed."""
    plan = list(blows(random.Random(f"{seed}/blows"), seconds=seconds, gap_s=gap_s))

    async def kill(platform: Platform, evidence: Evidence) -> None:
        await Hand(platform, evidence).kill(plan)

    return kill


async def conduct(
    platform: Platform,
    login: BusLogin,
    trouble: Trouble,
    *,
    seed: int,
    runs: int,
    seconds: float,
    patience_s: float,
) -> Evidence:
    """Load and trouble together; then wait until the platform has come to rest, and read what it says."""
    evidence = Evidence(seed)
    load = Load(evidence, url=platform.url, login=ADMIN, bus=login, chance=random.Random(f"{seed}/load"))
    browsers = [
        Browser(platform, _watcher(evidence, name), random.Random(f"{seed}/{name}"), cut_s)
        for name, cut_s in (("steady", None), ("restless", 1.5))
    ]
    began = time.monotonic()
    watching = [asyncio.create_task(browser.run()) for browser in browsers]
    watching.append(asyncio.create_task(_starving(evidence)))
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await asyncio.gather(*(browser.following.wait() for browser in browsers))
        async with asyncio.TaskGroup() as together:
            together.create_task(load.run(runs=runs, seconds=seconds))
            together.create_task(trouble(platform, evidence))
        evidence.notes["load_s"] = round(time.monotonic() - began, 1)
        await Collector(platform, login.url, evidence, patience_s).collect()
    finally:
        await ended(*watching)
    return evidence


def _watcher(evidence: Evidence, name: str) -> Watcher:
    watcher = Watcher(name)
    evidence.watchers.append(watcher)
    return watcher


async def _starving(evidence: Evidence) -> None:
    """Write down where this machine had no time for us, and so perhaps none for those who must renew a lease."""
    while True:
        began = time.time()
        await asyncio.sleep(0.1)
        if time.time() - began > _STOOD_STILL_S:
            evidence.faults.append(Fault("starve", "machine", "processor", began, until=time.time()))
