"""One child process that is kept running: started, read, waited for, and started again when it ends."""

import asyncio
import contextlib
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


@dataclass
class Child:
    """What to run, and how to know that it is ready."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    start: "Callable[[], subprocess.Popen[bytes]] | None" = None
    """Instead of `command`: starts it, waits until it is ready, and returns its process."""


class Keeper:
    """Keeps one child running until it is stopped."""

    def __init__(self, child: Child, console: LogConsole) -> None:
        self.child = child
        self.restarts = 0
        self._console = console
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, and from now on start it again whenever it ends."""
        self._launch()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.child.name}")

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait for 200 from its `/readyz`."""
        url = self.child.ready_url
        deadline = time.monotonic() + timeout_s
        if url is None:
            return True
        while time.monotonic() < deadline:
            if await asyncio.to_thread(_is_ready, url):
                return True
            await asyncio.sleep(0.1)
        return False

    async def not_ready_because(self) -> str:
        """What its `/readyz` says just now."""
        return await asyncio.to_thread(_reason, self.child.ready_url or "")

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace time."""
        self._stopping = True
        process = self._process
        if process and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, grace_s)
            if process.poll() is None:
                self._console.line(self.child.name, f"did not end within {grace_s:g} s and is killed")
                process.kill()
        if self._task:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, 2)

    def _launch(self) -> None:
        # From the main thread: the kernel ends a child with the *thread* that made it.
        if self.child.start:
            self._process = self.child.start()
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
            if process.stdout:
                await self._pass_on(process)
            code = await asyncio.to_thread(process.wait)
            if self._stopping:
                return
            failures = 0 if time.monotonic() - began > _STEADY_S else failures
            pause = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
            failures += 1
            self.restarts += 1
            self._console.say(
                f"{self.child.name} ended ({_how(code)}); starting it again in {pause:g} s", style="red"
            )
            await asyncio.sleep(pause)
            while not self._relaunched():  # noqa: ASYNC110 - no event tells that a server can be started again
                await asyncio.sleep(BACK_OFF_S[-1])

    def _relaunched(self) -> bool:
        """Whether it runs again; after `stop` it is left as it is."""
        try:
            if not self._stopping:
                self._launch()
        except Exception as error:  # noqa: BLE001 - the border: whatever keeps it from starting is said, and tried again
            self._console.say(f"{self.child.name} cannot be started: {error}", style="red")
            return False
        return True

    async def _pass_on(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        reader = asyncio.StreamReader(limit=1024 * 1024)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                # Longer than a megabyte: the reader has dropped it.
                continue
            if not line:
                return
            self._console.line(self.child.name, line.decode(errors="replace").rstrip("\n"))


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback URL
            return bool(answer.status == 200)
    except OSError:
        return False


def _reason(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback URL
            return "ready"
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")[:500]
    except OSError as error:
        return str(error)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
