import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
RUN, TEST = ROOT / "requirements.lock", ROOT / "requirements-test.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entries(lock: Path) -> list[str]:
    """Return each requirement of a lock with its hashes, on one line."""
    text = lock.read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: Path) -> dict[str, Requirement]:
    parsed = [Requirement(entry.split(" --hash", 1)[0].strip()) for entry in entries(lock)]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


@pytest.mark.parametrize("lock", [RUN, TEST], ids=lambda path: path.name)
def test_every_locked_package_has_one_exact_version_and_hashes(lock: Path):
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[A-Za-z0-9._-]+==[^\s=]+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("lock", [RUN, TEST], ids=lambda path: path.name)
def test_no_lock_says_where_to_fetch_from(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host", text)


def test_tests_run_on_exactly_the_versions_that_run_uses():
    run, test = pins(RUN), pins(TEST)
    assert {name: test.get(name) for name in run} == run


@pytest.mark.parametrize(
    ("lock", "groups"), [(RUN, ["build"]), (TEST, ["build", "test"])], ids=["run", "test"]
)
def test_lock_satisfies_what_the_project_asks_for(lock: Path, groups: list[str]):
    locked = pins(lock)
    wanted = PROJECT["project"]["dependencies"] + [
        line for group in groups for line in PROJECT["dependency-groups"][group]
    ]
    for line in wanted:
        requirement = Requirement(line)
        pin = locked.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement.name} is not locked: make lock"
        version = next(iter(pin.specifier)).version
        assert version in requirement.specifier, f"{pin} is not {requirement}: make lock"


def test_running_installs_no_test_packages():
    test_only = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependency-groups"]["test"]}
    assert not test_only & set(pins(RUN))
