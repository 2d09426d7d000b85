"""The short form of `make faults`: 200 runs while every process of the platform is killed once."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform
from tests.faults.auditor import audit
from tests.faults.campaign import OPTIONS, conduct, install, killing, ready
from tests.faults.report import report

RUNS = 200
LOAD_S = 14.0


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, *OPTIONS)
    yield made
    if made.process:
        made.stop()


@pytest.mark.timeout(240)
def test_after_every_process_was_killed_every_run_has_ended_once_and_nothing_is_lost(
    platform: Platform,
) -> None:
    seed = int(os.environ.get("PLUGARR_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"PLUGARR_TEST_SEED={seed} repeats this order")
    install(platform)
    login = ready(platform)
    trouble = killing(seed, seconds=0, gap_s=(0.5, 3.0))
    evidence = asyncio.run(
        conduct(platform, login, trouble, seed=seed, runs=RUNS, seconds=LOAD_S, settle_s=60)
    )
    result = audit(evidence)
    print(report(result))
    if not result.clean:
        evidence.save(Path(".build") / "faults" / f"{seed}.json")
        print(platform.tail(20_000))
    assert result.clean
