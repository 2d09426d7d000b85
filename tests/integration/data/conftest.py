"""The data service in this process, on real servers; as many replicas as a test asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from argon2 import PasswordHasher

from services.data.main import App, create_app
from services.data.service.passwords import Passwords
from services.data.settings import Settings
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.data import SetEnabled
from shared.messaging.bus import Bus, wait_connected
from shared.messaging.ledger import Ledger
from tests.servers import RunningNats

StartData = Callable[..., Awaitable[App]]
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
async def start_data(nats: RunningNats, mongo_url: str) -> AsyncIterator[StartData]:
    """`await start_data()`: one more replica, ended with the test."""
    async with AsyncExitStack() as stack:

        async def start(**more: object) -> App:
            values = {
                "nats_url": nats.url,
                "secrets_dir": nats.secrets,
                "data_dir": nats.folder,
                "mongo_url": mongo_url,
                **more,
            }
            app = create_app(Settings.model_validate(values), passwords=Passwords(CHEAP))
            await wait_connected(app.bus)
            stack.push_async_callback(app.bus.broker.stop)
            await stack.enter_async_context(app.work())
            await app.bus.broker.start()
            return app

        yield start


@pytest.fixture
async def data(start_data: StartData) -> App:
    """One replica."""
    return await start_data()


@pytest.fixture
async def gateway(data: App, bus_of: Callable[[str], Awaitable[Bus]]) -> Bus:
    """A client with the gateway's rights, beside a running data service."""
    return await bus_of("gateway")


@pytest.fixture
async def plugin(gateway: Bus) -> str:
    """An enabled plugin, with a name of this test's own."""
    key = f"Plug {new_id()}"
    await gateway.request(c.SET_ENABLED, SetEnabled(key=key, enabled=True))
    return key


@pytest.fixture
async def executor(bus_of: Callable[[str], Awaitable[Bus]]) -> Ledger:
    return Ledger(await bus_of("executor"))
