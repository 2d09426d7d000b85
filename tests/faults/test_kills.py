"""The short form of `make faults`: 200 runs while every process of the platform is killed once."""

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import ROOT, Platform
from tests.faults.auditor import audit
from tests.faults.campaign import OPTIONS, conduct, install, killing, ready
from tests.faults.report import report

RUNS = 200
LOAD_S = 14.0
PATIENCE_S = 120.0
KEPT = ROOT / ".build" / "faults"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, *OPTIONS)
    yield made
    if made.process:
        made.stop()


@pytest.mark.timeout(600)
def test_after_every_process_was_killed_every_run_has_ended_once_and_nothing_is_lost(
    platform: Platform,
) -> None:
    seed = int(os.environ.get("PLUGARR_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"PLUGARR_TEST_SEED={seed} repeats this order")
    install(platform)
    login = ready(platform)
    trouble = killing(seed, seconds=0, gap_s=(0.5, 3.0))
    try:
        evidence = asyncio.run(
            conduct(platform, login, trouble, seed=seed, runs=RUNS, seconds=LOAD_S, patience_s=PATIENCE_S)
        )
    finally:
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(platform.log, KEPT / f"{seed}.log")
    evidence.save(KEPT / f"{seed}.json")
    result = audit(evidence)
    print(report(result))
    assert result.clean, f"what was done and seen is in {KEPT.relative_to(ROOT)}/{seed}.*"
