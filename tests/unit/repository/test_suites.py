import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"under_test_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def suites() -> ModuleType:
    return load(ROOT / "scripts" / "suites.py")


@pytest.fixture
def project(suites: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose suite `faults` is ours to fill; its pytest loads no plugin that it does not need."""
    monkeypatch.setattr(suites, "ROOT", tmp_path)
    monkeypatch.setattr(suites, "REPORTS", tmp_path / "reports")
    (tmp_path / "tests" / "faults").mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return tmp_path


def closing_line(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out.rstrip().splitlines()[-1]


def test_closing_line_counts_what_passed_and_failed(suites, project, capfd):
    (project / "tests/faults/test_it.py").write_text(
        "import pytest\n"
        "def test_right(): pass\n"
        "def test_wrong(): assert False\n"
        "@pytest.mark.skip(reason='said')\n"
        "def test_absent(): pass\n"
        "@pytest.fixture\n"
        "def broken():\n"
        "    yield\n"
        "    raise OSError\n"
        "def test_wrong_twice(broken): assert False\n"
    )
    assert suites.main(["faults"]) == 1
    assert closing_line(capfd) == "1 passed, 2 failed, 1 skipped"


def test_all_green_is_status_zero_and_names_no_skips(suites, project, capfd):
    (project / "tests/faults/test_it.py").write_text("def test_right(): pass\n")
    assert suites.main(["faults"]) == 0
    assert closing_line(capfd) == "1 passed, 0 failed"


def test_a_file_that_cannot_be_imported_fails_its_suite(suites, project, capfd):
    (project / "tests/faults/test_it.py").write_text("import there_is_no_such_module\n")
    assert suites.main(["faults"]) == 1
    assert closing_line(capfd) == "0 passed, 1 failed"


def test_options_that_pytest_refuses_fail_the_suite(suites, project, capfd):
    assert suites.main(["faults", "--no-such-option"]) == 1
    assert closing_line(capfd) == "0 passed, 1 failed"


def test_directories_that_are_not_there_are_said_and_fail_nothing(suites, project, capfd):
    assert suites.main(["hostile,browser"]) == 0
    said = capfd.readouterr().out
    assert "no tests/hostile" in said
    assert said.rstrip().endswith("0 passed, 0 failed")


def test_an_unknown_suite_is_refused_with_the_names_there_are(suites, capfd):
    assert suites.main(["unit,unitt"]) == 2
    assert "no such suite: unitt; there are static, unit, ui, integration" in capfd.readouterr().err


@pytest.mark.parametrize("allowed", [True, False])
def test_a_skip_is_a_failure_where_everything_can_be_installed(allowed, monkeypatch):
    conftest = load(ROOT / "tests" / "conftest.py")
    monkeypatch.setattr(conftest.sys, "platform", "linux")
    monkeypatch.setattr(conftest.os, "geteuid", lambda: 0)
    reason = conftest.SPECIFICATION_ABSENT if allowed else "no server here"
    report = pytest.TestReport(
        "test", ("file", 1, "test"), {}, "skipped", ("file", 1, f"Skipped: {reason}"), "setup"
    )
    conftest.refuse_skip(report)
    assert report.outcome == ("skipped" if allowed else "failed")


def test_every_directory_of_tests_belongs_to_a_suite(suites):
    known = {name for suite in suites.SUITES for name in suite.directories}
    with_tests = {
        f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").rglob("test_*.py")
    }
    assert with_tests - {"tests/fixtures"} <= known


def test_runner_started_as_a_program_refuses_unknown_suites():
    ended = subprocess.run(
        [sys.executable, ROOT / "scripts" / "suites.py", "nothing"], capture_output=True, check=False
    )
    assert ended.returncode == 2
