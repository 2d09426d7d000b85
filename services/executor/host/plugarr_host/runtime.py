"""The host: one process, one instance of the plugin, calls in threads.

The main thread loads the plugin, as it does where plugins expect to install signal handlers, and then
sleeps. A reader thread takes what the executor sends and is the watchdog too: when nothing comes, not even
a heartbeat, it ends the process group.
"""

import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

from plugarr_host import foreign, host_database, linux, preload, redirect
from plugarr_host.calls import Calls
from plugarr_host.channel import Channel
from plugarr_host.confine import confine
from plugarr_host.describe import Description
from plugarr_host.loader import LoadError, forget_byte_code, load
from plugarr_host.logs import LogSink
from plugarr_host.names import package_name
from plugarr_host.platform import platform
from plugarr_host.streams import Streams
from plugarr_host.threads import carry_context
from plugarr_host.values import encode


def serve(sock: socket.socket, config: Mapping[str, Any]) -> NoReturn:
    """Be a host until the executor or the launcher ends it."""
    linux.die_with_parent()
    if os.getppid() != config["launcher"]:
        os._exit(0)  # it died before the kernel was told to mind
    # Children of the plugin must not keep this socket, nor speak on it.
    sock.set_inheritable(False)
    faulthandler.enable(file=2, all_threads=False)
    confine(config["memory"])
    carry_context()
    channel = Channel(sock, config["fence_s"])
    os.register_at_fork(after_in_child=sock.close)
    Host(config, channel).serve()


def serve_spawned(config: Mapping[str, Any]) -> NoReturn:
    """Be a host that was started as a program of its own."""
    url = os.environ.pop("PLUGARR_HOST_DATABASE_URL", None)
    host_database.use({"url": url} if url else config.get("database"))
    preload.preload(config.get("preload", ()))
    serve(socket.socket(fileno=config["socket"]), config)


def end_group(cause: str) -> NoReturn:
    """End this host and every process of its group, saying why in the plugin's log."""
    with contextlib.suppress(OSError):
        os.write(2, f"[plugin process ends: {cause}]\n".encode())
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


class Host:
    """The process's parts and its two loops."""

    def __init__(self, config: Mapping[str, Any], channel: Channel) -> None:
        self._config = config
        self._channel = channel
        self._loads: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
        sink = LogSink(channel)
        self._streams = Streams(sink)
        self._sink = sink
        platform.channel = channel
        platform.key = config["key"]
        platform.plugins_dir = config["plugins_dir"]
        platform.folder = config["path"]
        platform.redis_dir = config.get("redis_dir")
        self._calls = Calls(config["key"], channel, self._streams)

    def serve(self) -> NoReturn:
        """Read in one thread, load in this one."""
        self._streams.take_over(package_name(self._config["key"]))
        if self._config["redirect"] is not None:
            redirect.redirect_data(self._config["redirect"])
        threading.Thread(target=self._read, name="plugarr-reader", daemon=True).start()
        while True:
            self._load(self._loads.get())

    def _read(self) -> None:
        cause = "its executor closed the connection or fell silent"
        try:
            for message in self._channel.messages():
                match message["t"]:
                    case "answer":
                        self._channel.answered(message)
                    case "run" | "hook" | "stop":
                        self._calls.start(message)
                    case "interrupt":
                        self._calls.interrupt(message["id"], message["reason"], gentle=message["gentle"])
                    case "load":
                        self._loads.put(message)
                    case _:  # a heartbeat: that it came is all it says
                        pass
        except BaseException as error:  # noqa: BLE001 - the border: without its reader a host is deaf and must not live on
            cause = "".join(traceback.format_exception(error))
        end_group(cause)

    def _load(self, message: Mapping[str, Any]) -> None:
        folder = Path(self._config["path"])
        if message["fresh"]:
            forget_byte_code(folder)
        answer: dict[str, Any] = {
            "t": "loaded",
            "id": message["id"],
            "ok": False,
            "error": None,
            "said": None,
        }
        try:
            if not host_database.is_sqlite() and host_database.django_ready():
                foreign.adapt()
            plugin = load(self._config["key"], folder, Path(self._config["plugins_dir"]))
            description = Description(plugin, message["declared"])
            self._calls.use(plugin, description)
            said = {
                "attributes": description.attributes,
                "warnings": description.warnings,
                "dynamic": description.dynamic,
            }
            answer |= {"ok": True, "said": encode(said, "the plugin")}
        except LoadError as error:
            answer["error"] = str(error)
            if error.details:
                print(error.details, file=sys.stderr)  # noqa: T201 - the plugin's log
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border: reading attributes runs the plugin's code
            answer["error"] = f"{type(error).__name__}: {error}"
        self._streams.flush(None)
        self._channel.send(answer)
