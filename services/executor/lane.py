"""The commands of one plugin: pulled, handed to the service, and acknowledged as it says."""

import asyncio
from typing import Final, Protocol

import nats.errors

from services.executor.claims import Order, Refusal, RunEnd, Verdict
from services.executor.service import Plugin
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.streams import plugin_durable, plugin_task_durable
from shared.logging import get_logger
from shared.messaging.bus import Bus
from shared.messaging.commands import InvalidCommand, read_command
from shared.messaging.leases import FENCE_S
from shared.messaging.pull import Delivery, Pull

LATER_S: Final = 2.0

log = get_logger(__name__)


class Decides(Protocol):
    """The service, as far as a lane needs it."""

    async def run_action(self, order: Order, plugin: Plugin) -> Verdict: ...

    async def refuse(self, refusal: Refusal, seq: int) -> Verdict: ...


class Lanes:
    """A plugin's two lanes: its actions, and the background tasks for which actions may wait."""

    def __init__(self, bus: Bus, service: Decides, plugin: Plugin, *, actions: int, tasks: int) -> None:
        self._actions = Lane(bus, service, plugin, plugin_durable(plugin.key), at_once=actions)
        self._tasks = Lane(bus, service, plugin, plugin_task_durable(plugin.key), at_once=tasks)
        self._both = (self._actions, self._tasks)

    @property
    def in_hand(self) -> int:
        """Commands that are being dealt with."""
        return sum(lane.in_hand for lane in self._both)

    async def start(self) -> None:
        """Begin to pull."""
        await asyncio.gather(*(lane.start() for lane in self._both))

    def resize(self, *, actions: int, tasks: int) -> None:
        """Take more, or fewer, commands at once."""
        for lane, at_once in ((self._actions, actions), (self._tasks, tasks)):
            if lane.at_once != at_once:
                lane.resize(at_once)

    async def stop(self) -> None:
        """Pull no more; what is in hand goes on."""
        await asyncio.gather(*(lane.stop() for lane in self._both))

    async def drained(self, timeout_s: float | None) -> bool:
        """Wait until nothing is in hand; False where that took too long."""
        return all(await asyncio.gather(*(lane.drained(timeout_s) for lane in self._both)))

    def drop(self) -> None:
        """Let go of everything at once: this executor has lost its lease."""
        for lane in self._both:
            lane.drop()

    async def keep(self) -> None:
        """Say of everything in hand that it is still worked on."""
        for lane in self._both:
            await lane.keep()


class Lane:
    """Pulls one plugin's commands, as many at once as it takes; what blocks here blocks no other plugin."""

    def __init__(self, bus: Bus, service: Decides, plugin: Plugin, durable: str, *, at_once: int) -> None:
        self._service = service
        self._plugin = plugin
        self._pull = Pull(bus, c.RUN_CMD, durable, self._take, at_once=at_once, expires_s=FENCE_S)
        self._tasks: dict[asyncio.Task[None], Delivery] = {}
        self.at_once = at_once

    @property
    def in_hand(self) -> int:
        """Commands that are being dealt with."""
        return len(self._tasks)

    async def start(self) -> None:
        """Begin to pull."""
        await self._pull.start()

    def resize(self, at_once: int) -> None:
        """Take more, or fewer, commands at once."""
        self.at_once = at_once
        self._pull.resize(at_once)

    async def stop(self) -> None:
        """Pull no more; what is in hand goes on."""
        await self._pull.stop()

    async def drained(self, timeout_s: float | None) -> bool:
        """Wait until nothing is in hand; False where that took too long."""
        while self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
            if late:
                return False
        return True

    def drop(self) -> None:
        """Let go of everything at once: this executor has lost its lease."""
        for task in self._tasks:
            task.cancel()

    async def keep(self) -> None:
        """Say of everything in hand that it is still worked on."""
        for delivery in list(self._tasks.values()):
            await delivery.in_progress()

    def _take(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._work(delivery))
        self._tasks[task] = delivery
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._pull.done()

    async def _work(self, delivery: Delivery) -> None:
        try:
            verdict = await self._decide(delivery)
        except Exception:
            # The border: a fault of ours must not take the plugin's other commands down with it.
            log.exception("command_failed", plugin=self._plugin.key, seq=delivery.seq)
            verdict = Verdict.LATER
        try:
            match verdict:
                case Verdict.ACK:
                    await delivery.ack()
                case Verdict.LATER:
                    await delivery.nak(LATER_S)
                case Verdict.BACK:
                    await delivery.nak()
                case Verdict.LEAVE:
                    pass
        except (errors.PlugarrError, nats.errors.Error) as error:
            # It is delivered again, and then found ended.
            log.info("verdict_not_sent", plugin=self._plugin.key, seq=delivery.seq, reason=str(error))

    async def _decide(self, delivery: Delivery) -> Verdict:
        if not self._plugin.claiming:
            return Verdict.BACK
        try:
            command = read_command(delivery.subject, delivery.data)
        except InvalidCommand as invalid:
            if invalid.run_id is None:
                log.warning("command_without_run", plugin=self._plugin.key, reason=invalid.message)
                return Verdict.ACK
            end = RunEnd("failed", cause=invalid.cause, error=invalid.message)
            refusal = Refusal(
                invalid.run_id, invalid.plugin, invalid.action, invalid.actor, invalid.caller, end
            )
            return await self._service.refuse(refusal, delivery.seq)
        return await self._service.run_action(Order(command, delivery.seq), self._plugin)
