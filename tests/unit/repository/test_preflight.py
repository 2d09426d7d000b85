import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PREFLIGHT = ROOT / "scripts" / "preflight.sh"
UTILITIES = ["sh", "dirname", "ls", "grep", "sed", "df", "rm", "cat", "true"]


class Machine:
    """A directory of programs that is the whole PATH, so that a machine can lack anything."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.cpuinfo = folder / "cpuinfo"
        self.cpuinfo.write_text("flags : fpu sse2 avx avx2\n")
        for name in UTILITIES:
            (self.bin / name).symlink_to(shutil.which(name))
        self.program("uname", "case $1 in -m) echo x86_64 ;; *) echo Linux ;; esac")
        self.program("id", "echo 1000")

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def preflight(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        environment: Mapping[str, str] = {
            "PATH": str(self.bin),
            "PREFLIGHT_CPUINFO": str(self.cpuinfo),
            **extra,
        }
        return subprocess.run(
            ["sh", PREFLIGHT, *arguments], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def with_python(
    machine: Machine, name: str = "python3", *, makes_environments: bool = True, has_libraries: bool = True
) -> None:
    """Give the machine a Python: this one, but for what it says of itself and of the libraries."""
    able = (
        ""
        if makes_environments
        else "*version_info*ensurepip*) exit 1 ;; *importlib*) echo ' ensurepip'; exit ;;"
    )
    machine.program(
        name,
        f"""case "$*" in
            {able}
            *version_info*) echo "$0"; exit ;;
            *CDLL*) exit {0 if has_libraries else 1} ;;
        esac
        exec {os.path.realpath(sys.executable)} "$@" """,
    )


def test_everything_missing_is_said_at_once_each_with_a_remedy(machine: Machine):
    machine.cpuinfo.write_text("flags : fpu sse2\n")
    with_python(machine, makes_environments=False, has_libraries=False)
    machine.program("df", "printf 'h\\n/dev/x 100 10 90 10%% /\\n'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = machine.preflight("run", PLUGARR_PORT=port)
    assert said.returncode == 1
    missing = [line for line in said.stdout.splitlines() if "MISSING" in line]
    assert [line.split()[1] for line in missing] == ["venv", "libcurl", "OpenSSL", "CPU", "port", "disk"]
    remedies = [line for line in said.stdout.splitlines() if line.strip().startswith("->")]
    optional = [line for line in said.stdout.splitlines() if line.startswith("  optional")]
    assert [line.split()[1] for line in optional] == ["bubblewrap"]
    assert len(remedies) == len(missing) + len(optional)
    assert port in said.stdout


def test_a_machine_without_python_is_told_which_one_to_install(machine: Machine):
    said = machine.preflight("run")
    assert said.returncode == 1
    assert "MISSING  Python" in said.stdout
    assert "apt-get install python3 python3-venv" in said.stdout


def test_a_shim_that_does_not_run_and_a_python_that_is_too_old_are_passed_over(machine: Machine):
    machine.program("python3.11", 'echo "pyenv: python3.11: command not found" >&2; exit 127')
    machine.program("python3.12", 'case "$*" in *version_info*) exit 1 ;; esac; exit 0')
    with_python(machine, "python3.13")
    said = machine.preflight("test")
    assert "MISSING  Python" not in said.stdout
    assert str(machine.bin / "python3.13") in said.stdout


def test_root_on_debian_gets_what_is_missing_by_apt_without_being_asked(machine: Machine, tmp_path: Path):
    record = tmp_path / "apt"
    machine.program("id", "echo 0")
    machine.program("apt-get", f'echo "$DEBIAN_FRONTEND $*" >>{record}')
    said = machine.preflight("test")
    assert "installing by apt-get: python3 python3-venv" in said.stdout
    calls = record.read_text().splitlines()
    assert all(call.startswith("noninteractive ") for call in calls)
    assert any(call.endswith(" python3-venv") for call in calls)
    assert any(call.endswith(" bubblewrap") for call in calls)
    # apt-get only wrote its calls down, so what it was to install is still missing, and said.
    assert said.returncode == 1
    assert "MISSING  Python" in said.stdout


def test_nothing_is_installed_where_that_is_forbidden(machine: Machine, tmp_path: Path):
    record = tmp_path / "apt"
    machine.program("id", "echo 0")
    machine.program("apt-get", f"echo called >>{record}")
    machine.preflight("test", PLUGARR_NO_INSTALL="1")
    assert not record.exists()


def test_an_old_macos_is_named(machine: Machine):
    machine.program("uname", "case $1 in -m) echo arm64 ;; *) echo Darwin ;; esac")
    machine.program("sw_vers", "echo 12.7.6")
    with_python(machine)
    said = machine.preflight("run")
    assert said.returncode == 1
    assert "12.7.6, and the servers' builds need 13 or newer" in said.stdout
    assert "libcurl" not in said.stdout


def test_another_mongodb_frees_the_machine_from_what_the_embedded_one_needs(machine: Machine):
    machine.cpuinfo.write_text("flags : fpu\n")
    with_python(machine)
    said = machine.preflight("run", PLUGARR_MONGO_URL="mongodb://elsewhere", PLUGARR_PORT="0")
    assert said.returncode == 0, said.stdout


def test_a_complete_machine_is_told_nothing_when_quiet(machine: Machine):
    with_python(machine)
    machine.program("bwrap", "exit 0")
    machine.program("chromium", "exit 0")
    said = machine.preflight("test", "--quiet", PLUGARR_MONGO_URL="")
    assert (said.returncode, said.stdout) == (0, ""), said.stdout
