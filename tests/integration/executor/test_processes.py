"""Executors as processes of their own, with real plugin hosts: killed, stopped, woken up, told to end."""

import asyncio
import itertools
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.names import token
from shared.contracts.streams import LEASES
from shared.messaging.kv import Kv
from tests.integration.executor.world import World, until

ROOT = Path(__file__).parents[3]
PLUGIN = {
    "plugin.py": textwrap.dedent(
        """
        import itertools, os, threading, time, uuid
        class Plugin:
            name = "Real"
            def __init__(self):
                self.counter = itertools.count(1)
                threading.Thread(target=self.live, daemon=True).start()
            def live(self):
                me = uuid.uuid4().hex
                while True:
                    with open(os.path.join(os.path.dirname(__file__), "lives.txt"), "a") as file:
                        print(me, time.time(), file=file)
                    time.sleep(0.05)
            def run(self, action, params, context):
                if action == "sleep":
                    time.sleep(params["seconds"])
                if action == "crash":
                    os._exit(3)
                if action == "store":
                    from apps.plugins.models import PluginConfig
                    return {"settings": PluginConfig.objects.get(key=params["key"]).settings}
                if action == "call":
                    from apps.plugins.loader import PluginManager
                    return PluginManager.get().run_action(params["key"], params["action"], {})
                count = next(self.counter)
                context["logger"].info("counted to %s", count)
                return {"count": count, "pid": os.getpid()}
        """
    )
}


class Process:
    """`python -m services.executor`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def ended(self, within_s: float = 15.0) -> int:
        return await asyncio.wait_for(self.process.wait(), within_s)


class Farm:
    """Starts executors, and ends what tests left."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.started: list[Process] = []

    async def start(self, name: str, **environment: str) -> Process:
        log = self.folder / f"{name}.log"
        values = {
            "PLUGARR_NATS_URL": self.world.nats.url,
            "PLUGARR_SECRETS_DIR": str(self.world.nats.secrets),
            "PLUGARR_DATA_DIR": str(self.folder / "data"),
            "PLUGARR_INSTANCE": name,
            "PLUGARR_SITE": "here",
            "PLUGARR_GRACE_S": "2",
            "PLUGARR_HEALTH_PORT": "0",
            **environment,
        }
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.executor"),
                cwd=ROOT, env={**os.environ, **values}, stdout=file, stderr=file,
            )  # fmt: skip
        one = Process(name, process, log)
        self.started.append(one)
        return one

    async def lives(self, name: str) -> None:
        leases = Kv(self.world.gateway, LEASES)

        async def held() -> bool:
            return await leases.get(f"executor.{token(name)}") is not None

        await until(held)

    async def close(self) -> None:
        for one in self.started:
            if one.process.returncode is None:
                one.process.kill()
                await one.process.wait()


@pytest.fixture
async def farm(world: World, tmp_path: Path) -> AsyncIterator[Farm]:
    made = Farm(world, tmp_path)
    yield made
    await made.close()


async def free_port() -> str:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return str(port)


async def start(farm: Farm) -> Process:
    one = await farm.start(f"x{new_id()[-8:]}", PLUGARR_HEALTH_PORT=await free_port())
    await farm.lives(one.name)
    return one


async def two(farm: Farm) -> dict[str, Process]:
    return {one.name: one for one in await asyncio.gather(start(farm), start(farm))}


async def enabled(world: World, key: str) -> Any:
    await world.install(key, PLUGIN)
    await world.enable(key)
    loaded = await world.until_loaded(key)
    assert loaded.ok, loaded.error
    return loaded


async def test_a_real_plugin_runs_crashes_and_runs_again(farm: Farm, world: World, key: str) -> None:
    await start(farm)
    await enabled(world, key)
    first = await world.run(key, "count")
    second = await world.run(key, "count")
    assert (first.result["count"], second.result["count"]) == (1, 2)
    assert first.result["pid"] == second.result["pid"]
    crashed = await world.run(key, "crash")
    assert (crashed.state, crashed.cause) == ("failed", "crashed")
    assert "exit code 3" in str(crashed.error)
    assert (await world.run(key, "count")).result["count"] == 1
    held = await world.data.last(c.RUN_LOG, c.RUN_LOGGED.subject.of(run_id=first.run_id))
    assert held is not None
    assert b"counted to 1" in held.data
    slow = await world.run(key, "sleep", params={"seconds": 30}, timeout_s=0.5)
    assert (slow.state, slow.cause) == ("timed_out", "timed_out")


async def test_plugins_reach_their_settings_and_one_another(farm: Farm, world: World, key: str) -> None:
    await start(farm)
    await enabled(world, key)
    manager = f"{key}_manager"
    await enabled(world, manager)
    await world.configure(key, {"url": "x"})
    assert (await world.run(key, "store", params={"key": key})).result == {"settings": {"url": "x"}}
    assert (await world.run(key, "store", params={"key": "written-otherwise"})).result == {
        "settings": {"url": "x"}
    }
    refused = await world.run(key, "store", params={"key": manager})
    assert (refused.state, refused.cause) == ("failed", "denied")
    assert key in str(refused.error)
    assert manager in str(refused.error)
    called = await world.run(manager, "call", params={"key": key, "action": "count"})
    assert called.result["count"] == 1
    missing = await world.run(manager, "call", params={"key": "nobody", "action": "count"})
    assert missing.error == "Plugin 'nobody' not found"


async def test_a_killed_executors_plugins_move_and_its_run_is_lost_while_queued_ones_run_once(
    farm: Farm, world: World, key: str
) -> None:
    processes = await two(farm)
    loaded = await enabled(world, key)
    killed = processes[loaded.executor]
    other = next(name for name in processes if name != loaded.executor)
    running = await world.request(key, "sleep", params={"seconds": 60})
    await world.until_state(running, "running")
    began = asyncio.get_running_loop().time()
    killed.signal(signal.SIGKILL)
    await killed.ended()
    queued = [await world.request(key, "count") for _ in range(3)]
    results = [await world.result(run_id) for run_id in queued]
    assert asyncio.get_running_loop().time() - began < 10
    assert sorted(result.result["count"] for result in results) == [1, 2, 3]
    entries = [await world.until_state(run_id, "succeeded") for run_id in queued]
    assert {entry.executor for entry in entries} == {other}
    lost = await world.result(running)
    assert (lost.state, lost.cause) == ("lost", "executor_gone")


async def test_an_executor_that_was_stopped_and_woke_up_changes_nothing(
    farm: Farm, world: World, key: str
) -> None:
    processes = await two(farm)
    loaded = await enabled(world, key)
    stopped = processes[loaded.executor]
    running = await world.request(key, "sleep", params={"seconds": 7})
    await world.until_state(running, "running")
    stopped.signal(signal.SIGSTOP)
    lost = await world.result(running)
    assert (lost.state, lost.cause) == ("lost", "executor_gone")
    assert (await world.run(key, "count")).result["count"] == 1
    stopped.signal(signal.SIGCONT)

    async def noticed() -> bool:
        return b"lease_lost" in stopped.log.read_bytes()

    await until(noticed)
    await farm.lives(stopped.name)
    assert (await world.until_state(running, "lost")).cause == "executor_gone"
    assert (await world.run(key, "count")).state == "succeeded"
    lives = await asyncio.to_thread((farm.folder / "data/files/plugins" / key / "lives.txt").read_text)
    seen: dict[str, list[float]] = {}
    for line in lives.splitlines():
        who, when = line.split()
        seen.setdefault(who, []).append(float(when))
    # Each began when the one before had ended: the stopped executor's host by itself, unasked.
    assert len(seen) >= 2
    for before, after in itertools.pairwise(seen.values()):
        assert max(before) < min(after)


async def test_an_executor_that_is_told_to_end_does_so_within_its_grace_time(
    farm: Farm, world: World, key: str
) -> None:
    one = await start(farm)
    await enabled(world, key)
    short = await world.request(key, "sleep", params={"seconds": 1})
    long = await world.request(key, "sleep", params={"seconds": 60})
    await world.until_state(short, "running")
    await world.until_state(long, "running")
    began = asyncio.get_running_loop().time()
    one.signal(signal.SIGTERM)
    # uvicorn hands the signal on when everything has ended.
    assert await one.ended() in {0, -signal.SIGTERM}, one.log.read_text()[-2000:]
    assert asyncio.get_running_loop().time() - began < 6
    assert (await world.result(short)).state == "succeeded"
    assert (await world.result(long)).cause == "shutdown"
    # Its lease is given back, so that a successor begins at once.
    other = await start(farm)
    result = await world.run(key, "count")
    assert (await world.until_state(result.run_id, "succeeded")).executor == other.name


async def test_a_second_site_says_why_it_does_not_start(farm: Farm, world: World, key: str) -> None:
    await start(farm)
    other = await farm.start("far", PLUGARR_SITE="there", PLUGARR_DATA_DIR=str(farm.folder / "far"))
    assert await other.ended() == 1
    assert "PLUGARR_HOST_DATABASE_URL" in other.log.read_text()


async def test_help_names_what_the_environment_may_say(farm: Farm) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.executor", "--help"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"PLUGARR_GRACE_S" in output
