"""Nobody gets outside its subjects: every service's user, an outside publisher, and the known tricks."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import nats as nats_py
import pytest
from nats.aio.client import Client

from deploy.embedded.nats import save_bus_users
from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser, user_name
from shared.contracts import catalog as c
from shared.contracts import streams as s
from shared.contracts.data import GetConfig, PluginConfig
from shared.messaging.bus import Bus
from shared.messaging.handlers import Handlers
from tests.servers import RunningNats

ALL_STREAMS = [
    *(stream.name for stream in s.STREAMS),
    *(f"KV_{bucket.name}" for bucket in s.BUCKETS),
    *(f"OBJ_{bucket.name}" for bucket in s.OBJECT_BUCKETS),
]


class Intruder:
    """A raw connection, and what the server refused it."""

    def __init__(self, nc: Client, refused: "asyncio.Queue[str]") -> None:
        self.nc = nc
        self._refused = refused

    async def refuses_publish(
        self, subject: str, data: bytes = b"x", headers: dict[str, str] | None = None
    ) -> bool:
        await self.nc.publish(subject, data, headers=headers)
        return await self._refusal()

    async def refuses_subscribe(self, subject: str) -> bool:
        await self.nc.subscribe(subject)
        return await self._refusal()

    async def _refusal(self) -> bool:
        # The server answers in order: a refusal comes before the answer to a ping sent after the fact. nats-py
        # writes a flush's ping ahead of what is still pending, so only the second one is after it.
        await self.nc.flush()
        await self.nc.flush()
        said = [self._refused.get_nowait() for _ in range(self._refused.qsize())]
        return any("permissions violation" in one.lower() for one in said)


async def open_as(server: RunningNats, user: str, password: str, **more: Any) -> Intruder:
    refused: asyncio.Queue[str] = asyncio.Queue()

    async def on_error(error: Exception) -> None:
        await refused.put(str(error))

    nc = await nats_py.connect(
        server.url,
        user=user,
        password=password,
        error_cb=on_error,
        inbox_prefix=f"_INBOX_{user}".encode(),
        **more,
    )
    return Intruder(nc, refused)


@pytest.fixture(params=[*SERVICES, PROVISIONER])
async def service(request: pytest.FixtureRequest, nats: RunningNats) -> AsyncIterator[tuple[str, Intruder]]:
    intruder = await open_as(nats, request.param, nats.password(request.param))
    yield request.param, intruder
    await intruder.nc.close()


OWNED = {
    "plugarr.v1.rpc.data.log_in": {"gateway"},
    "plugarr.v1.rpc.data.add_item": {"gateway", "executor"},
    "plugarr.v1.rpc.registry.delete_plugin": {"gateway"},
    "plugarr.v1.rpc.provisioner.ensure_consumer": {"registry"},
    "plugarr.v1.run.request.hello": {"gateway", "executor", "data"},
    "plugarr.v1.run.request.hello.act.alice": set(),
    "plugarr.v1.run.state.x": {"executor", "data"},
    "plugarr.v1.run.log.x": {"executor"},
    "plugarr.v1.run.result.user.alice.x": {"executor", "data"},
    "plugarr.v1.run.control.x": {"data"},
    "plugarr.v1.event.plugins.hello": {"registry", "executor", "data"},
    "plugarr.v1.event.app.x": {"gateway", "executor"},
    "$KV.leases.registry": {"registry"},
    "$KV.leases.executor.a": {"executor"},
    "$KV.leases.data.sweeper": {"data"},
    "$KV.manifests.manifest.hello": {"registry"},
    "$KV.manifests.loaded.hello": {"executor"},
    "$KV.idempotency.a.b.c": {"gateway"},
    "$O.packages.C.x": {"registry"},
    "$O.payloads.C.x": {"executor", "data", "gateway"},
    "_INBOX_gateway.x": set(),
    "_INBOX_data.x": set(),
    "_INBOX.x": set(),
    "live.plugarr.v1.run.state.x": set(),
    "$SYS.REQ.SERVER.PING": set(),
}


async def test_a_service_publishes_where_it_may_and_nowhere_else(service: tuple[str, Intruder]) -> None:
    name, intruder = service
    wrong = [
        subject
        for subject, allowed in OWNED.items()
        if await intruder.refuses_publish(subject) != (name not in allowed)
    ]
    assert wrong == []


async def test_a_service_hears_only_what_is_meant_for_it(service: tuple[str, Intruder]) -> None:
    name, intruder = service
    for other in {*SERVICES, PROVISIONER} - {name}:
        assert await intruder.refuses_subscribe(f"_INBOX_{other}.>"), other
        assert await intruder.refuses_subscribe(f"plugarr.v1.rpc.{other}.>"), other
    for subject in (">", "plugarr.>", "plugarr.v1.run.request.>", "$JS.>", "_INBOX.>", "$O.>"):
        assert await intruder.refuses_subscribe(subject), subject
    if name != "gateway":
        assert await intruder.refuses_subscribe("plugarr.v1.run.result.gateway.>")


CAPTURE = {"name": "THEFT", "subjects": ["_INBOX_gateway.>"]}
PUSH = {
    "stream_name": "RUN_CMD",
    "config": {
        "deliver_subject": "plugarr.v1.rpc.data.delete_user",
        "durable_name": "t",
        "ack_policy": "none",
    },
}


async def test_no_service_can_make_change_or_empty_streams_or_make_consumers(
    service: tuple[str, Intruder],
) -> None:
    name, intruder = service
    if name == PROVISIONER:
        return
    tricks = {
        "$JS.API.STREAM.CREATE.THEFT": CAPTURE,
        "$JS.API.STREAM.UPDATE.RUN_CMD": CAPTURE,
        "$JS.API.STREAM.DELETE.RUN_CMD": {},
        "$JS.API.STREAM.PURGE.RUN_CMD": {},
        "$JS.API.STREAM.MSG.DELETE.RUN_CMD": {"seq": 1},
        "$JS.API.CONSUMER.CREATE.RUN_CMD": PUSH,
        "$JS.API.CONSUMER.CREATE.RUN_CMD.t": PUSH,
        "$JS.API.CONSUMER.CREATE.RUN_CMD.t.plugarr.v1.run.request.hello": PUSH,
        "$JS.API.CONSUMER.DURABLE.CREATE.RUN_CMD.t": PUSH,
        "$JS.API.CONSUMER.DELETE.RUN_CMD.recorder": {},
        "$JS.API.CONSUMER.CREATE.KV_leases.t": PUSH,
        "$JS.API.STREAM.RESTORE.RUN_CMD": {},
        "$JS.API.STREAM.SNAPSHOT.RUN_CMD": {},
    }
    for subject, body in tricks.items():
        assert await intruder.refuses_publish(subject, json.dumps(body).encode()), subject


async def test_who_makes_consumers_publishes_to_no_stream(nats: RunningNats) -> None:
    intruder = await open_as(nats, PROVISIONER, nats.password(PROVISIONER))
    for subject in (
        "plugarr.v1.run.request.hello",
        "plugarr.v1.run.state.x",
        "$KV.leases.registry",
        "$O.packages.C.x",
    ):
        assert await intruder.refuses_publish(subject), subject
    await intruder.nc.close()


async def reload(nats: RunningNats) -> None:
    """Have the server take its users over, and wait until it says that it has."""

    def taken_over() -> int:
        return nats.server.log.read_text().count("Reloaded server configuration")

    before = taken_over()
    assert nats.server.reload()
    async with asyncio.timeout(5):
        while taken_over() == before:  # noqa: ASYNC110 - the server tells it in its log only
            await asyncio.sleep(0.01)


@pytest.fixture
async def alice(nats: RunningNats) -> AsyncIterator[Intruder]:
    save_bus_users(
        nats.secrets,
        [BusUser("alice", ("hello.greet",)), BusUser("bob", ("hello",)), BusUser("nothing granted", ())],
    )
    await reload(nats)
    intruder = await open_as(nats, "user_alice", nats.password("user_alice"))
    yield intruder
    await intruder.nc.close()


async def test_an_outside_publisher_runs_what_it_was_given_as_itself(alice: Intruder) -> None:
    assert not await alice.refuses_publish("plugarr.v1.run.request.hello.greet.alice", b"{}")
    assert await alice.refuses_publish("plugarr.v1.run.request.hello.greet.bob")
    assert await alice.refuses_publish("plugarr.v1.run.request.hello.other.alice")
    assert await alice.refuses_publish("plugarr.v1.run.request.other.greet.alice")
    assert await alice.refuses_publish("plugarr.v1.run.request.hello")
    assert not await alice.refuses_subscribe("plugarr.v1.run.result.user.alice.*")


async def test_an_outside_publisher_reads_nobody_elses_results_and_no_stream(alice: Intruder) -> None:
    for subject in (
        "plugarr.v1.run.result.user.bob.*", "plugarr.v1.run.result.>", "plugarr.v1.run.state.>", "live.>", "_INBOX.>",
        "_INBOX_gateway.>", "plugarr.v1.run.request.>", "$KV.>",
    ):  # fmt: skip
        assert await alice.refuses_subscribe(subject), subject
    for subject in (
        "$JS.API.STREAM.INFO.RUN_CMD",
        "$JS.API.DIRECT.GET.RUN_STATE",
        "$JS.API.INFO",
        "$JS.ACK.RUN_CMD.x",
    ):
        assert await alice.refuses_publish(subject), subject


@pytest.mark.parametrize(
    "headers",
    [
        {"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "plugarr.v1.run.request.other"},
        {"Nats-TTL": "1s"},
        {"Nats-Rollup": "all"},
        {"Nats-Rollup": "sub"},
    ],
)
async def test_headers_that_would_schedule_expire_or_erase_commands_are_refused(
    alice: Intruder, nats: RunningNats, headers: dict[str, str]
) -> None:
    reply = await alice.nc.request(
        "plugarr.v1.run.request.hello.greet.alice", b"{}", headers=headers, timeout=3
    )
    assert "error" in json.loads(reply.data), reply.data


async def test_whoever_was_granted_nothing_may_nothing(alice: Intruder, nats: RunningNats) -> None:
    user = user_name("nothing granted")
    nobody = await open_as(nats, user, nats.password(user))
    for subject in ("plugarr.v1.run.request.hello.greet.alice", "plugarr.v1.rpc.data.log_in", "x"):
        assert await nobody.refuses_publish(subject), subject
    await nobody.nc.close()


@pytest.mark.parametrize(
    "target",
    [
        "$KV.manifests.manifest.hello",
        "$KV.leases.registry",
        "plugarr.v1.run.request.other",
        "plugarr.v1.run.result.user.bob.x",
        "$O.packages.M.x",
    ],
)
async def test_an_acknowledgement_reaches_no_subject_of_the_platform(
    alice: Intruder, nats: RunningNats, target: str
) -> None:
    """The server answers where the publisher says, with rights of its own."""
    provisioner = await open_as(nats, PROVISIONER, nats.password(PROVISIONER))
    js = provisioner.nc.jetstream()

    async def stored() -> int:
        return sum([(await js.stream_info(name)).state.last_seq for name in ALL_STREAMS])

    before = await stored()
    await alice.nc.publish("plugarr.v1.run.request.hello.greet.alice", b"{}", reply=target)
    # The acknowledgement of another command comes after it.
    await alice.nc.request("plugarr.v1.run.request.hello.greet.alice", b"{}", timeout=3)
    assert await stored() == before + 2
    await provisioner.nc.close()


async def test_no_header_of_a_writer_erases_what_others_wrote(nats: RunningNats) -> None:
    executor = await open_as(nats, "executor", nats.password("executor"))
    for subject in ("$KV.manifests.loaded.hello", "$O.payloads.M.x"):
        for scope in ("all", "sub"):
            reply = await executor.nc.request(subject, b"", headers={"Nats-Rollup": scope}, timeout=3)
            assert "error" in json.loads(reply.data), (subject, scope)
    await executor.nc.close()


async def test_an_executor_takes_nothing_from_the_recorder(nats: RunningNats) -> None:
    executor = await open_as(nats, "executor", nats.password("executor"))
    for subject in ("$JS.API.CONSUMER.MSG.NEXT.RUN_CMD.recorder", "$JS.ACK.RUN_CMD.recorder.1.1.1.1.0"):
        assert await executor.refuses_publish(subject), subject
    assert not await executor.refuses_publish("$JS.API.CONSUMER.MSG.NEXT.RUN_CMD.plugin_hello")
    await executor.nc.close()


async def test_the_provisioner_reads_and_erases_nothing(nats: RunningNats) -> None:
    intruder = await open_as(nats, PROVISIONER, nats.password(PROVISIONER))
    for subject in (
        "$JS.API.STREAM.MSG.GET.RUN_CMD",
        "$JS.API.STREAM.PURGE.RUN_CMD",
        "$JS.API.STREAM.DELETE.RUN_CMD",
        "$JS.API.DIRECT.GET.RUN_CMD",
        "$JS.API.CONSUMER.MSG.NEXT.RUN_CMD.recorder",
    ):
        assert await intruder.refuses_publish(subject, b"{}"), subject
    await intruder.nc.close()


async def test_a_reload_disturbs_nobody_who_stays(
    nats: RunningNats, bus_of: Callable[[str], Awaitable[Bus]]
) -> None:
    async def answer(_command: GetConfig) -> PluginConfig:
        return PluginConfig(key="p")

    data, gateway = await bus_of("data"), await bus_of("gateway")
    handlers = Handlers(data.broker, "data")
    handlers.command(c.GET_CONFIG, answer)
    await data.broker.start()
    # As in `Bus.listen`: only then does the server know the subscription.
    await data.nc.flush()
    await data.nc.flush()
    assert (await gateway.request(c.GET_CONFIG, GetConfig(key="p"))).key == "p"
    before = nats.server.config.read_text()
    save_bus_users(nats.secrets, [BusUser("late", ("hello",))])
    await reload(nats)
    late = await open_as(nats, "user_late", nats.password("user_late"), allow_reconnect=False)
    await late.nc.close()
    assert data.nc.stats["reconnects"] == gateway.nc.stats["reconnects"] == 0
    assert (await gateway.request(c.GET_CONFIG, GetConfig(key="p"))).key == "p"
    after = nats.server.config.read_text()
    services = json.loads(before)["accounts"]["PLUGARR"]
    assert json.loads(after)["accounts"]["PLUGARR"] == services


@pytest.mark.usefixtures("abandoned")
async def test_a_wrong_password_and_no_password_are_refused(nats: RunningNats) -> None:
    for credentials in ({}, {"user": "executor", "password": "x"}, {"user": "nobody", "password": "x"}):
        with pytest.raises(Exception, match=r"(?i)authorization|no servers"):
            await nats_py.connect(nats.url, allow_reconnect=False, max_reconnect_attempts=0, **credentials)
