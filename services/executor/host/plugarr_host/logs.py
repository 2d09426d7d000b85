"""A plugin's log lines on their way to the executor: bounded in length and in number."""

import json
import os
import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from plugarr_host import jobs
from plugarr_host.channel import Channel

MAX_LINE: Final = 8 * 1024
"""Characters of one line; of a longer one, such as a traceback, the middle is left out."""
LINES_PER_S: Final = 400
BURST: Final = 4000
_BATCH: Final = 200
_WRITE: Final = json.JSONEncoder(ensure_ascii=False).encode
"""Taken before the plugin is loaded: some put a `json.dumps` of their own in place."""

Line = tuple[str, str, str, str | None, str | None]
"""time, level, message, logger, run id"""


def clip(text: str) -> str:
    """The text in at most `MAX_LINE` characters and a mark of what was cut, with nothing UTF-8 cannot hold."""
    if len(text) > MAX_LINE:
        half = MAX_LINE // 2
        text = f"{text[:half]} … [{len(text) - MAX_LINE:,} characters left out] … {text[-half:]}"
    return text.encode(errors="replace").decode()


class LogSink:
    """Takes lines from any thread, also from a finaliser in the midst of taking one: it holds no lock then."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._queue: SimpleQueue[Line | Lock] = SimpleQueue()
        self._allowance = float(BURST)
        self._refilled = time.monotonic()
        self._dropped = 0
        self._untold = False
        """Whether lines were taken since the last flush. Races only cost a needless flush."""
        Thread(target=self._forward, name="plugarr-log", daemon=True).start()

    def put(self, level: str, message: str, logger: str | None = None, *, run_id: str | None = None) -> None:
        """Take a line for the run given, else for the one whose context this is, else for the plugin."""
        if not self._channel.is_ours:
            os.write(2, clip(message).encode() + b"\n")
            return
        run_id = run_id or jobs.current_run()
        if not self._allowed():
            self._dropped += 1
            return
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._take("warning", _cut_mark(dropped), None, run_id)
        self._take(level, clip(message), logger, run_id)

    def flush(self) -> None:
        """Return when everything taken so far is on the socket."""
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._take("warning", _cut_mark(dropped), None, jobs.current_run())
        if self._untold:
            self._untold = False
            reached = Lock()
            reached.acquire()
            self._queue.put(reached)
            reached.acquire(timeout=5.0)

    def _take(self, level: str, message: str, logger: str | None, run_id: str | None) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._queue.put((now, level, message, logger and clip(logger), run_id))
        self._untold = True

    def _allowed(self) -> bool:
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + (now - self._refilled) * LINES_PER_S)
        self._refilled = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _forward(self) -> None:
        while True:
            batch: list[Line] = []
            reached: list[Lock] = []
            item: Line | Lock = self._queue.get()
            try:
                while True:
                    if isinstance(item, tuple):
                        batch.append(item)
                    else:
                        reached.append(item)
                    if len(batch) >= _BATCH:
                        break
                    item = self._queue.get_nowait()
            except Empty:
                pass
            if batch:
                lines = _WRITE(batch).encode()
                try:
                    self._channel.send({"t": "log", "lines": lines})
                except OSError:
                    return  # the executor is gone, and this process goes too
            for waiting in reached:
                waiting.release()


def _cut_mark(dropped: int) -> str:
    return f"[{dropped:,} lines left out: the log takes {LINES_PER_S} lines a second]"
