"""The embedded servers and their secrets survive being interrupted anywhere."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from deploy.embedded import binaries
from deploy.embedded.mongo import Mongo
from deploy.embedded.nats import Nats, bus_users, changing_bus_users, signal_reload
from deploy.embedded.process import bound_log, free_port, start, stop, wait_for_port
from deploy.embedded.secrets import ensure_secret, ensure_secrets
from deploy.nats.permissions import BusUser
from deploy.supervisor.data_dir import DataDir, Running, running_on


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    ensure_secrets(folder)
    return folder


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        stop(process)


def mongo(folder: Path, secrets: Path) -> Mongo:
    return Mongo(
        binary=binaries.mongod(),
        store=folder / "mongo",
        log=folder / "mongod.log",
        keyfile=secrets / "mongo-keyfile",
        root_password=(secrets / "mongo-root").read_text(),
        data_password=(secrets / "mongo-data").read_text(),
        port=free_port(),
    )


def may_write(server: Mongo) -> None:
    with pymongo.MongoClient[dict[str, object]](server.url) as client:
        client.get_default_database()["c"].insert_one({})


def test_a_first_start_that_was_interrupted_is_finished_by_the_next(
    tmp_path: Path, secrets: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    first = mongo(tmp_path, secrets)
    process = first.launch()
    started.append(process)
    wait_for_port(process, "127.0.0.1", first.port, first.log, 30)
    # As far as it got: the set is there, and nobody who may use it.
    with pymongo.MongoClient[dict[str, object]](
        f"mongodb://127.0.0.1:{first.port}/?directConnection=true"
    ) as client:
        member = {"_id": 0, "host": f"127.0.0.1:{first.port}"}
        client.admin.command("replSetInitiate", {"_id": "plugarr", "members": [member]})
    process.kill()
    process.wait()
    second = mongo(tmp_path, secrets)
    started.append(second.start())
    may_write(second)


def test_passwords_that_were_lost_are_set_anew(
    tmp_path: Path, secrets: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    stop(mongo(tmp_path, secrets).start())
    for name in ("mongo-root", "mongo-data"):
        (secrets / name).unlink()
    ensure_secrets(secrets)
    again = mongo(tmp_path, secrets)
    started.append(again.start())
    may_write(again)


def test_a_full_disk_leaves_no_empty_secret(tmp_path: Path) -> None:
    source = "from pathlib import Path; from deploy.embedded.secrets import ensure_secret; ensure_secret(Path('.'), 'jwt')"
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        check=False,
        capture_output=True,
    )
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_is_empty_is_made_anew_and_then_stays(tmp_path: Path) -> None:
    (tmp_path / "jwt").touch()
    made = ensure_secret(tmp_path, "jwt")
    assert len(made) == 64
    assert ensure_secret(tmp_path, "jwt") == made
    assert (tmp_path / "jwt").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["jwt"]


def test_a_number_that_another_process_has_by_now_is_not_signalled(
    tmp_path: Path, secrets: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    Nats(
        binary=tmp_path, store=tmp_path, log=tmp_path / "log", secrets=secrets, port=free_port()
    ).write_config()
    other = start(["sleep", "60"])
    started.append(other)
    (secrets / "nats-server.pid").write_text(str(other.pid))
    assert not signal_reload(secrets)
    assert other.poll() is None


def test_a_platform_that_was_killed_is_not_taken_for_running(tmp_path: Path) -> None:
    here = DataDir(tmp_path)
    here.take()
    here.announce(Running(pid=os.getpid(), gateway="http://x", nats="nats://x"))
    assert running_on(tmp_path) is not None
    # Killed: the lock is gone, the file stays, and its process number is somebody's.
    assert here._lock is not None
    here._lock.close()
    assert (tmp_path / "running.json").exists()
    assert running_on(tmp_path) is None


def test_bus_users_that_are_made_at_once_are_all_kept(secrets: Path) -> None:
    def add(number: int) -> None:
        with changing_bus_users(secrets) as users:
            users[f"u{number}"] = BusUser(f"u{number}", ("p",))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bus_users(secrets)) == 20


def test_a_log_is_bounded_while_it_is_written(
    tmp_path: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    log = tmp_path / "x.log"
    process = start(["sh", "-c", "yes | head -c 3000; read x; echo after"], log=log)
    started.append(process)
    process.wait()
    bound_log(log, at_most=1000)
    assert log.stat().st_size == 0
    assert (tmp_path / "x.log.1").stat().st_size >= 3000
    bound_log(log, at_most=1000)
    assert (tmp_path / "x.log.1").stat().st_size >= 3000
    bound_log(tmp_path / "none.log")
