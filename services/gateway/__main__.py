"""`python -m services.gateway`: HTTP for people and programs."""

import argparse
import asyncio
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from services.gateway.live.wire import SERVER as WS_SERVER
from services.gateway.live.wire import LiveProtocol
from services.gateway.main import create_app
from services.gateway.settings import Settings
from shared import logging
from shared.service import bind_or_exit


class _Server(uvicorn.Server):
    """Lets who waits for a run go when the process is to end: their answer is then 202."""

    def __init__(self, config: uvicorn.Config, release: Callable[[], None]) -> None:
        super().__init__(config)
        self._release = release
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._release)
        super().handle_exit(sig, frame)


def main() -> None:
    lines = [
        f"  PLUGARR_{name.upper():22} {field.description}"
        for name, field in Settings.model_fields.items()
        if field.description
    ]
    argparse.ArgumentParser(
        prog="python -m services.gateway",
        description=__doc__,
        epilog="environment:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    settings = Settings()
    logging.configure("gateway", settings.instance, form=settings.log_format, level=settings.log_level)
    settings.require_bus()
    gateway = create_app(settings)
    listener = bind_or_exit(settings.host, settings.port, "PLUGARR_PORT")
    log = logging.get_logger(__name__)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("starting", url=f"http://{host}:{listener.getsockname()[1]}/")
    config = uvicorn.Config(
        gateway.app,
        http="httptools",
        ws=LiveProtocol,
        **WS_SERVER,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config, gateway.results.release)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
