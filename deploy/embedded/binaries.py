"""Where the real servers are: in the wheels first, elsewhere only when asked for."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

NATS_AT_LEAST: Final = (2, 12)
"""Per-message TTL, delete markers and batched direct get."""
MONGO_AT_LEAST: Final = (6, 0)


class Unusable(Exception):
    """A server's binary is missing or of the wrong version."""


def nats_server(given: str | None = None) -> Path:
    """nats-server's path. Raises Unusable with the remedy."""
    if given:
        return _checked(given, NATS_AT_LEAST, "nats-server")
    path = Path(sys.executable).parent / "nats-server"
    if not path.exists():
        raise Unusable(
            "nats-server is not installed beside this Python: run `make setup`, or pass --nats-server PATH."
        )
    return path


def mongod(given: str | None = None) -> Path:
    """Mongod's path, made executable. Raises Unusable with the remedy."""
    if given:
        return _checked(given, MONGO_AT_LEAST, "mongod")
    found = importlib.util.find_spec("fiftyone")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "db" / "bin" / "mongod"
        if path.exists():
            _make_executable(path)
            _require_avx()
            return path
    raise Unusable("mongod is not installed beside this Python: run `make setup`, or pass --mongod PATH.")


def _make_executable(path: Path) -> None:
    """The wheel loses the execute bit; only the owner can give it back."""
    if os.access(path, os.X_OK):
        return
    try:
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise Unusable(f"{path} is not executable: have its owner `chmod +x` it.") from error


def version_of(path: Path) -> str:
    """A server's version, e.g. `6.0.5`. Raises Unusable where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - the path is ours or the operator's
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except OSError as error:
        raise Unusable(f"{path} cannot be run: {error.strerror}") from error
    match = re.search(r"v?(\d+\.\d+\.\d+)", done.stdout)
    if done.returncode or not match:
        missing = re.search(r"lib\w+\.so[.\d]*", done.stderr)
        hint = f" It needs {missing[0]}: `apt-get install libcurl4 libssl3`." if missing else ""
        raise Unusable(f"{path} does not run: {(done.stderr or done.stdout).strip()[-300:]}.{hint}")
    return match[1]


def _checked(given: str, at_least: tuple[int, int], name: str) -> Path:
    found = shutil.which(given)
    if not found:
        raise Unusable(f"{given} is not a program: give {name}'s path.")
    version = version_of(Path(found))
    if tuple(int(part) for part in version.split(".")[:2]) < at_least:
        wanted = ".".join(map(str, at_least))
        raise Unusable(f"{found} is {name} {version}; Plugarr needs {wanted} or newer.")
    return Path(found)


def _require_avx() -> None:
    """Say so, instead of dying with an illegal instruction."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return
    text = cpuinfo.read_text()
    if "vendor_id" in text and " avx " not in text.replace("\n", " "):
        raise Unusable(
            "This processor has no AVX, which MongoDB 5 and newer need: run MongoDB on another machine "
            "and set PLUGARR_MONGO_URL."
        )
