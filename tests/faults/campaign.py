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

from tests.e2e.platform import ADMIN, ROOT, Api, Platform
from tests.faults import collect
from tests.faults.evidence import Evidence
from tests.faults.faults import Killer, blows
from tests.faults.load import PLUGINS, BusLogin, Load

OPTIONS: Final = ("--executors", "2", "--data-replicas", "2")
_WITNESS: Final = Path(__file__).parent / "plugins" / "witness" / "plugin.py"
_PLACEMENTS: Final = {"witness": "home", "witness_any": "any"}

Trouble = Callable[[Platform, Evidence], Awaitable[None]]
"""What is done to the platform while the load goes on."""


def install(platform: Platform) -> None:
    """Put the witness into the plugin directory, once to live at home and once anywhere."""
    for key in PLUGINS:
        folder = platform.plugins_dir / key
        folder.mkdir(parents=True)
        shutil.copyfile(_WITNESS, folder / "plugin.py")
        execution = {"placement": _PLACEMENTS[key]}
        (folder / "plugin.json").write_text(json.dumps({"name": key, "execution": execution}))


def ready(platform: Platform) -> BusLogin:
    """Start it, with the witnesses enabled; how an outside publisher logs in."""
    platform.start()
    with platform.client() as http:
        for key in PLUGINS:
            assert Api(http).enable(key)["loaded"]
    command = [
        *(sys.executable, "-m", "deploy.cli.main", "bus-user", "create", "load", "--run", PLUGINS[0]),
        *("--data-dir", str(platform.data_dir)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    said = dict(line.split(None, 1) for line in done.stdout.strip().splitlines())
    return BusLogin(**{name: said[name] for name in BusLogin.__dataclass_fields__})


def killing(seed: int, *, seconds: float, gap_s: tuple[float, float]) -> Trouble:
    """Kill everything, one after the other, in the order of the seed."""
    plan = list(blows(random.Random(f"{seed}/blows"), seconds=seconds, gap_s=gap_s))

    async def kill(platform: Platform, evidence: Evidence) -> None:
        await Killer(platform, evidence).run(plan)

    return kill


async def conduct(
    platform: Platform,
    login: BusLogin,
    trouble: Trouble,
    *,
    seed: int,
    runs: int,
    seconds: float,
    settle_s: float,
) -> Evidence:
    """Load and trouble together; then wait until the platform has come to rest, and read what it says."""
    evidence = Evidence(seed)
    load = Load(evidence, url=platform.url, login=ADMIN, bus=login, chance=random.Random(f"{seed}/load"))
    began = time.monotonic()
    async with asyncio.TaskGroup() as together:
        together.create_task(load.run(runs=runs, seconds=seconds))
        together.create_task(trouble(platform, evidence))
    evidence.notes["load_s"] = round(time.monotonic() - began, 1)
    ledger = collect.Ledger(login.url, platform.data_dir / "secrets")
    await ledger.open()
    try:
        await collect.settled(ledger, evidence, settle_s)
        http = collect.Http(platform)
        await http.history(evidence, settle_s)
        await http.results(evidence, random.Random(f"{seed}/results"))
        await http.documents(evidence)
        collect.effects(platform, evidence)
        # What came after the end, such as a second one, shall not escape.
        await ledger.read_on()
    finally:
        await ledger.close()
    return evidence
