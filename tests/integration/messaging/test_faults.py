"""What goes wrong on the bus ends in bounded time, and leaves nothing behind: names, connections, leases."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import pytest

from deploy.embedded.process import free_port
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.data import ListConfigs
from shared.contracts.plugins import PluginChanged, ReloadPlugins
from shared.contracts.streams import LEASES, MANIFESTS
from shared.messaging.bus import connect, wait_connected
from shared.messaging.kv import Kv
from shared.messaging.leases import HeldLease
from shared.settings import CommonSettings
from tests.integration.messaging.serving import COMMAND, BusOf, subscriptions
from tests.servers import RunningNats

# Names and sizes that the server answers by closing the connection


async def test_a_name_that_the_bus_does_not_carry_costs_no_connection(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    with pytest.raises(errors.TooLarge):
        await registry.store(
            c.PLUGIN_CHANGED,
            PluginChanged(key="k", change="missing"),
            type="plugin.missing",
            plugin="é" * 2000,
        )
    kv = Kv(registry, MANIFESTS)
    with pytest.raises(errors.TooLarge):
        await kv.put("manifest." + "x" * 5000, b"")
    with pytest.raises(errors.TooLarge):
        await kv.get("manifest." + "x" * 5000)
    assert await kv.get("manifest.x") is None


async def test_a_connection_that_the_server_closed_for_good_ends_the_process(bus_of: BusOf) -> None:
    registry = await bus_of("registry")
    ended = asyncio.Event()
    registry.on_closed = ended.set
    await registry.nc.publish("$KV.manifests.manifest." + "x" * 5000, b"")
    await asyncio.wait_for(ended.wait(), 5)
    with pytest.raises(errors.Unavailable):
        await registry.request(c.RELOAD_PLUGINS, ReloadPlugins())


async def test_that_end_is_a_termination_signal_by_default(nats: RunningNats) -> None:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    try:
        connect(nats.settings(), "registry").on_closed()
        await asyncio.wait_for(received.wait(), 2)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


# Connecting


@pytest.mark.usefixtures("abandoned")
async def test_a_bus_that_is_not_there_is_said_in_time(nats: RunningNats) -> None:
    settings = nats.settings(nats_url=f"nats://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with pytest.raises(SystemExit, match="Cannot connect"):
        await wait_connected(connect(settings, "registry"), timeout_s=1)
    assert time.monotonic() - began < 3


@pytest.mark.usefixtures("abandoned")
async def test_a_wrong_password_is_said_at_once(nats: RunningNats, tmp_path: Path) -> None:
    (tmp_path / "nats-registry").write_text("wrong")
    settings = CommonSettings.model_validate({"nats_url": nats.url, "secrets_dir": tmp_path})
    began = time.monotonic()
    with pytest.raises(SystemExit, match=r"(?i)authorization"):
        await wait_connected(connect(settings, "registry"), timeout_s=20)
    assert time.monotonic() - began < 5


# Buckets and leases


async def test_entries_come_whole_however_large(bus_of: BusOf) -> None:
    kv = Kv(await bus_of("registry"), MANIFESTS)
    for number in range(200):
        await kv.put(f"manifest.large{number}", b"x" * 400_000)
    assert len(await kv.entries("manifest.*")) == 200


async def test_a_lease_whose_follower_fails_is_competed_for_again(bus_of: BusOf) -> None:
    tries = 0
    taken = asyncio.Event()

    async def gained(_epoch: int) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise errors.Unavailable("no data service is running")
        taken.set()

    lease = HeldLease(await bus_of("registry"), "registry")
    lease.start(gained=gained)
    await asyncio.wait_for(taken.wait(), 5)
    assert lease.held
    await lease.close()


async def test_a_lease_closes_although_its_cancellation_is_swallowed(bus_of: BusOf) -> None:
    """Python 3.11's `wait_for`, below nats-py's requests, may take a cancellation for an answer."""

    async def swallowing(_epoch: int) -> None:
        gained.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    gained = asyncio.Event()
    lease = HeldLease(await bus_of("registry"), "registry")
    lease.start(gained=swallowing)
    await asyncio.wait_for(gained.wait(), 10)
    await asyncio.wait_for(lease.close(), 3)


async def test_a_lease_is_lost_where_the_loop_stood_still_and_gained_anew(bus_of: BusOf) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def gained(_epoch: int) -> None:
        await told.put("gained")

    async def lost() -> None:
        await told.put("lost")

    lease = HeldLease(await bus_of("executor"), "executor.stalled")
    lease.start(gained=gained, lost=lost)
    assert await asyncio.wait_for(told.get(), 5) == "gained"
    first = lease.epoch
    time.sleep(6.5)  # noqa: ASYNC251 - the whole loop is to stand still
    assert not lease.held
    assert await asyncio.wait_for(told.get(), 3) == "lost"
    assert await asyncio.wait_for(told.get(), 15) == "gained"
    assert lease.epoch > first
    await lease.close()


# A server that is killed, last: what was stored survives it, what is under way ends in bounded time.


async def test_whoever_listens_listens_again_after_the_server_was_killed(
    bus_of: BusOf, nats: RunningNats
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    executor, registry = await bus_of("executor"), await bus_of("registry")

    async def take(_key: str, message: object) -> None:
        await heard.put(message.data)  # type: ignore[attr-defined]

    kv = Kv(registry, LEASES)
    end = await Kv(executor, LEASES).listen("registry", take)
    back = asyncio.Event()
    executor.on_back.add(back.set)
    nats.kill_and_restart()
    await asyncio.wait_for(back.wait(), 10)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(errors.PlugarrError):
                await kv.put("registry", b"again")
                break
    assert await asyncio.wait_for(heard.get(), 5) == b"again"
    await end()
    await end()


async def test_while_the_bus_is_away_everything_fails_as_said_and_leaves_nothing(
    bus_of: BusOf, nats: RunningNats
) -> None:
    gateway = await bus_of("gateway")
    kv = Kv(gateway, MANIFESTS)
    await kv.get("none")
    before = subscriptions(gateway)
    back = asyncio.Event()
    gateway.on_back.add(back.set)
    nats.process.kill()
    nats.process.wait()

    async def nothing(_message: object) -> None: ...

    async def read() -> None:
        _, chunks = await gateway.stream(c.LIST_CONFIGS, ListConfigs())
        await chunks.aclose()

    attempts = {
        "request": gateway.request(c.ADD_ITEM, COMMAND, timeout_s=1),
        "stream": read(),
        "entries": kv.entries(),
        "get": kv.get("manifest.x"),
        "put": gateway.put("$KV.idempotency.x", b"", timeout_s=1),
        "listen": gateway.listen(c.PLUGIN_CHANGED.subject.pattern(), nothing),
    }
    outcomes = dict(
        zip(attempts, await asyncio.gather(*attempts.values(), return_exceptions=True), strict=True)
    )
    wrong = {
        name: repr(result) for name, result in outcomes.items() if not isinstance(result, errors.PlugarrError)
    }
    nats.process = nats.server.start()
    await asyncio.wait_for(back.wait(), 15)
    assert wrong == {}
    assert subscriptions(gateway) == before
    await kv.entries()
