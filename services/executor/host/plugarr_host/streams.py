"""`sys.stdout`, `sys.stderr`, logging and warnings, bound to the log of whoever's code writes."""

import io
import logging
import os
import sys
import threading
from collections.abc import Iterable
from typing import Any, Final

from plugarr_host import jobs
from plugarr_host.logs import MAX_LINE, LogSink

_Owner = tuple[str | None, int]


class RunStream(io.TextIOBase):
    """A text stream that gives whole lines to the log of the run in whose context it is written."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, sink: LogSink, level: str, descriptor: int) -> None:
        self._sink = sink
        self._level = level
        self._descriptor = descriptor
        self._partial: dict[_Owner, str] = {}
        self.buffer = _RunBuffer(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        owner = (jobs.current_run(), threading.get_ident())
        *lines, rest = (self._partial.pop(owner, "") + text).split("\n")
        if len(rest) > MAX_LINE:
            lines.append(rest)
            rest = ""
        for line in lines:
            self._sink.put(self._level, line.rstrip("\r"), run_id=owner[0])
        if rest:
            self._partial[owner] = rest
        return len(text)

    def finish(self, run_id: str | None) -> None:
        """Give away the lines that a run left without an end."""
        for owner in [owner for owner in list(self._partial) if owner[0] == run_id]:
            if rest := self._partial.pop(owner, ""):
                self._sink.put(self._level, rest, run_id=run_id)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Stay open: other runs write here too."""

    def reconfigure(self, **_options: object) -> None:
        """Accept what scripts ask of a real standard stream; there is nothing to configure."""


class _RunBuffer(io.RawIOBase):
    """The `buffer` of a stream, for code that writes bytes."""

    def __init__(self, stream: RunStream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        text = bytes(data).decode(errors="replace")
        self._stream.write(text)
        return len(bytes(data))

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        """Stay open, as the stream does."""


class RunHandler(logging.Handler):
    """The root logger's handler."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - the border: arguments that do not fit the message are the plugin's
            self.handleError(record)
            return
        self._sink.put(_level(record.levelno), text, record.name)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


_DEBUGGED: Final = ("plugins", "plugarr")


class Streams:
    """The process's streams and loggers, taken over."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._streams = (RunStream(sink, "info", 1), RunStream(sink, "warning", 2))

    def take_over(self, package: str) -> None:
        """From here on, Python-level output is log. `package` is the plugin's, whose debug lines are kept."""
        sys.stdout, sys.stderr = self._streams
        root = logging.getLogger()
        root.handlers[:] = [RunHandler(self._sink)]
        root.setLevel(logging.INFO)
        for name in (*_DEBUGGED, package):
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.captureWarnings(capture=True)
        os.register_at_fork(after_in_child=self._give_back)

    def flush(self, run_id: str | None) -> None:
        """Send what a run has written so far."""
        for stream in self._streams:
            stream.finish(run_id)
        self._sink.flush()

    def _give_back(self) -> None:
        """In a process that the plugin forks there is nobody to forward lines; the pipes still lead to the log."""
        if sys.__stdout__ is not None and sys.__stderr__ is not None:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
