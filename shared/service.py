"""Running one service: its broker, its work, and /livez, /readyz, /metrics on a port of its own."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

import nats.errors
import orjson
import uvicorn
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.asgi.types import ASGIApp
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import logging
from shared.messaging.bus import Bus, wait_connected
from shared.settings import CommonSettings

Check = Callable[[], Awaitable[str | None]]
"""Says None where all is well, `ok: …` where there is something to say all the same, else what is wrong."""

HEALTH_PORTS: Final = {"registry": 9192, "data": 9193, "executor": 9194, "provisioner": 9195}

_DRAIN_S: Final = 1.0

log = logging.get_logger(__name__)


def health_routes(checks: dict[str, Check]) -> list[tuple[str, ASGIApp]]:
    """`/livez` (the process runs), `/readyz` (it can do its work; 503 and the reasons otherwise), `/metrics`."""

    @get
    async def livez(_scope: object) -> AsgiResponse:
        return AsgiResponse(b'{"status":"ok"}', 200, {"content-type": "application/json"})

    @get
    async def readyz(_scope: object) -> AsgiResponse:
        status, body = await readiness(checks)
        return AsgiResponse(orjson.dumps(body), status, {"content-type": "application/json"})

    @get
    async def metrics(_scope: object) -> AsgiResponse:
        return AsgiResponse(generate_latest(), 200, {"content-type": CONTENT_TYPE_LATEST})

    return [("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)]


async def readiness(checks: dict[str, Check]) -> tuple[int, dict[str, object]]:
    """Status and body of `/readyz`: every check with `ok` or what is wrong."""
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            fault = await asyncio.wait_for(check(), 2.0)
        except Exception as error:  # noqa: BLE001 - the border: whatever a check raises is what is wrong
            fault = str(error) or type(error).__name__
        found[name] = fault or "ok"
    ready = all(value == "ok" or value.startswith("ok: ") for value in found.values())
    return 200 if ready else 503, {"status": "ok" if ready else "unready", "checks": found}


def run(
    bus: Bus,
    settings: CommonSettings,
    work: Callable[[], AbstractAsyncContextManager[None]],
    checks: dict[str, Check],
) -> None:
    """Run a service until SIGTERM or SIGINT: connect, do its work, answer probes; then end it in order.

    `work` is entered before the broker's subscribers start, and left when they have stopped but the bus is
    still connected: what was begun can be answered, and leases are given back.
    """

    async def bus_check() -> str | None:
        return None if bus.connected else "the bus is not connected"

    under_way = AsyncExitStack()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await wait_connected(bus)
        async with under_way:
            await under_way.enter_async_context(work())
            yield

    async def leave() -> None:
        # FastStream closes the connection before it leaves the lifespan, and work needs it to end in order.
        await asyncio.gather(*(_drained(subscriber) for subscriber in bus.broker.subscribers))
        await under_way.aclose()

    app = AsgiFastStream(
        bus.broker,
        asgi_routes=health_routes({"bus": bus_check, **checks}),
        lifespan=lifespan,
        on_shutdown=[leave],
        logger=None,
    )
    port = settings.health_port or HEALTH_PORTS.get(bus.service, 0)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=settings.health_host, port=port, log_config=None, access_log=False, lifespan="on"
        )
    )
    listener = bind_or_exit(settings.health_host, port, "PLUGARR_HEALTH_PORT")
    log.info("starting", health=f"http://{settings.health_host}:{listener.getsockname()[1]}/readyz")
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    if not server.started:
        sys.exit(1)


async def _drained(subscriber: Any) -> None:
    """End a subscription without forgetting the commands that have come already: FastStream would drop them."""
    with contextlib.suppress(nats.errors.Error, TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            await subscriber.subscription.drain()
            subscriber.subscription = None
    await subscriber.stop()


def bind_or_exit(host: str, port: int, variable: str) -> socket.socket:
    """A listening socket, or the end with a remedy where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SystemExit(
            f"Port {port} on {host} cannot be used ({error.strerror}): end what uses it, or choose another by {variable}."
        ) from error
    return listener


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop()
