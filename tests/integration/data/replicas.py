"""Replicas of the data service as processes, of which a test may kill or stop the one that tells of changes."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.embedded.process import free_port, start, stop
from shared.contracts.plugins import Lease
from shared.contracts.streams import LEASES
from shared.messaging.bus import Bus
from shared.messaging.kv import Kv
from tests.servers import RunningNats


class Replicas:
    """`python -m services.data`, by the names of their instances."""

    def __init__(self, nats: RunningNats, mongo_url: str, folder: Path, bus: Bus) -> None:
        self._nats = nats
        self._mongo_url = mongo_url
        self._folder = folder
        self._leases = Kv(bus, LEASES)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._made = 0

    def start(self) -> str:
        """One more replica."""
        self._made += 1
        name = f"replica{self._made}"
        env = {
            "PATH": os.environ["PATH"],
            "PLUGARR_NATS_URL": self._nats.url,
            "PLUGARR_SECRETS_DIR": str(self._nats.secrets),
            "PLUGARR_DATA_DIR": str(self._folder),
            "PLUGARR_MONGO_URL": self._mongo_url,
            "PLUGARR_HEALTH_PORT": str(free_port()),
            "PLUGARR_INSTANCE": name,
        }
        log = self._folder / f"{name}.log"
        self._processes[name] = start([sys.executable, "-m", "services.data"], log=log, env=env)
        return name

    async def tailer(self, *, other_than: str | None = None) -> str:
        """Who tells of changes, once somebody does."""
        async with asyncio.timeout(45):
            while True:
                held = await self._leases.get("data.tailer")
                if held is not None:
                    holder = Lease.model_validate_json(held.data).holder
                    if holder != other_than and holder in self._processes:
                        return holder
                await asyncio.sleep(0.05)

    def signal(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def end(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            stop(process)
