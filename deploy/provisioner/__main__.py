"""`python -m deploy.provisioner`: apply the catalogue, then answer for the consumers of plugins.

With `--once` it applies the catalogue and ends: what a deployment runs before the services start.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from nats.js import JetStreamContext
from pydantic import Field

from deploy.provisioner.apply import apply, ensure_durable, remove_durable
from shared import logging, service
from shared.contracts import catalog as c
from shared.contracts.base import Done, parse_timestamp
from shared.contracts.plugins import EnsureConsumer, RemoveConsumer
from shared.contracts.streams import (
    ACK_WAIT_S,
    Durable,
    plugin_durable,
    plugin_filters,
    plugin_task_durable,
)
from shared.messaging.bus import Bus, connect, wait_connected
from shared.messaging.handlers import Handlers
from shared.settings import CommonSettings


class Settings(CommonSettings):
    """What the provisioner is told."""

    nats_replicas: int = Field(default=1, ge=1, le=5, description="Copies of every stream.")


class Consumers:
    """The consumers of enabled plugins' commands."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @property
    def _js(self) -> JetStreamContext:
        return self._bus.nc.jetstream()

    async def ensure(self, command: EnsureConsumer) -> Done:
        """Make it, or change its limit."""
        actions = Durable(
            stream=c.RUN_CMD,
            name=plugin_durable(command.plugin),
            filters=plugin_filters(command.plugin),
            ack_wait_s=ACK_WAIT_S,
            max_ack_pending=command.max_ack_pending,
        )
        tasks = replace(
            actions,
            name=plugin_task_durable(command.plugin),
            filters=(c.TASK_REQUESTED.subject.of(plugin=command.plugin),),
            max_ack_pending=command.tasks,
        )
        # A minute of grace: clocks differ, and a command may be asked for the moment a plugin is enabled.
        since = parse_timestamp(command.since) - timedelta(minutes=1) if command.since else None
        for durable in (actions, tasks):
            await ensure_durable(self._js, durable, since=since)
        return Done()

    async def remove(self, command: RemoveConsumer) -> Done:
        """Remove it; the data service's recorder then ends the plugin's commands."""
        for name in (plugin_durable(command.plugin), plugin_task_durable(command.plugin)):
            await remove_durable(self._js, c.RUN_CMD, name)
        return Done()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.provisioner", description=__doc__)
    parser.add_argument("--once", action="store_true", help="apply the catalogue and end")
    once = parser.parse_args().once
    settings = Settings()
    logging.configure("provisioner", settings.instance, form=settings.log_format, level=settings.log_level)
    bus = connect(settings, "provisioner")

    async def provision() -> None:
        await wait_connected(bus)
        try:
            await apply(bus.nc.jetstream(), replicas=settings.nats_replicas)
        finally:
            await bus.broker.stop()

    if once:
        asyncio.run(provision())
        return

    consumers = Consumers(bus)
    handlers = Handlers(bus.broker, "provisioner")
    handlers.command(c.ENSURE_CONSUMER, consumers.ensure)
    handlers.command(c.REMOVE_CONSUMER, consumers.remove)

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        await apply(bus.nc.jetstream(), replicas=settings.nats_replicas)
        yield
        await handlers.drained()

    service.run(bus, settings, work, {})


if __name__ == "__main__":
    main()
