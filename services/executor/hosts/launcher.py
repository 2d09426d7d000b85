"""A plugin's launcher, as its executor sees it: a process, a control socket, and hosts that come from it."""

import asyncio
import itertools
import os
import socket
import subprocess
from collections.abc import Mapping
from typing import Any, Final, Self

from services.executor.hosts.causes import cause_of
from services.executor.hosts.desk import KnownRuns
from services.executor.hosts.logs import LogIntake, PipeLog
from services.executor.hosts.options import HostOptions
from services.executor.hosts.process import BEAT, HostProcess
from services.executor.hosts.protocol import FrameDecoder, ProtocolViolation, encode
from services.executor.hosts.sandbox import LaunchPlan
from services.executor.hosts.tree import descendants, kill_all
from services.executor.ports import Upcalls

_MAX_CONTROL_FRAME: Final = 64 * 1024
_END_S: Final = 2.0
_LAST_WORDS_S: Final = 0.3


class Launcher:
    """Starts hosts and passes on how they ended. Make it by `start`."""

    def __init__(self, key: str, options: HostOptions, upcalls: Upcalls, intake: LogIntake) -> None:
        self._key = key
        self._options = options
        self._upcalls = upcalls
        self._intake = intake
        self._loop = asyncio.get_running_loop()
        self._decoder = FrameDecoder(_MAX_CONTROL_FRAME)
        self._numbers = itertools.count(1)
        self._hosts: dict[int, HostProcess] = {}
        self._runs = KnownRuns()
        self._control, self._theirs = socket.socketpair()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = PipeLog(intake)
        self.gone: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def start(
        cls, key: str, plan: LaunchPlan, options: HostOptions, upcalls: Upcalls, intake: LogIntake
    ) -> Self:
        """Start the process and wait until it is ready to fork. Raises OSError or TimeoutError."""
        launcher = cls(key, options, upcalls, intake)
        try:
            await launcher._open(plan)
            async with asyncio.timeout(options.start_s):
                await launcher._ready
        except BaseException:
            await launcher.close()
            raise
        return launcher

    async def _open(self, plan: LaunchPlan) -> None:
        control = self._theirs.fileno()
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - a few milliseconds, and a command line of our own
                plan.command(control),
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                env=plan.environment,
                cwd=plan.cwd,
                pass_fds=[control],
                start_new_session=True,
            )
        finally:
            os.close(write)
            self._theirs.close()
            pipe = os.fdopen(read, "rb", buffering=0)
            await self._loop.connect_read_pipe(lambda: self._pipe, pipe)
        self._control.setblocking(False)
        self._loop.add_reader(self._control.fileno(), self._read)

    async def start_host(self) -> HostProcess:
        """Fork a host; it is not loaded yet. Raises ConnectionError where the launcher is gone."""
        if self.gone.done():
            raise ConnectionError("the plugin's launcher has ended")
        number = next(self._numbers)
        host = HostProcess(self._key, self._options, self._upcalls, self._intake, self._runs)
        host.kill = lambda: self._tell({"t": "end", "host": number})
        host.kill_launcher = self.kill
        self._hosts[number] = host
        ours, theirs = socket.socketpair()
        try:
            self._tell({"t": "start", "host": number}, theirs.fileno())
        finally:
            theirs.close()
        ours.setblocking(False)
        await self._loop.create_unix_connection(lambda: host, sock=ours)
        return host

    def beat(self) -> None:
        """Let the launcher and its hosts live on."""
        if not self.gone.done():
            self._send(BEAT)
            for host in self._hosts.values():
                host.beat()

    def kill(self) -> None:
        """End launcher and hosts at once, with all that they started."""
        if self._process is not None and self._process.poll() is None:
            kill_all([self._process.pid, *descendants(self._process.pid)])
        self._lost()

    async def close(self) -> None:
        """End launcher and hosts, and reap."""
        # It sees the socket close and ends what it started; killing it first would orphan detached children.
        self._lost()
        if self._process is not None:
            try:
                await asyncio.to_thread(self._process.wait, _END_S)
            except subprocess.TimeoutExpired:
                self.kill()
                await asyncio.to_thread(self._process.wait)
        await self._pipe.close(_LAST_WORDS_S)

    def _tell(self, message: Mapping[str, Any], descriptor: int | None = None) -> None:
        if not self.gone.done():
            self._send(encode(message), descriptor)

    def _send(self, frame: bytes, descriptor: int | None = None) -> None:
        try:
            sent = socket.send_fds(self._control, [frame], [] if descriptor is None else [descriptor])
        except (BlockingIOError, ConnectionError):
            sent = 0
        if sent < len(frame):
            self.kill()  # it takes nothing any more, or is gone

    def _read(self) -> None:
        try:
            data = self._control.recv(64 * 1024)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._lost()
            return
        try:
            for message in self._decoder.feed(data):
                self._take(message)
        except ProtocolViolation as violation:
            self._intake.say("error", f"the plugin's launcher broke its protocol: {violation}")
            self.kill()

    def _take(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"t": "ready"}:
                if not self._ready.done():
                    self._ready.set_result(None)
            case {"t": "ended", "host": int(number), "status": int() | None as status}:
                if (host := self._hosts.pop(number, None)) is not None:
                    host.finish(cause_of(status, str(message.get("error"))))
            case _:
                raise ProtocolViolation("a message of unknown kind")

    def _lost(self) -> None:
        """Nothing more comes from it: its hosts have ended with it."""
        if self.gone.done():
            return
        self.gone.set_result(None)
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("the plugin's launcher ended; its log says why"))
            self._ready.exception()  # whoever waits hears of it; nobody has to
        for host in list(self._hosts.values()):
            host.finish("plugin process ended with its launcher")
        self._hosts.clear()
