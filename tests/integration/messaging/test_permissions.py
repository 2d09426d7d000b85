"""Nobody gets outside its subjects: every service's user, an outside publisher, and the known tricks."""

import asyncio
import json
from collections.abc import AsyncIterator

import nats as nats_py
import pytest
from nats.aio.client import Client

from deploy.embedded.nats import save_bus_users
from deploy.nats.permissions import PROVISIONER, SERVICES, BusUser
from tests.servers import RunningNats


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
        return not self._refused.empty() and "permissions violation" in self._refused.get_nowait().lower()


async def open_as(server: RunningNats, user: str, password: str) -> Intruder:
    refused: asyncio.Queue[str] = asyncio.Queue()

    async def on_error(error: Exception) -> None:
        await refused.put(str(error))

    nc = await nats_py.connect(
        server.url, user=user, password=password, error_cb=on_error, inbox_prefix=f"_INBOX_{user}".encode()
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


@pytest.fixture
async def alice(nats: RunningNats) -> AsyncIterator[Intruder]:
    save_bus_users(nats.secrets, [BusUser("alice", ("hello.greet",)), BusUser("bob", ("hello",))])
    assert nats.server.reload()
    user = "user_alice"
    # The server applies a reload a moment after the signal.
    async with asyncio.timeout(5):
        while True:
            try:
                intruder = await open_as(nats, user, nats.password(user))
                break
            except Exception as error:  # noqa: BLE001 - nats-py raises several kinds for a refused login
                assert "authorization" in str(error).lower()  # noqa: PT017
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


async def test_a_wrong_password_and_no_password_are_refused(nats: RunningNats) -> None:
    for credentials in ({}, {"user": "executor", "password": "x"}, {"user": "nobody", "password": "x"}):
        with pytest.raises(Exception, match=r"(?i)authorization|no servers"):
            await nats_py.connect(nats.url, allow_reconnect=False, max_reconnect_attempts=0, **credentials)
