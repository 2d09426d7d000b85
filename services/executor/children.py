"""Runs that plugins ask for: commands like any other, whose results are waited for here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from nats.aio.msg import Msg
from pydantic import ValidationError

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject, new_id, now
from shared.contracts.runs import Caller, RunRequested, RunResult
from shared.logging import get_logger
from shared.messaging.bus import MSG_ID, Bus
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects, by_reference, resolved

LOOK_S: Final = 5.0
"""How often the ledger is asked for a result that was not told."""

log = get_logger(__name__)


class Children:
    """Publishes commands on behalf of plugins and waits for their ends."""

    def __init__(self, bus: Bus, ledger: Ledger, objects: Objects, *, executor: str) -> None:
        self._bus = bus
        self._ledger = ledger
        self._objects = objects
        self._executor = executor
        self._waiting: dict[str, asyncio.Future[RunResult]] = {}
        self._unlisten: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Begin to hear of ends."""
        subject = c.RUN_ENDED.subject.pattern(kind="executor", caller=self._executor)
        self._unlisten = await self._bus.listen(subject, self._hear)

    async def close(self) -> None:
        if self._unlisten is not None:
            await self._unlisten()

    async def run(
        self,
        *,
        asker: str,
        plugin: str,
        action: str,
        params: JsonObject,
        parent: str | None,
        depth: int,
        timeout_s: float,
    ) -> Any:
        """Run another plugin's action and wait; its result. Raises the error that tells how it ended, or TimedOut."""
        run_id = new_id()
        command = RunRequested(
            run_id=run_id,
            plugin=plugin,
            action=action,
            params=await by_reference(self._objects, params),
            trigger="plugin",
            actor=f"plugin:{asker}",
            caller=Caller(kind="executor", id=self._executor),
            parent=parent,
            depth=depth,
            created_at=now(),
        )
        future: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
        self._waiting[run_id] = future
        try:
            subject = c.RUN_REQUESTED.subject.of(plugin=plugin)
            await self._bus.put(subject, command.model_dump_json().encode(), {MSG_ID: run_id})
            async with asyncio.timeout(timeout_s):
                ended = await self._end_of(run_id, future)
        except TimeoutError as error:
            raise errors.TimedOut(
                f"{plugin} has not ended {action} within {timeout_s:g} s; run {run_id} goes on"
            ) from error
        finally:
            del self._waiting[run_id]
        return await resolved(self._objects, _result(plugin, ended))

    async def _end_of(self, run_id: str, future: asyncio.Future[RunResult]) -> RunResult:
        while True:
            await asyncio.wait({future}, timeout=LOOK_S)
            if future.done():
                return future.result()
            try:
                entry = await self._ledger.last(run_id)
            except errors.PlugarrError as error:
                log.info("ledger_not_read", run_id=run_id, reason=error.message)
                continue
            if entry is not None and entry.ended:
                return RunResult.model_validate(entry.state, from_attributes=True)

    async def _hear(self, message: Msg) -> None:
        try:
            ended = c.RUN_ENDED.envelope.model_validate_json(message.data).data
        except ValidationError:
            log.warning("result_not_understood", subject=message.subject)
            return
        future = self._waiting.get(ended.run_id)
        if future is not None and not future.done():
            future.set_result(ended)


def _result(plugin: str, ended: RunResult) -> Any:
    """What the asking plugin gets."""
    if ended.state == "succeeded":
        return ended.result
    message = ended.error or f"the run of plugin '{plugin}' ended {ended.state}"
    if ended.cause in {"denied", "permission_denied"}:
        raise errors.PermissionDenied(message)
    if ended.cause == "plugin_disabled":
        raise errors.PluginDisabled(message)
    if ended.cause in {"plugin_not_found", "not_loaded"}:
        raise errors.NotFound(message)
    raise errors.RunFailed(message)
