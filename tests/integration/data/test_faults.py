"""MongoDB goes away and comes back; processes of the data service are killed: nothing is lost or done twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.process import free_port, start, stop
from services.data.main import App
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import runs as m
from shared.contracts.base import new_id
from shared.messaging.bus import Bus
from tests.integration.data.conftest import StartData
from tests.integration.data.runs_talk import ask, history
from tests.integration.data.talk import HERE, add, listed
from tests.servers import RunningNats

BusOf = Callable[[str], Awaitable[Bus]]


class OwnMongo:
    """A mongod that a test may kill."""

    def __init__(self, server: Mongo) -> None:
        self.server = server
        self.process = server.start()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.process = self.server.start()


@pytest.fixture
def own_mongo(tmp_path: Path, nats: RunningNats) -> Iterator[OwnMongo]:
    server = Mongo(
        binary=binaries.mongod(),
        store=tmp_path / "db",
        log=tmp_path / "mongo.log",
        keyfile=nats.secrets / "mongo-keyfile",
        root_password=(nats.secrets / "mongo-root").read_text(),
        data_password=(nats.secrets / "mongo-data").read_text(),
        port=free_port(),
    )
    own = OwnMongo(server)
    yield own
    stop(own.process)


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - asks other processes, which have no event for us
            await asyncio.sleep(0.1)


async def test_the_service_outlives_its_database(
    own_mongo: OwnMongo, start_data: StartData, bus_of: BusOf
) -> None:
    data = await start_data(mongo_url=own_mongo.server.url)
    gateway = await bus_of("gateway")
    await gateway.request(c.SET_ENABLED, d.SetEnabled(key="p", enabled=True))
    await add(gateway, {"n": 0})
    before = await ask(gateway, "p")

    own_mongo.kill()
    # Under way at the moment of the kill and after it: an answer to try again, and no hanging.
    results = await asyncio.gather(
        *(add(gateway, {"n": n}, op_id=f"op{n}") for n in range(40)), return_exceptions=True
    )
    assert {type(result) for result in results} == {errors.Unavailable}
    assert all(isinstance(result, errors.PlugarrError) and result.retry for result in results)
    fault = await data.checks["mongo"]()
    assert fault is not None
    assert "MongoDB" in fault
    during = [await ask(gateway, "p") for _ in range(20)]

    await asyncio.to_thread(own_mongo.restart)
    for n in range(40):
        await _again(gateway, n)
    assert (await listed(gateway))[0] == 41

    async def all_recorded() -> bool:
        page = await history(gateway, plugin="p")
        return {run.run_id for run in page.runs} == {command.run_id for command in (before, *during)}

    await until(all_recorded)
    assert await data.checks["mongo"]() is None


async def _again(gateway: Bus, number: int) -> None:
    """As a caller does who was told to try again: the same operation."""
    async with asyncio.timeout(30):
        while True:
            try:
                await add(gateway, {"n": number}, op_id=f"op{number}")
            except (errors.Unavailable, errors.TimedOut):
                await asyncio.sleep(0.2)
            else:
                return


async def test_writes_that_were_cut_off_are_done_once_when_repeated(
    own_mongo: OwnMongo, start_data: StartData, bus_of: BusOf
) -> None:
    await start_data(mongo_url=own_mongo.server.url)
    gateway = await bus_of("gateway")
    await add(gateway, {"n": "first"})
    writers = [asyncio.create_task(_again(gateway, n)) for n in range(150)]
    await until(lambda: _some_written(gateway))
    own_mongo.kill()
    await asyncio.to_thread(own_mongo.restart)
    await asyncio.gather(*writers)
    numbers = [one["data"]["n"] for one in (await listed(gateway))[1]]
    assert sorted(numbers[1:]) == list(range(150))


async def _some_written(gateway: Bus) -> bool:
    return (await listed(gateway))[0] > 10


class Process:
    """`python -m services.data`, as an operator starts it."""

    def __init__(self, nats: RunningNats, mongo_url: str, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / f"data-{self.port}.log"
        env = {
            "PATH": os.environ["PATH"],
            "PLUGARR_NATS_URL": nats.url,
            "PLUGARR_SECRETS_DIR": str(nats.secrets),
            "PLUGARR_DATA_DIR": str(folder),
            "PLUGARR_MONGO_URL": mongo_url,
            "PLUGARR_HEALTH_PORT": str(self.port),
        }
        self.process = start([sys.executable, "-m", "services.data"], log=self.log, env=env)

    async def ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def answers() -> bool:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    reply = await client.get(f"http://127.0.0.1:{self.port}/readyz")
                except httpx.TransportError:
                    return False
                return reply.status_code == 200

            await until(answers)


@pytest.fixture
async def processes(
    nats: RunningNats, mongo_url: str, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[Process]]]:
    started: list[Process] = []

    async def begin() -> Process:
        started.append(Process(nats, mongo_url, tmp_path))
        await started[-1].ready()
        return started[-1]

    yield begin
    for one in started:
        stop(one.process)


async def test_killing_one_of_two_replicas_loses_nothing_and_doubles_nothing(
    processes: Callable[[], Awaitable[Process]], bus_of: BusOf
) -> None:
    one, _ = await asyncio.gather(processes(), processes())
    gateway = await bus_of("gateway")
    await gateway.request(c.SET_ENABLED, d.SetEnabled(key="p", enabled=True))
    writers = [asyncio.create_task(_again(gateway, n)) for n in range(200)]
    commands = [await ask(gateway, "p") for _ in range(100)]
    one.process.kill()
    await asyncio.gather(*writers)
    numbers = [item["data"]["n"] for item in (await listed(gateway))[1]]
    assert sorted(numbers) == list(range(200))

    async def all_recorded() -> bool:
        page = await history(gateway, plugin="p", limit=1000)
        return {run.run_id for run in page.runs} == {command.run_id for command in commands}

    # What the killed one had in hand comes again to the other, after a while.
    await until(all_recorded)
    for command in commands:
        run = await gateway.request(c.GET_RUN, m.GetRun(run_id=command.run_id))
        assert run.state == "queued"


async def test_a_service_that_is_stopped_ends_at_once_and_in_order(
    processes: Callable[[], Awaitable[Process]],
) -> None:
    one = await processes()
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"http://127.0.0.1:{one.port}/metrics")).text
    assert "plugarr_data_recorder_pending" in metrics
    one.process.terminate()
    # The server ends itself by the signal that it was sent, once all is done.
    assert await asyncio.to_thread(one.process.wait, 5) == -signal.SIGTERM, one.log.read_text()
    assert "Application shutdown complete" in one.log.read_text()
    assert "Traceback" not in one.log.read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PLUGARR_MONGO_URL": ""}, "PLUGARR_MONGO_URL is not set"),
        (
            {
                "PLUGARR_SECRETS_DIR": "/nonexistent",
                "PLUGARR_NATS_PASSWORD": "x",
                "PLUGARR_MONGO_URL": "mongodb://localhost/x",
            },
            "mongo-data",
        ),
        ({"PLUGARR_NATS_URL": ""}, "PLUGARR_NATS_URL is not set"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    nats: RunningNats, changed: dict[str, str], said: str
) -> None:
    env = {
        "PLUGARR_NATS_URL": nats.url,
        "PLUGARR_SECRETS_DIR": str(nats.secrets),
        "PLUGARR_MONGO_URL": "mongodb://x",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.data"],
        env=os.environ | env | changed,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_settings() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.data", "--help"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "PLUGARR_MONGO_URL" in done.stdout


async def test_a_repeated_operation_id_is_remembered_by_every_replica(
    gateway: Bus, start_data: StartData
) -> None:
    other: App = await start_data()
    op = new_id()
    first = await add(gateway, {"n": 1}, op_id=op)
    # Whichever of the two answers.
    assert all([await add(gateway, {"n": 1}, op_id=op) == first for _ in range(10)])
    assert (await listed(gateway, plugin=HERE["plugin"]))[0] == 1
    assert other.bus.connected
