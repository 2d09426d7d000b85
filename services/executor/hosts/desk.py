"""Answers what a plugin asks of the platform, so many at a time."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from services.executor.hosts.messages import Asked
from services.executor.platform_calls import PLATFORM_CALLS
from services.executor.ports import Upcalls
from shared.errors import PermissionDenied, PlugarrError

AT_ONCE: Final = 64
BYTES_AT_ONCE: Final = 64 * 1024 * 1024
"""With so many questions open, or so large ones, the host is not read any further."""
_RUNS_KNOWN: Final = 4096

logger = logging.getLogger(__name__)


class KnownRuns:
    """The runs that a host was given, the newest ones: it can speak for no others."""

    def __init__(self) -> None:
        self._depths: OrderedDict[str, int] = OrderedDict()

    def add(self, run_id: str, depth: int) -> None:
        """Remember a run and how deep it is nested."""
        self._depths[run_id] = depth
        self._depths.move_to_end(run_id)
        if len(self._depths) > _RUNS_KNOWN:
            self._depths.popitem(last=False)

    def own(self, run_id: str | None) -> str | None:
        """The run id, if it is one of this host's."""
        return run_id if run_id in self._depths else None

    def depth(self, run_id: str | None, claimed: int) -> int:
        """How deep a question is nested: a host may say deeper, never shallower."""
        known = self._depths.get(run_id, 0) if run_id is not None else 0
        return max(known, min(claimed, 1000))


class Desk:
    """The questions of one host that are open."""

    def __init__(
        self, key: str, upcalls: Upcalls, runs: KnownRuns, answer: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._key = key
        self._upcalls = upcalls
        self._runs = runs
        self._answer = answer
        self._open: set[asyncio.Task[None]] = set()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether the host is to wait with its next question."""
        return len(self._open) >= AT_ONCE or self._bytes >= BYTES_AT_ONCE

    def take(self, asked: Asked, on_done: Callable[[], None]) -> None:
        """Begin to answer."""
        task = asyncio.create_task(self._serve(asked))
        self._open.add(task)
        self._bytes += asked.size

        def done(finished: asyncio.Task[None]) -> None:
            self._open.discard(finished)
            self._bytes -= asked.size
            on_done()

        task.add_done_callback(done)

    def close(self) -> None:
        """Nobody waits for the answers any more."""
        for task in self._open:
            task.cancel()

    async def _serve(self, asked: Asked) -> None:
        try:
            answer: dict[str, Any] = {"value": orjson.dumps(await self._call(asked))}
        except PlugarrError as error:
            answer = {"error": {"code": error.code, "message": error.message, "path": error.path}}
        except Exception as error:
            # The border: whatever goes wrong on our side, the plugin's thread must not wait in vain.
            logger.exception("answering %s of plugin %s failed", asked.method, self._key)
            answer = {
                "error": {"code": "internal", "message": f"{asked.method} failed: {error}", "path": None}
            }
        self._answer({"t": "answer", "id": asked.number, **answer})

    async def _call(self, asked: Asked) -> Any:
        if asked.method not in PLATFORM_CALLS:
            raise PermissionDenied(f"there is no platform call {asked.method!r}")
        run_id = self._runs.own(asked.run_id)
        depth = self._runs.depth(run_id, asked.depth)
        return await self._upcalls.call(self._key, run_id, depth, asked.method, asked.args)
