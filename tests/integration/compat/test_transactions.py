"""Transactions on SQLite: bounded in time, and waiting for one another below that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.compat.test_schema import PATHS, migrate

PROGRAM = """
import json, sys, threading, time
sys.path[:0] = json.loads(sys.argv[1])
from plugarr_host import host_database
host_database.LONGEST_S = float(sys.argv[3])
host_database.use({"path": sys.argv[2]})
from plugarr_host.django_ready import ready
ready()
from django.db import OperationalError, connection, transaction
from apps.channels.models import ChannelGroup
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("host") / "db.sqlite3"
    migrate(path)
    return path


def start(database: Path, code: str, longest_s: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + code, json.dumps(PATHS), str(database), str(longest_s)],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def said(process: "subprocess.Popen[str]") -> list[str]:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.split("\n")[:-1]


def test_a_transaction_that_stays_open_is_rolled_back_with_an_error_of_its_own(database: Path) -> None:
    code = """
try:
    with transaction.atomic():
        ChannelGroup.objects.create(name="forgotten")
        time.sleep(4)
        ChannelGroup.objects.create(name="outside of it")
except OperationalError as error:
    print("was rolled back" in str(error))
try:
    with transaction.atomic():
        ChannelGroup.objects.create(name="forgotten")
        time.sleep(4)
except OperationalError as error:
    print("was rolled back" in str(error))
print(ChannelGroup.objects.filter(name__in=["forgotten", "outside of it"]).count())
with transaction.atomic():
    ChannelGroup.objects.create(name="afterwards")
print(ChannelGroup.objects.filter(name="afterwards").count())
"""
    assert said(start(database, code, 1.0)) == ["True", "True", "0", "1"]


def test_one_long_statement_is_interrupted_too(database: Path) -> None:
    code = """
endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
try:
    with transaction.atomic(), connection.cursor() as cursor:
        ChannelGroup.objects.create(name="never")
        cursor.execute(endless)
except OperationalError as error:
    print("interrupted" in str(error) or "rolled back" in str(error))
print(ChannelGroup.objects.filter(name="never").count())
"""
    assert said(start(database, code, 1.0)) == ["True", "0"]


def test_many_that_read_and_then_write_wait_for_one_another(database: Path) -> None:
    code = """
def count():
    for _ in range(25):
        with transaction.atomic():
            n = int(ChannelGroup.objects.get(name__startswith="total=", pk=first).name.split("=")[1])
            ChannelGroup.objects.filter(pk=first).update(name=f"total={n + 1}")
    connection.close()
with transaction.atomic():
    found = ChannelGroup.objects.filter(name__startswith="total=").first() or ChannelGroup.objects.create(name="total=0")
    first = found.pk
threads = [threading.Thread(target=count) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("done")
"""
    processes = [start(database, code, 20.0) for _ in range(3)]
    assert [said(process) for process in processes] == [["done"]] * 3
    total = said(start(database, 'print(ChannelGroup.objects.get(name__startswith="total=").name)', 20.0))
    assert total == ["total=150"]
