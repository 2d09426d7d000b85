"""The launcher: one small process with one thread, from which a plugin's hosts are forked in milliseconds.

It has imported what every host needs and nothing that a plugin may want in another version. It answers to
its executor over one socket, and ends everything when that falls silent.
"""

import contextlib
import errno
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from plugarr_host import frames, host_database, linux, orphans, preload, runtime

_MOST_AT_ONCE: Final = 64 * 1024


def serve(config: Mapping[str, Any]) -> NoReturn:
    """Be a launcher until the executor ends it."""
    # Not SIGKILL: detached children of the plugin are ours to end, and would be left behind.
    linux.die_with_parent(signal.SIGTERM)
    if config["parent"] is not None and os.getppid() != config["parent"]:
        os._exit(0)
    linux.adopt_orphans()
    take_surroundings(config)
    preload.preload(config.get("preload", ()))
    Launcher(config).run()


def take_surroundings(config: Mapping[str, Any]) -> None:
    """Learn of the host database, before anything asks for Django's settings."""
    url = os.environ.pop("PLUGARR_HOST_DATABASE_URL", None)
    host_database.use({"url": url} if url else config.get("database"))


class Launcher:
    """Forks hosts, reports their ends, and outlives none of its reasons to live."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._fence_s = float(config["fence_s"])
        self._control = socket.socket(fileno=config["control"])
        self._control.set_inheritable(False)
        self._decoder = frames.FrameDecoder()
        self._descriptors: list[int] = []
        self._hosts: dict[int, int] = {}
        """Process id → the executor's number of the host."""
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        self._waker = wake
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        signal.signal(
            signal.SIGTERM, lambda _signal, _frame: self._end("its executor ended, or it was told to")
        )
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def run(self) -> NoReturn:
        """Serve until the socket closes or no heartbeat comes."""
        # Objects made so far are never collected in a host, so their pages stay shared.
        gc.collect()
        gc.freeze()
        self._tell({"t": "ready"})
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        deadline = time.monotonic() + self._fence_s
        while (left := deadline - time.monotonic()) > 0:
            ready = {fd for fd, _ in poll.poll(left * 1000)}
            if self._wake.fileno() in ready:
                self._reap()
            if self._control.fileno() in ready:
                if not self._obey():
                    self._end("its executor closed the connection")
                deadline = time.monotonic() + self._fence_s
        self._end(f"no heartbeat of its executor for {self._fence_s:g} s")

    def _obey(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _MOST_AT_ONCE, 8)
        except ConnectionError:
            return False
        self._descriptors.extend(descriptors)
        for message in self._decoder.feed(data):
            if message["t"] == "start":
                self._start(message["host"], self._descriptors.pop(0))
            elif message["t"] == "end":
                self._kill(message["host"])
        return bool(data)

    def _start(self, number: int, descriptor: int) -> None:
        config = {**self._config, "launcher": os.getpid()}
        try:
            pid = self._spawn(descriptor, config) if config["spawn"] else self._fork(descriptor, config)
        except OSError as error:
            self._tell(
                {"t": "ended", "host": number, "status": None, "error": f"no process: {error.strerror}"}
            )
            return
        finally:
            os.close(descriptor)
        self._hosts[pid] = number

    def _fork(self, descriptor: int, config: Mapping[str, Any]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for own in (self._control, self._wake, self._waker):
                own.close()
            runtime.serve(socket.socket(fileno=descriptor), config)
        finally:
            os._exit(70)  # never back into the launcher's loop

    def _spawn(self, descriptor: int, config: Mapping[str, Any]) -> int:
        """Start a host as a program, where a forked one is not safe (macOS)."""
        given = json.dumps({**config, "role": "host", "socket": descriptor})
        url = host_database.given.get("url")
        host = subprocess.Popen(  # noqa: S603 - a command line of our own
            [sys.executable, "-I", "-S", config["program"], given],
            pass_fds=[descriptor],
            start_new_session=True,
            env={**os.environ, "PLUGARR_HOST_DATABASE_URL": url} if url else None,
        )
        host.returncode = 0  # reaped by this launcher, not by Popen's finaliser
        return host.pid

    def _kill(self, number: int) -> None:
        for pid, host in self._hosts.items():
            if host == number:
                orphans.kill_host(pid)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if (number := self._hosts.pop(pid, None)) is None:
                continue  # a detached child of the plugin
            # What it started and detached ends with it: the next host starts it anew.
            orphans.kill_group(pid)
            if not self._hosts:
                orphans.kill_children()
            self._tell({"t": "ended", "host": number, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: Mapping[str, Any]) -> None:
        try:
            self._control.sendall(frames.pack(message))
        except OSError as error:
            if error.errno not in {errno.EPIPE, errno.ECONNRESET}:
                raise
            self._end("its executor closed the connection")

    def _end(self, cause: str) -> NoReturn:
        with contextlib.suppress(OSError):
            os.write(2, f"[plugin ends: {cause}]\n".encode())
        for pid in self._hosts:
            orphans.kill_host(pid)
        orphans.kill_children()
        os._exit(0)
