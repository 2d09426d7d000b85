"""A world around executors, made anew for each test on the module's nats-server."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.messaging.bus import Bus
from tests.integration.executor.world import World
from tests.servers import RunningNats


@pytest.fixture
async def world(
    nats: RunningNats, bus_of: Callable[[str], Awaitable[Bus]], tmp_path: Path
) -> AsyncIterator[World]:
    made = await World(nats, bus_of, tmp_path).open()
    yield made
    await made.close()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A plugin key of the test's own."""
    return f"p_{zlib.crc32(request.node.nodeid.encode())}"
