"""A run from bus to bus, by an outside publisher; beside a raw nats-py request and its reply."""

import asyncio
import json
import time
import uuid
from typing import Any

import nats
import uvloop
from nats.aio.client import Client

from bench.harness import Figure, latencies, p50, p99, plain_nats, platform

ONE_AT_A_TIME = 300
ROUNDS = 5
IN_FLIGHT = 64
MANY = 4000

PLUGIN = """
class Plugin:
    def run(self, action, params, context):
        return {"status": "ok", "echo": params}
"""


class Publisher:
    """Publishes commands and hands each result to whoever waits for it."""

    def __init__(self, user: dict[str, str]) -> None:
        self._user = user
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    async def open(self) -> Client:
        user = self._user
        self.nc = await nats.connect(
            user["url"], user=user["user"], password=user["password"], inbox_prefix=user["inbox"].encode()
        )
        await self.nc.subscribe(user["results"], cb=self._take)
        await self.nc.flush()
        await self.nc.flush()
        return self.nc

    async def _take(self, message: Any) -> None:
        future = self._waiting.pop(message.subject.rsplit(".", 1)[1], None)
        if future and not future.done():
            future.set_result(message.data)

    async def run(self) -> bytes:
        run_id = str(uuid.uuid4())
        future = self._waiting[run_id] = asyncio.get_running_loop().create_future()
        command = {"run_id": run_id, "plugin": "echo", "action": "echo", "params": {"text": "x" * 150}}
        await self.nc.publish(self._user["publish"], json.dumps(command).encode())
        return await asyncio.wait_for(future, 30)


async def many(call: Any, count: int) -> float:
    """Calls a second with `IN_FLIGHT` under way."""
    left = count

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return count / (time.perf_counter() - began)


async def _measure(user: dict[str, str], floor_url: str) -> list[Figure]:
    publisher = Publisher(user)
    ours = await publisher.open()
    asking, answering = await nats.connect(floor_url), await nats.connect(floor_url)

    async def reply(message: Any) -> None:
        await message.respond(message.data)

    await answering.subscribe("floor", cb=reply)
    await answering.flush()
    payload = b"x" * 200

    async def raw() -> object:
        return await asking.request("floor", payload, timeout=10)

    await latencies(publisher.run, 50)
    await latencies(raw, 50)
    run_us: list[float] = []
    raw_us: list[float] = []
    for _ in range(ROUNDS):
        raw_us += await latencies(raw, ONE_AT_A_TIME // ROUNDS)
        run_us += await latencies(publisher.run, ONE_AT_A_TIME // ROUNDS)
    raw_rate = await many(raw, 4 * MANY)
    run_rate = await many(publisher.run, MANY)
    for client in (ours, asking, answering):
        await client.close()
    floor = "raw request/reply"
    return [
        Figure("one run, p50", p50(run_us), "µs", p50(raw_us), floor, "≤ 4 × the floor"),
        Figure("one run, p99", p99(run_us), "µs", p99(raw_us), floor),
        Figure(f"runs a second, {IN_FLIGHT} in flight", run_rate, "/s", raw_rate, floor, "≥ 4,000/s"),
    ]


def measure() -> list[Figure]:
    with plain_nats() as floor_url, platform() as started:
        started.plugin("echo", PLUGIN, execution={"concurrency": IN_FLIGHT, "placement": "home"})
        return uvloop.run(_measure(started.bus_user("echo.echo"), floor_url))
