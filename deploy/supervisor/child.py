"""One child process that is kept running: started, read, waited for, and started again when it ends."""

import asyncio
import contextlib
import http.client
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.embedded.process import die_with_parent
from deploy.supervisor.console import LogConsole

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
_STEADY_S: Final = 30.0
"""After so long the next end counts as the first again."""


_LAST_WORDS_S: Final = 0.5


@dataclass
class Child:
    """What to run, and how to know that it is ready."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    launch: "Callable[[], subprocess.Popen[bytes]] | None" = None
    """Instead of `command`: starts it and returns its process, at once."""
    prepare: "Callable[[subprocess.Popen[bytes]], None] | None" = None
    """Makes it ready, which may take long; raises where that fails or the process ends."""


class Keeper:
    """Keeps one child running until it is stopped."""

    def __init__(self, child: Child, console: LogConsole) -> None:
        self.child = child
        self.restarts = 0
        self._console = console
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._prepared = asyncio.Event()
        self._fault: Exception | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, and from now on start it again whenever it ends."""
        self._launch()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.child.name}")

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait until it is prepared, and for 200 from its `/readyz`. Raises what kept it from being prepared."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._fault:
                raise self._fault
            if self._prepared.is_set() and await self._answers():
                return True
            await asyncio.sleep(0.1)
        return False

    async def _answers(self) -> bool:
        url = self.child.ready_url
        return url is None or await asyncio.to_thread(_is_ready, url)

    async def not_ready_because(self) -> str:
        """What its `/readyz` says just now."""
        return await asyncio.to_thread(_reason, self.child.ready_url or "")

    def restart(self, why: str) -> None:
        """End it, to be started again."""
        if self._process and self._process.poll() is None:
            self._console.say(f"{self.child.name} is started again: {why}", style="yellow")
            self._process.terminate()

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace time."""
        self._stopping.set()
        process = self._process
        if process and process.poll() is None:
            process.terminate()
            if not await _ended(process, grace_s):
                self._console.line(self.child.name, f"did not end within {grace_s:g} s and is killed")
                process.kill()
                await _ended(process, 1.0)
        if self._task:
            # What it wrote last is still passed on.
            await asyncio.wait({self._task}, timeout=_LAST_WORDS_S + 0.2)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _launch(self) -> None:
        # From the main thread: the kernel ends a child with the *thread* that made it.
        self._prepared.clear()
        if self.child.launch:
            self._process = self.child.launch()
            return
        self._process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(self.child.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self.child.env),
            process_group=0,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - only prctl
        )

    async def _keep(self) -> None:
        failures = 0
        while True:
            process, began = self._process, time.monotonic()
            assert process is not None
            reading = asyncio.create_task(self._pass_on(process))
            try:
                await self._prepare(process)
                await _ended(process)
                # Its own children may hold its output open much longer than it lives.
                await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            code = process.returncode
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - began > _STEADY_S else failures
            pause = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
            failures += 1
            self.restarts += 1
            self._console.say(
                f"{self.child.name} ended ({_how(code)}); starting it again in {pause:g} s", style="red"
            )
            while not await self._stopped_within(pause) and not self._relaunched():
                pause = BACK_OFF_S[-1]
            if self._stopping.is_set():
                return

    async def _stopped_within(self, pause_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        return self._stopping.is_set()

    def _relaunched(self) -> bool:
        """Whether it runs again."""
        try:
            self._launch()
        except Exception as error:  # noqa: BLE001 - the border: whatever keeps it from starting is said, and tried again
            self._console.say(f"{self.child.name} cannot be started: {error}", style="red")
            return False
        return True

    async def _prepare(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            if self.child.prepare:
                await asyncio.to_thread(self.child.prepare, process)
        except Exception as error:  # noqa: BLE001 - the border: whatever keeps it from being ready is said, and it is started again
            if not self._stopping.is_set():
                self._fault = error
                self._console.say(f"{self.child.name} cannot be made ready: {error}", style="red")
                process.kill()
        else:
            self._fault = None
            self._prepared.set()

    async def _pass_on(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is None:
            return
        reader = asyncio.StreamReader(limit=1024 * 1024)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stdout
        )
        try:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    # Longer than a megabyte: the reader has dropped it.
                    continue
                if not line:
                    return
                self._console.line(self.child.name, line.decode(errors="replace").rstrip("\n"))
        finally:
            transport.close()


async def _ended(process: "subprocess.Popen[bytes]", timeout_s: float = float("inf")) -> bool:
    """Wait until a process has ended; False after the time-out."""
    deadline = time.monotonic() + timeout_s
    # Not a thread per child: there may be more children than the loop has threads.
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


# A proxy for the Internet has no business with our own loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _is_ready(url: str) -> bool:
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def _reason(url: str) -> str:
    try:
        with _direct.open(url, timeout=2):
            return "ready"
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")[:500]
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
