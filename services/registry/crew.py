"""Reading very many folders with all cores: processes that live as long as that takes.

Parsing holds the interpreter's lock, so that threads would only share one core. A worker speaks pickle over its
standard streams, with its parent only; when its parent dies its input ends, and so does it.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from services.registry.models import Found, Listing
from services.registry.reading import read_folder
from shared.logging import get_logger

PORTION: Final = 16
"""Folders that a worker is given at once."""
MOST: Final = 4
_WAITING: Final = 8
"""Portions that may wait to be taken: packages are held in memory."""

Portion = list[tuple[str, Listing]]

log = get_logger(__name__)


def read_by_many(directory: Path, changed: dict[str, Listing]) -> Iterator[Found]:
    """Read the folders, in whatever order they are done. A worker that fails leaves its portion to us."""
    portions: queue.SimpleQueue[Portion] = queue.SimpleQueue()
    names = list(changed.items())
    for start in range(0, len(names), PORTION):
        portions.put(names[start : start + PORTION])
    done: queue.Queue[list[Found] | None] = queue.Queue(_WAITING)
    stopped = threading.Event()
    kinds = [_here, *[_there] * min(MOST, (os.cpu_count() or 1) - 1)]
    arguments = (directory, portions, done, stopped)
    readers = [threading.Thread(target=kind, args=arguments, daemon=True) for kind in kinds]
    for reader in readers:
        reader.start()
    try:
        left = len(readers)
        while left:
            found = done.get()
            if found is None:
                left -= 1
            else:
                yield from found
    finally:
        stopped.set()
        while any(reader.is_alive() for reader in readers):
            with contextlib.suppress(queue.Empty):
                done.get(timeout=0.05)  # whoever waits for room may end


def _here(
    directory: Path,
    portions: "queue.SimpleQueue[Portion]",
    done: "queue.Queue[Any]",
    stopped: threading.Event,
) -> None:
    """Read in this process too: the workers take a while to start."""
    with contextlib.suppress(queue.Empty):
        while not stopped.is_set():
            done.put([read_folder(directory / name, listed) for name, listed in portions.get_nowait()])
    done.put(None)


def _there(
    directory: Path,
    portions: "queue.SimpleQueue[Portion]",
    done: "queue.Queue[Any]",
    stopped: threading.Event,
) -> None:
    """Have a worker read."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from services.registry.crew import work; work()"
    portion: Portion = []
    try:
        with subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            with contextlib.suppress(queue.Empty), worker.stdin:
                while not stopped.is_set():
                    portion = portions.get_nowait()
                    _send(worker.stdin, (directory, portion))
                    done.put(pickle.load(worker.stdout))  # noqa: S301 - what our own worker made
                    portion = []
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        log.warning("reading_worker_failed", reason=str(error) or type(error).__name__)
        done.put([read_folder(directory / name, listed) for name, listed in portion])
    done.put(None)


def work() -> None:
    """What a worker does until its input ends."""
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            directory, portion = pickle.load(sys.stdin.buffer)  # noqa: S301 - what our parent made
            _send(sys.stdout.buffer, [read_folder(directory / name, listed) for name, listed in portion])


def _send(stream: IO[bytes], value: Any) -> None:
    pickle.dump(value, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()
