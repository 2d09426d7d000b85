"""One host, as its executor sees it: a socket, the calls that it has, and how it ended."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from services.executor.hosts.calls import PendingCall, PendingLoad
from services.executor.hosts.desk import Desk, KnownRuns
from services.executor.hosts.logs import Allowance, LogIntake
from services.executor.hosts.messages import Asked, Ended, Loaded, Logged, LogLine, Message, Progressed, parse
from services.executor.hosts.options import HostOptions
from services.executor.hosts.protocol import FrameDecoder, ProtocolViolation, encode
from services.executor.ports import HostCall, HostEnd, HostResult, LoadedPlugin, PluginSpec, Upcalls

BEAT: Final = encode({"t": "beat"})
_MAX_UNREAD: Final = 192 * 1024 * 1024
"""Bytes a host may leave unread: a few of the largest calls."""
_MESSAGES_PER_S: Final = 20_000
_BYTES_PER_S: Final = 16 * 1024 * 1024
_BYTES_BURST: Final = 192 * 1024 * 1024
"""What a host may send before it is read more slowly: reading is work that all plugins' hosts wait for."""
_PAUSE_S: Final = 0.05
_INSIST_S: Final = 1.0
_REPORT_S: Final = 2.0
"""How long a launcher may take to report the end of a host that closed its socket or was told to end."""


class HostProcess(asyncio.Protocol):
    """Calls the plugin in one host process."""

    def __init__(
        self, key: str, options: HostOptions, upcalls: Upcalls, intake: LogIntake, runs: KnownRuns
    ) -> None:
        self._key = key
        self._options = options
        self._upcalls = upcalls
        self._intake = intake
        self._runs = runs
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._decoder = FrameDecoder()
        self._numbers = itertools.count(1)
        self._load: PendingLoad | None = None
        self._calls: dict[int, PendingCall] = {}
        self._desk = Desk(key, upcalls, runs, self._send)
        self._allowance = Allowance(_MESSAGES_PER_S, _MESSAGES_PER_S)
        self._byte_allowance = Allowance(_BYTES_PER_S, _BYTES_BURST)
        self._cause: str | None = None
        self._by_grace = False
        self.kill: Callable[[], None] = lambda: None
        """Ends the process; the launcher's, which reports the end by `finish`."""
        self.kill_launcher: Callable[[], None] = lambda: None
        self.ended: asyncio.Future[str] = self._loop.create_future()
        """The cause, once the process is gone."""
        self.usable = True

    async def drained(self, limit_s: float) -> None:
        """Wait, so long at most, for the runs that are in flight now."""
        if runs := [call.future for call in self._calls.values() if call.run_id is not None]:
            await asyncio.wait(runs, timeout=limit_s)

    async def load(self, spec: PluginSpec, *, fresh: bool) -> LoadedPlugin:
        """Import the plugin. `fresh`: this version for the first time on this executor."""
        self._load = PendingLoad(self._loop.create_future())
        self._send({"t": "load", "id": 0, "declared": dict(spec.declared), "fresh": fresh})
        limit = self._options.load_s
        timer = self._loop.call_later(limit, self.end, f"the plugin did not load within {limit:g} s")
        try:
            return await self._load.future
        finally:
            timer.cancel()

    async def run(self, call: HostCall) -> HostResult:
        """Call `run`; whatever the plugin does is the result."""
        self._runs.add(call.run_id, call.depth)
        message = {
            "t": "run",
            "run": call.run_id,
            "attempt": call.attempt,
            "depth": call.depth,
            "kind": call.kind,
            "action": call.action,
            "params": call.params,
            "settings": call.settings,
            "actions": call.actions,
        }
        return await self._call(message, call.timeout_s, call.run_id)

    async def hook(self, name: str, settings: Mapping[str, Any]) -> HostResult:
        """Call a hook, for a bounded time."""
        return await self._call({"t": "hook", "name": name, "settings": settings}, self._options.hook_s, None)

    async def stop(self, reason: str, settings: Mapping[str, Any], limit_s: float) -> None:
        """Call the plugin's `stop`, for a bounded time, and then end the process."""
        if self.usable:
            message = {"t": "stop", "reason": reason, "settings": settings}
            stopping = asyncio.ensure_future(self._call(message, limit_s * 2, None))  # ends with the process
            if not (await asyncio.wait({stopping}, timeout=limit_s))[0]:
                self._intake.say("warning", f"stop did not return within {limit_s:g} s")
        self.end(f"the plugin was stopped ({reason})")

    def cancel(self, run_id: str) -> None:
        """Interrupt a run, if it is here."""
        for call in self._calls.values():
            if call.run_id == run_id:
                self._interrupt(call, "cancelled")

    def beat(self) -> None:
        """Let the process live on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(BEAT)

    def end(self, cause: str, *, by_grace: bool = False) -> None:
        """End the process; calls in flight learn the cause when it is gone."""
        if self.ended.done():
            return
        self.usable = False
        if self._cause is None:
            self._cause = cause
            self._by_grace = by_grace
            self._loop.call_later(_REPORT_S, self._insist)
        self.kill()

    def finish(self, cause: str) -> None:
        """The process is gone; the launcher says how, unless it was us."""
        if self.ended.done():
            return
        self.usable = False
        loading = self._cause or f"{cause} while loading"
        cause = self._cause or cause
        self._desk.close()
        if self._transport is not None:
            self._transport.abort()
        if self._load is not None:
            self._load.crash(loading)
        for call in list(self._calls.values()):
            call.crash(cause, by_grace=self._by_grace)
        self._calls.clear()
        self.ended.set_result(cause)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own kind is no subclass

    def data_received(self, data: bytes) -> None:
        if self._cause is not None and not self._calls and self._load is None:
            return
        if not self._byte_allowance.take(len(data)):
            self._pause()
        try:
            for raw in self._decoder.feed(data):
                self._take(parse(raw))
                if not self._allowance.take():
                    self._pause()
        except ProtocolViolation as violation:
            if self._transport is not None:
                self._transport.abort()
            self.end(f"plugin process broke the protocol of its socket: {violation}")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.usable = False
        if not self.ended.done():
            # Usually the launcher reports in a moment how it ended; a host that only closed its socket is ended.
            self._loop.call_later(_REPORT_S, self.end, "plugin process closed its socket")

    # what the host says

    def _take(self, message: Message) -> None:
        match message:
            case Ended():
                if (call := self._calls.pop(message.number, None)) is not None:
                    call.end(message)
            case Asked():
                self._ask(message)
            case Logged():
                owned = [LogLine(self._runs.own(line.run_id), line.line) for line in message.lines]
                if not self._intake.take(owned):
                    self._pause()
            case Progressed(run_id=run_id) if self._runs.own(run_id) is not None:
                self._upcalls.progress(self._key, run_id, message.done, message.total, message.message)
            case Progressed():
                pass  # of no run of ours
            case Loaded():
                self._has_loaded(message)

    def _ask(self, asked: Asked) -> None:
        self._desk.take(asked, self._resume)
        if self._desk.is_full and self._transport is not None:
            self._transport.pause_reading()

    def _has_loaded(self, loaded: Loaded) -> None:
        if self._load is not None and not self._load.future.done():
            self._load.future.set_result(loaded.plugin)
        self._load = None

    def _pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
            self._loop.call_later(_PAUSE_S, self._resume)

    def _resume(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.is_reading() or self._desk.is_full:
            return
        transport.resume_reading()

    # what we say

    async def _call(self, message: Mapping[str, Any], timeout_s: float, run_id: str | None) -> HostResult:
        call = PendingCall(next(self._numbers), self._loop.create_future(), run_id, timeout_s)
        self._calls[call.number] = call
        try:
            self._send({**message, "id": call.number})
        except (ValueError, TypeError, OverflowError) as error:
            del self._calls[call.number]
            reason = f"the call cannot be sent to the plugin: {error}"
            return HostResult(end="raised", error=reason, error_type=type(error).__name__)
        call.timers.append(self._loop.call_later(timeout_s, self._interrupt, call, "timed_out"))
        try:
            return await call.future
        except asyncio.CancelledError:
            self._interrupt(call, "cancelled")
            raise

    def _send(self, message: Mapping[str, Any]) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return  # its end is being reported
        try:
            frame = encode(message)
        except ValueError as error:
            if message["t"] != "answer":
                raise
            frame = encode({"t": "answer", "id": message["id"], "error": _too_large(error)})
        transport.write(frame)
        if transport.get_write_buffer_size() > _MAX_UNREAD:
            self.end("plugin process does not read its socket")

    def _interrupt(self, call: PendingCall, reason: HostEnd) -> None:
        if call.interrupted is None and call.number in self._calls:
            call.interrupted = reason
            call.grace_ends = self._loop.time() + self._options.grace_s
            self._press(call)

    def _press(self, call: PendingCall) -> None:
        """Raise in the call's thread, again while it swallows that, and end the host when the grace is over."""
        if call.number not in self._calls:
            return
        left = call.grace_ends - self._loop.time()
        if left <= 0:
            asked = "being cancelled" if call.interrupted == "cancelled" else "its time limit"
            what = f"run {call.run_id}" if call.run_id is not None else "a hook"
            grace = f"{self._options.grace_s:g} s"
            self.end(
                f"plugin process was ended: {what} did not stop within {grace} of {asked}", by_grace=True
            )
            return
        # A run that looks at its flag gets half of the time to end by itself.
        gentle = left > self._options.grace_s / 2
        self._send({"t": "interrupt", "id": call.number, "reason": call.interrupted, "gentle": gentle})
        pause = min(_INSIST_S, left / 2 if gentle else left)
        call.timers.append(self._loop.call_later(pause, self._press, call))

    def _insist(self) -> None:
        if not self.ended.done():
            self.kill_launcher()


def _too_large(error: ValueError) -> Mapping[str, Any]:
    return {"code": "too_large", "message": f"the answer is too large: {error}", "path": None}
