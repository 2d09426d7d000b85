"""The registry's commands, each bound to one method; those that write only while the lease is held."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from services.registry.installs import Installs
from services.registry.service import RegistryService
from shared.contracts import catalog as c
from shared.contracts.base import Done
from shared.contracts.plugins import DeletePlugin
from shared.messaging.bus import Bus
from shared.messaging.handlers import Handlers

_STARTING_S: Final = 0.02


class Subscriber(Protocol):
    running: bool

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class WritersGate:
    """Subscribes the commands that write, and ends that: who stands by leaves them to the lease holder.

    So a caller is answered by who can do it, or hears at once that nobody is there and asks again.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._subscribers: list[Any] = []
        self._wanted = False
        self._changing = asyncio.Lock()

    def take(self, subscribers: list[Any]) -> None:
        """The subscribers that it is about."""
        self._subscribers = subscribers

    async def open(self) -> None:
        self._wanted = True
        await self._settle()

    async def close(self) -> None:
        self._wanted = False
        await self._settle()

    async def started(self) -> None:
        """Wait until the broker has started all its subscribers, then end those that are not wanted."""
        while not self._bus.broker.running:  # noqa: ASYNC110 - FastStream has no event for it
            await asyncio.sleep(_STARTING_S)
        await self._settle()

    async def _settle(self) -> None:
        async with self._changing:
            if not self._bus.broker.running:
                return
            for subscriber in self._subscribers:
                if self._wanted and not subscriber.running:
                    await subscriber.start()
                elif not self._wanted and subscriber.running:
                    await subscriber.stop()


def bind(bus: Bus, service: RegistryService, installs: Installs, gate: WritersGate) -> Handlers:
    """Bind each contract to one method of the service."""
    handlers = Handlers(bus.broker, "registry")
    handlers.command(c.GET_LOGO, service.get_logo)
    always = set(bus.broker.subscribers)
    handlers.command(c.RELOAD_PLUGINS, service.reload_plugins)
    handlers.command(c.IMPORT_PLUGIN, installs.import_plugin)
    handlers.command(c.DELETE_PLUGIN, _done(installs.delete_plugin))
    gate.take([subscriber for subscriber in bus.broker.subscribers if subscriber not in always])
    return handlers


def _done(method: Callable[[DeletePlugin], Awaitable[None]]) -> Callable[[DeletePlugin], Awaitable[Done]]:
    async def answer(command: DeletePlugin) -> Done:
        await method(command)
        return Done()

    return answer
