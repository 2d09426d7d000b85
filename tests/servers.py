"""Fixtures: the real servers. A nats-server per test module, one mongod for all with a database each."""

import asyncio
import contextlib
import gc
import subprocess
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pymongo
import pytest

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.nats import Nats
from deploy.embedded.process import free_port, stop
from deploy.embedded.secrets import ensure_secrets
from deploy.provisioner.apply import apply
from shared.messaging.bus import Bus, connect, wait_connected
from shared.settings import CommonSettings


@dataclass
class RunningNats:
    server: Nats
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def secrets(self) -> Path:
        return self.server.secrets

    def password(self, user: str) -> str:
        return (self.secrets / f"nats-{user}").read_text()

    def kill_and_restart(self) -> None:
        """SIGKILL, and a new server on the same port and store."""
        self.process.kill()
        self.process.wait()
        self.process = self.server.start()

    def settings(self, **more: object) -> CommonSettings:
        return CommonSettings.model_validate(
            {"nats_url": self.url, "secrets_dir": self.secrets, "data_dir": self.folder, **more}
        )


@pytest.fixture(scope="session")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    ensure_secrets(folder)
    return folder


@contextlib.contextmanager
def serving_nats(folder: Path) -> Iterator[RunningNats]:
    """A nats-server with all users and nothing provisioned, while the context lasts."""
    secrets = folder / "secrets"
    ensure_secrets(secrets)
    server = Nats(
        binary=binaries.nats_server(),
        store=folder / "jetstream",
        log=folder / "nats.log",
        secrets=secrets,
        port=free_port(),
    )
    running = RunningNats(server, folder, server.start())
    try:
        yield running
    finally:
        stop(running.process)


async def provision(server: RunningNats) -> None:
    """Apply the catalogue."""
    bus = connect(server.settings(), "provisioner")
    await wait_connected(bus)
    try:
        await apply(bus.nc.jetstream())
    finally:
        await bus.broker.stop()


@pytest.fixture(scope="module")
def bare_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNats]:
    """A nats-server with all users and nothing provisioned."""
    with serving_nats(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(scope="module")
def nats(bare_nats: RunningNats) -> RunningNats:
    """A nats-server provisioned from the catalogue."""
    asyncio.run(provision(bare_nats))
    return bare_nats


@pytest.fixture
async def bus_of(nats: RunningNats) -> AsyncIterator[Callable[[str], Awaitable[Bus]]]:
    """`await bus_of("executor")`: a connected bus with that service's user; closed at the end."""
    opened: list[Bus] = []

    async def open_bus(service: str) -> Bus:
        bus = connect(nats.settings(), service)
        await wait_connected(bus)
        opened.append(bus)
        return bus

    yield open_bus
    for bus in opened:
        await bus.broker.stop()


@pytest.fixture
def abandoned() -> Iterator[None]:
    """nats-py leaves what it did not get connected to the garbage collector of a process that would end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory, secrets_folder: Path) -> Iterator[Mongo]:
    """A mongod as a replica set of one, with passwords."""
    folder = tmp_path_factory.mktemp("mongo")
    server = Mongo(
        binary=binaries.mongod(),
        store=folder / "db",
        log=folder / "mongo.log",
        keyfile=secrets_folder / "mongo-keyfile",
        root_password=(secrets_folder / "mongo-root").read_text(),
        data_password=(secrets_folder / "mongo-data").read_text(),
        port=free_port(),
    )
    process = server.start()
    try:
        yield server
    finally:
        stop(process)


@pytest.fixture
def mongo_url(mongod: Mongo) -> Iterator[str]:
    """A URL whose database is the test's own; its user has the data service's role on it."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    options = "directConnection=true&authSource=admin"
    root = f"mongodb://root:{quote(mongod.root_password, safe='')}@127.0.0.1:{mongod.port}/?{options}"
    with pymongo.MongoClient[dict[str, object]](root) as client:
        client[name].command("createUser", "data", pwd="data", roles=[{"role": "readWrite", "db": name}])
        yield f"mongodb://data:data@127.0.0.1:{mongod.port}/{name}?replicaSet=plugarr&authSource={name}"
        client.drop_database(name)
        client[name].command("dropUser", "data")
