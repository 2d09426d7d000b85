"""Installs a plugin's `requirements.txt` into a folder of its own, before the plugin is loaded.

pip runs outside the sandbox, so nothing that it is given may run code: wheels only, and of the file's syntax
only plain requirements and their hashes. An index, an editable path, another file or a repository is refused.
"""

import asyncio
import hashlib
import os
import re
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from shared.errors import Invalid

_HASH: Final = re.compile(r"\s--hash=sha(256|384|512):[0-9a-f]+")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")
_MAX_BYTES: Final = 256 * 1024
_LAST_LINES: Final = 12
_FILE: Final = "requirements.txt"
_TARGET: Final = "target"


class RequirementsFailed(Invalid):
    """A plugin's requirements cannot be installed; the message says why and quotes pip's last lines."""


async def install_requirements(
    folder: Path,
    libraries_dir: Path,
    *,
    timeout_s: float = 300.0,
    turn: AbstractAsyncContextManager[object] | None = None,
) -> Path | None:
    """The folder that holds what `folder/requirements.txt` asks for; None where it asks for nothing.

    Installed once for each content of the file and version of Python, in this turn. Raises `RequirementsFailed`.
    """
    wanted = await asyncio.to_thread(_read, folder / "requirements.txt")
    if not wanted:
        return None
    libraries = libraries_dir / _digest(wanted)
    if await asyncio.to_thread(libraries.is_dir):
        return libraries
    workshop = await asyncio.to_thread(_open_workshop, libraries_dir, wanted)
    try:
        async with turn or nullcontext():
            await _pip(workshop, timeout_s)
        await asyncio.to_thread(_take_over, workshop / _TARGET, libraries)
    finally:
        await asyncio.to_thread(shutil.rmtree, workshop)
    return libraries


def _open_workshop(libraries_dir: Path, wanted: list[str]) -> Path:
    libraries_dir.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=libraries_dir, prefix=".installing-"))
    (workshop / _FILE).write_text("\n".join(wanted) + "\n")
    return workshop


def _take_over(target: Path, libraries: Path) -> None:
    target.mkdir(exist_ok=True)  # pip makes none where every marker excludes this machine
    shutil.rmtree(target / "bin", ignore_errors=True)  # scripts would not find their packages here
    try:
        target.rename(libraries)
    except OSError:
        if not libraries.is_dir():  # else another plugin with the same wishes was quicker
            raise


def _digest(wanted: list[str]) -> str:
    platform = f"{sys.implementation.cache_tag} {sysconfig.get_platform()}"
    return hashlib.sha256("\n".join([platform, *wanted]).encode()).hexdigest()


def _read(file: Path) -> list[str]:
    return [_checked(number, line) for number, line in _logical_lines(_text(file))]


def _text(file: Path) -> str:
    # The plugin can write to its folder: a link there must not make us read, and quote, another's file.
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise RequirementsFailed(f"requirements.txt cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RequirementsFailed("requirements.txt is no regular file")
        content = opened.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise RequirementsFailed(f"requirements.txt is larger than {_MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequirementsFailed(f"requirements.txt is not UTF-8: {error}") from None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, continuations joined, comments and blank ones left out."""
    begun, kept = 1, ""
    for number, raw in enumerate(text.splitlines(), 1):
        if not kept:
            begun = number
        line = _COMMENT.sub("", raw)
        if line.endswith("\\"):
            kept += line[:-1]
            continue
        if whole := (kept + line).strip():
            yield begun, whole
        kept = ""
    if kept.strip():
        yield begun, kept.strip()


def _checked(number: int, line: str) -> str:
    where = f"requirements.txt, line {number}"
    bare = _HASH.sub("", f" {line}").strip()
    if bare.startswith("-") or " --" in bare:
        raise RequirementsFailed(f"{where}: options are not supported: {line}", path=where)
    try:
        requirement = Requirement(bare)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequirementsFailed(f"{where}: not a requirement ({reason}): {line}", path=where) from None
    if requirement.url is not None:
        raise RequirementsFailed(f"{where}: name a version, not an address: {line}", path=where)
    return line


async def _pip(workshop: Path, timeout_s: float) -> None:
    options = [
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
        "--no-warn-script-location",
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "install", *options, "--no-compile"),
        *("--root-user-action", "ignore", "--target", _TARGET, "-r", _FILE),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(),
        cwd=workshop,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    except TimeoutError:
        raise RequirementsFailed(f"installing requirements.txt took longer than {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = "\n".join(output.decode(errors="replace").strip().splitlines()[-_LAST_LINES:])
        raise RequirementsFailed(f"requirements.txt cannot be installed:\n{last}")


def _environment() -> Mapping[str, str]:
    """The operator's settings for pip and proxies, without the platform's secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PLUGARR_")}
