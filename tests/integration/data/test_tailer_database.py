"""MongoDB is killed under whoever tells of its changes.

In a file of its own, for a bus of its own: a position of another MongoDB would be taken for one of this, whose
oplog still has its beginning.
"""

import asyncio
from pathlib import Path

import pytest

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.process import free_port, stop
from shared.messaging.bus import Bus
from tests.integration.data.replicas import Replicas
from tests.integration.data.test_tailer_faults import BusOf, Told, Writer, assert_complete
from tests.servers import RunningNats


@pytest.fixture
async def bus(bus_of: BusOf) -> Bus:
    return await bus_of("data")


@pytest.fixture
def told(bus: Bus) -> Told:
    return Told(bus, 0)


async def test_a_database_that_dies_is_read_on_from_where_it_was(
    nats: RunningNats, tmp_path: Path, bus: Bus, told: Told
) -> None:
    server = Mongo(
        binary=binaries.mongod(),
        store=tmp_path / "db",
        log=tmp_path / "mongo.log",
        keyfile=nats.secrets / "mongo-keyfile",
        root_password=(nats.secrets / "mongo-root").read_text(),
        data_password=(nats.secrets / "mongo-data").read_text(),
        port=free_port(),
    )
    process = server.start()
    replicas = Replicas(nats, server.url, tmp_path, bus)
    writer = Writer(server.url)
    try:
        replicas.start()
        await told.first("changes.lost")
        writer.start()
        for _ in range(2):
            await writer.write_more(100)
            process.kill()
            process.wait()
            process = await asyncio.to_thread(server.start)
        await writer.write_more(100)
        last = await writer.stop()
        assert_complete(await told.until(last), last)
    finally:
        await writer.stop()
        replicas.end()
        stop(process)
