"""What a fault needs of the machine: a small disk of its own, a wrong clock. Said plainly where it cannot be had."""

import contextlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


class NotHere(Exception):
    """This machine does not allow it."""


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of that size on a folder. Raises NotHere."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotHere("only root on Linux may mount a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        # Whoever still has a file open there keeps it until it ends.
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def remount(folder: Path, how: str) -> None:
    """`ro` or `rw`. Raises NotHere."""
    _mount("-o", f"remount,{how}", str(folder))


def _mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"mount {' '.join(options)}: {done.stderr.strip()}")


def fill(folder: Path) -> Path:
    """Write a file until the disk is full, and then until not even small ones fit; returns it."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return path


class Clock:
    """A wall clock for processes that start with `environment`. Raises NotHere where there is no C compiler."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if sys.platform != "linux" or compiler is None:
            raise NotHere("a clock can be set wrong on Linux with a C compiler only")
        folder.mkdir(parents=True, exist_ok=True)
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHere(f"{compiler}: {done.stderr.strip()[:500]}")
        self._file = folder / "offset"
        self._file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(self._file)}

    def set(self, offset_s: int) -> None:
        """Be wrong by so much from now on."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", offset_s))
