"""The data directory of one machine: who uses it, and which versions wrote it."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

_LOCK: Final = "plugarr.lock"
_VERSIONS: Final = "versions.json"
_RUNNING: Final = "running.json"


class InUse(Exception):
    """The directory cannot be used now, or not by this version."""


@dataclass(frozen=True)
class Running:
    """Where a running platform is; for the other commands of this machine."""

    pid: int
    gateway: str
    nats: str


class DataDir:
    """Holds the directory while the platform runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make it and lock it. Raises InUse where another platform runs on it, or it cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / _LOCK).open("a+")
        except OSError as error:
            raise InUse(
                f"{self.path} cannot be written ({error.strerror}): choose another by --data-dir."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise InUse(
                f"Plugarr runs on {self.path} already (process {holder or 'unknown'}): "
                "end it first, or give this one another --data-dir."
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def check_versions(self, versions: dict[str, str]) -> None:
        """Compare with the versions that wrote it, and record these. Raises InUse for another major version."""
        path = self.path / _VERSIONS
        try:
            written: dict[str, str] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            # Also where a full disk cut it short: it says nothing then.
            written = {}
        for name, version in versions.items():
            before = written.get(name, version)
            if before.split(".")[0] != version.split(".")[0]:
                raise InUse(
                    f"{self.path} was written by {name} {before}, and this is {name} {version}. Run that version, "
                    "or start anew in another --data-dir; docs/operations.md says how to upgrade."
                )
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(written | versions, indent=1))
        draft.replace(path)

    def announce(self, running: Running) -> None:
        """Tell the other commands where the platform is."""
        (self.path / _RUNNING).write_text(json.dumps(asdict(running)))

    def release(self) -> None:
        """Let go of it."""
        (self.path / _RUNNING).unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None


def running_on(path: Path) -> Running | None:
    """The platform that runs on a data directory, if one does."""
    try:
        found = Running(**json.loads((path / _RUNNING).read_text()))
        with (path / _LOCK).open() as lock:
            # Its process number may be another's by now; its lock is not.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return found
    except (OSError, ValueError, TypeError):
        return None
    return None
