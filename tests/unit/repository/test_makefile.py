import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {"setup", "run", "test", "check", "golden", "bench", "clean"}

# What GNU make learnt after 3.81, with the release that brought it.
NEWER = {
    "3.82: .ONESHELL": r"^\.ONESHELL",
    "3.82: .RECIPEPREFIX": r"^\.RECIPEPREFIX",
    "3.82: .SHELLFLAGS": r"^\.SHELLFLAGS",
    "3.82: private variables": r"^\s*(override\s+)?private\s",
    "3.82: undefine": r"^\s*undefine\s",
    "3.82: define with an operator": r"^\s*define\s+\S+\s*[:?+]?=",
    "4.0: != assignment": r"^[^\t#:]*!=",
    "4.0: ::= assignment": r"::+=",
    "4.0: $(file)": r"\$[({]file\b",
    "4.0: $(guile)": r"\$[({]guile\b",
    "4.0: load": r"^-?load\s",
    "4.2: .SHELLSTATUS": r"\.SHELLSTATUS",
    "4.3: grouped targets": r"&:",
    "4.3: .EXTRA_PREREQS": r"\.EXTRA_PREREQS",
    "4.4: $(let), $(intcmp)": r"\$[({](let|intcmp)\b",
    "4.4: .WAIT, .NOTINTERMEDIATE": r"\.(WAIT|NOTINTERMEDIATE)\b",
}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A variable of an outer make (`make test` runs us) would change what an inner one prints.
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_makefile_uses_nothing_newer_than_make_3_81():
    assert [name for name, pattern in NEWER.items() if re.search(pattern, MAKEFILE, re.MULTILINE)] == []


def test_plain_make_lists_every_target_with_what_it_does():
    defined = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert defined >= TARGETS
    listing = make()
    assert listing.returncode == 0, listing.stderr
    for target in defined:
        assert re.search(rf"^  make {target}\t\S+", listing.stdout, re.MULTILINE), target


def test_every_target_is_phony():
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    assert phony == set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_run_sets_up_without_the_test_packages_and_starts_plugarr_with_the_given_options():
    planned = make("--dry-run", "run", "ARGS=--executors 2")
    assert planned.returncode == 0, planned.stderr
    commands = planned.stdout.splitlines()
    assert commands == ["sh scripts/setup.sh run --executors 2", "exec .venv/bin/plugarr up --executors 2"]


def test_suites_reach_the_runner():
    assert 'scripts/suites.py "unit,static"' in make("--dry-run", "test", "SUITES=unit,static").stdout
