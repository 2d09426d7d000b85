"""A call that a host has been given and not yet answered."""

import asyncio
from dataclasses import dataclass, field

from services.executor.hosts.messages import Ended
from services.executor.ports import HostEnd, HostResult, LoadedPlugin


@dataclass(slots=True, eq=False)
class PendingLoad:
    future: asyncio.Future[LoadedPlugin]

    def crash(self, cause: str) -> None:
        """The host ended while it imported the plugin."""
        if not self.future.done():
            self.future.set_result(LoadedPlugin(ok=False, error=cause))


@dataclass(slots=True, eq=False)
class PendingCall:
    number: int
    future: asyncio.Future[HostResult]
    run_id: str | None = None
    timeout_s: float = 0.0
    interrupted: HostEnd | None = None
    """`cancelled` or `timed_out`, once asked to stop."""
    grace_ends: float = 0.0
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def end(self, ended: Ended) -> None:
        """The host says how it ended; that it was asked to stop is known here better than there."""
        error = ended.error
        if self.interrupted is not None:
            error = self.interruption
        self._resolve(
            HostResult(
                end=self.interrupted or ended.end,
                result=ended.result,
                error=error,
                error_type=ended.error_type,
                refreshed=ended.refreshed,
                retry_in_s=ended.retry_in_s,
            )
        )

    def crash(self, cause: str, *, by_grace: bool) -> None:
        """The host is gone; a call that was to stop and did not is why, the others are its victims."""
        if self.interrupted is not None and by_grace:
            self._resolve(HostResult(end=self.interrupted, error=self.interruption))
        else:
            self._resolve(HostResult(end="crashed", error=cause, collateral=by_grace))

    @property
    def interruption(self) -> str:
        """Why it was to stop, in words."""
        return (
            "cancelled" if self.interrupted == "cancelled" else f"time limit of {self.timeout_s:g} s passed"
        )

    def _resolve(self, result: HostResult) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if not self.future.done():
            self.future.set_result(result)
