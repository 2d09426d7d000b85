"""What holds for every test: its suite, its time limit, and that nothing is skipped without a reason."""

import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.servers"]

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SPECIFICATION = ROOT.parent / "shared" / "spec" / "plugin-architecture.md"
SPECIFICATION_ABSENT = f"{SPECIFICATION.name} is not beside this repository"

# A test belongs to the suite that its directory is part of, and may take so many seconds.
SUITE_OF = {"spec": "unit", "golden": "unit", "e2e": "integration"}
TIMEOUT_S = {"unit": 30, "integration": 60, "compat": 60, "browser": 90, "faults": 60, "hostile": 60}

# Neither our machines nor those of contributors are idle while tests run: slowness is no failure here.
hypothesis.settings.register_profile(
    "plugarr", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("plugarr")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the golden files anew")


def pytest_configure(config: pytest.Config) -> None:
    for suite in TIMEOUT_S:
        config.addinivalue_line("markers", f"{suite}: the suite of tests in tests/{suite}")
    config.addinivalue_line("markers", "needs_specification: compares with the specification's own text")
    # What the operator of this machine has set for Plugarr is not what tests are about.
    for name in list(os.environ):
        if name.startswith(("PLUGARR_", "DISPATCHARR_")) and not name.startswith("PLUGARR_TEST_"):
            del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(TESTS):
            continue
        directory = item.path.relative_to(TESTS).parts[0]
        suite = SUITE_OF.get(directory, directory)
        if suite not in TIMEOUT_S:
            continue
        item.add_marker(suite)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S[suite]))
        if item.get_closest_marker("needs_specification") and not SPECIFICATION.exists():
            item.add_marker(pytest.mark.skip(reason=SPECIFICATION_ABSENT))


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Fail what is skipped where everything can be installed: a missing server is a failure."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if sys.platform == "linux" and os.geteuid() == 0 and SPECIFICATION_ABSENT not in reason:
        report.outcome = "failed"
        report.longrepr = f"skipped as root on Linux, where nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Return a comparison of text, or of what JSON can hold, with tests/golden/<name>.

    `make golden` writes the file instead.
    """
    write = request.config.getoption("--write-golden")

    def compare(name: str, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True) + "\n"
        path = TESTS / "golden" / name
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == expected, f"{path.relative_to(ROOT)} differs; `make golden` writes it anew"

    return compare
