"""When `plugarr up` starts nats-server again: it refuses writes although there is room."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.supervisor import storage
from deploy.supervisor.storage import ROOM_BYTES, StorageWatch

REFUSED = (
    "[1] 2026/01/01 12:00:00 [ERR] JetStream failed to store a msg on stream 'PLUGARR > RUN_CMD': "
    "write /data/nats/RUN_CMD/msgs/1.blk: no space left on device\n"
)
OTHER = "[1] 2026/01/01 12:00:00 [INF] Server is ready\n"


class Machine:
    """A log, a disk, and how often the bus was started again."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "nats-server.log"
        self.log.write_text(OTHER + REFUSED)
        self.room = 10 * ROOM_BYTES
        self.restarts = 0
        self.watch = StorageWatch(log=self.log, store=folder, restart=self._restart)

    def _restart(self) -> None:
        self.restarts += 1

    def look(self, *lines: str) -> int:
        with self.log.open("a") as log:
            log.writelines(lines)
        self.watch.look()
        return self.restarts


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(storage.os, "statvfs", lambda _: SimpleNamespace(f_bavail=made.room, f_frsize=1))
    made.look()
    return made


def test_what_was_logged_before_it_began_counts_for_nothing(machine: Machine) -> None:
    assert machine.look() == 0


def test_refused_writes_with_room_on_the_disk_restart_the_bus_once(machine: Machine) -> None:
    assert machine.look(OTHER) == 0
    assert machine.look(OTHER, REFUSED) == 1
    assert machine.look(REFUSED) == 1


def test_while_the_disk_is_full_nothing_is_restarted(machine: Machine) -> None:
    machine.room = ROOM_BYTES - 1
    assert machine.look(REFUSED) == 0
    machine.room = ROOM_BYTES
    # These may be of the time without room.
    assert machine.look(REFUSED) == 0
    assert machine.look(REFUSED) == 1


def test_a_log_that_was_begun_anew_is_read_from_its_start(machine: Machine) -> None:
    machine.log.write_text("")
    assert machine.look(REFUSED) == 1


def test_a_log_or_a_disk_that_cannot_be_read_restarts_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(storage.os, "statvfs", gone)
    assert machine.look(REFUSED) == 0
    machine.log.unlink()
    machine.watch.look()
    assert machine.restarts == 0
