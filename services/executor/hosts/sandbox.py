"""The surroundings of a plugin's processes: what they see of the file system and of the environment.

With bubblewrap the launcher gets namespaces of its own for mounts, processes, users, IPC and the host's
name, and a root built from its parts: `--ro-bind / /` cannot make a missing `/data` and would show secrets.
The network is shared; what protects bus and database there is that they demand passwords. Limits of a single
process (and later Landlock, seccomp) are taken by the host itself, in `plugarr_host/confine.py`.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from services.executor.hosts.options import HostOptions
from services.executor.ports import PluginSpec

SandboxLevel = Literal["bubblewrap", "none"]

_ROOTS: Final = Path(__file__).resolve().parent.parent
_HOST: Final = _ROOTS / "host"
_COMPAT: Final = _ROOTS / "compat"
_INSIDE: Final = Path("/opt/plugarr")
"""Where the parts of a sandbox that have no place of their own are bound."""
_TMP_BYTES: Final = 1024 * 1024 * 1024
_PROBE_S: Final = 10.0
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC: Final = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
"""Of `/etc`, what name look-up, TLS and time zones need; not its keys and passwords."""
_ENVIRONMENT: Final = ("LANG", "LC_ALL", "TZ")
DATABASE_URL: Final = "PLUGARR_HOST_DATABASE_URL"

logger = logging.getLogger(__name__)


class SandboxUnavailable(RuntimeError):
    """`PLUGARR_SANDBOX=require`, and there is none."""


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """How to start one plugin's launcher."""

    argv: Sequence[str]
    """Without the last argument, the launcher's configuration as JSON."""
    environment: Mapping[str, str]
    cwd: Path
    config: Mapping[str, Any]

    def command(self, control: int) -> list[str]:
        """The command line, given the number of the control socket's descriptor."""
        return [*self.argv, json.dumps({**self.config, "control": control})]


class Sandbox:
    """Builds launch plans; finds out once whether bubblewrap works here."""

    def __init__(self, options: HostOptions) -> None:
        """Raises `SandboxUnavailable` where one is required."""
        self._options = options
        self.level: SandboxLevel = "none"
        if options.sandbox == "off":
            logger.warning(
                "PLUGARR_SANDBOX=off: plugins run without a sandbox and can read what this user can read"
            )
            return
        problem = _probe()
        if problem is None:
            self.level = "bubblewrap"
        elif options.sandbox == "require":
            raise SandboxUnavailable(
                f"PLUGARR_SANDBOX=require, but {problem}. Install bubblewrap, or use 'prefer'."
            )
        else:
            logger.warning(
                "No sandbox for plugins: %s. They can read what this user can read. Install bubblewrap.",
                problem,
            )

    def plan(self, spec: PluginSpec) -> LaunchPlan:
        """How to start this plugin's launcher."""
        if self.level == "bubblewrap":
            return self._sandboxed(spec)
        files = self._options.files_dir.resolve()
        config = self._config(spec, _HOST, _COMPAT, spec.path.resolve(), spec.libraries)
        redirect = None if files == Path("/data") else str(files)
        return LaunchPlan(
            argv=[*_python(_HOST)],
            environment=self._environment(files),
            cwd=files,
            config={**config, "parent": os.getpid(), "redirect": redirect},
        )

    def _sandboxed(self, spec: PluginSpec) -> LaunchPlan:
        host, compat, libraries = (_INSIDE / name for name in ("host", "compat", "libraries"))
        files = self._options.files_dir.resolve()
        argv = [
            *_namespaces(),
            *_root(),
            "--ro-bind",
            str(_HOST),
            str(host),
            "--ro-bind",
            str(_COMPAT),
            str(compat),
        ]
        if spec.libraries is not None:
            argv += ["--ro-bind", str(spec.libraries), str(libraries)]
        # Before `/data`, for a data directory that lies inside something bound (a home that holds the Python).
        for folder in (files, *(hidden.resolve() for hidden in self._options.hidden)):
            if any(folder.is_relative_to(bound) for bound in _bound()):
                argv += ["--tmpfs", str(folder)]
        argv += ["--bind", str(files), "/data"]
        database = self._options.database
        if database is not None and not database.url:
            argv += ["--bind", str(database.folder.resolve()), str(_INSIDE / "database")]
        own = Path("/data/plugins") / spec.folder
        # Never resolved: the plugin may have put a link in its folder's place, which must lead nowhere outside.
        path = spec.path.absolute()
        for above in (self._options.files_dir.absolute(), files):
            if path.is_relative_to(above):
                own = Path("/data") / path.relative_to(above)
                break
        else:
            argv += ["--bind", str(path), str(own)]
        if self._options.redis_dir is not None:
            # Connecting writes nothing; a plugin that removed the socket would take Redis away from all.
            argv += ["--ro-bind", str(self._options.redis_dir.resolve()), str(_INSIDE / "redis")]
        argv += ["--chdir", "/data", "--"]
        config = self._config(spec, host, compat, own, libraries if spec.libraries is not None else None)
        return LaunchPlan(
            argv=[*argv, *_python(host)],
            environment=self._environment(Path("/data")),
            cwd=files,
            config={**config, "parent": None, "redirect": None},
        )

    def _config(
        self, spec: PluginSpec, host: Path, compat: Path, path: Path, libraries: Path | None
    ) -> dict[str, Any]:
        site = site_packages()
        own = [str(libraries)] if libraries is not None else []
        inside = host.is_relative_to(_INSIDE)
        return {
            "role": "launcher",
            "program": str(host / "start.py"),
            "paths": [str(host), str(compat), *own, *site, str(path.parent)],
            "hidden": site,
            "key": spec.key,
            "path": str(path),
            "plugins_dir": str(path.parent),
            "memory": spec.memory,
            "fence_s": self._options.fence_s,
            "spawn": self._options.spawn,
            "preload": sorted(spec.needs),
            "database": self._database(inside=inside),
            "redis_dir": self._redis_dir(inside=inside),
        }

    def _database(self, *, inside: bool) -> dict[str, str]:
        """The host database as the plugin's processes find it; a URL is in their environment."""
        database = self._options.database
        if database is None or database.url:
            return {}
        folder = _INSIDE / "database" if inside else database.folder.resolve()
        return {"path": str(folder / database.file.name)}

    def _redis_dir(self, *, inside: bool) -> str | None:
        folder = self._options.redis_dir
        if folder is None:
            return None
        return str(_INSIDE / "redis" if inside else folder.resolve())

    def _environment(self, home: Path) -> dict[str, str]:
        """Nothing of ours but what is named: the executor's environment holds credentials."""
        taken = (*_ENVIRONMENT, *self._options.pass_environment)
        environment = {"LANG": "C.UTF-8"} | {name: os.environ[name] for name in taken if name in os.environ}
        environment |= self._options.environment
        if self._options.database is not None and self._options.database.url:
            # Not on the command line, which everybody on the machine can read.
            environment[DATABASE_URL] = self._options.database.url
        return environment | {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            # Address space is limited by plugin; an arena for each thread would use it up unused.
            "MALLOC_ARENA_MAX": "2",
        }


def _python(host: Path) -> Sequence[str]:
    """Isolated and without site-packages' `.pth` files, which could put the platform's code on the path."""
    return (sys.executable, "-I", "-S", str(host / "start.py"))


def site_packages() -> list[str]:
    """Where this Python keeps what is installed."""
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


def _bound() -> Iterator[Path]:
    """Folders of the machine that a sandbox shows read-only: the system's and Python's."""
    yield from (Path(folder) for folder in _SYSTEM)
    yield from (Path(folder).resolve() for folder in (sys.base_prefix, sys.prefix, *site_packages()))


def _namespaces() -> list[str]:
    bwrap = shutil.which("bwrap") or "bwrap"
    apart = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    return [bwrap, *apart, "--die-with-parent", "--cap-drop", "ALL", "--hostname", "plugin"]


def _root() -> list[str]:
    """The root of a sandbox without what is a plugin's own."""
    argv: list[str] = []
    for name in _SYSTEM:
        folder = Path(name)
        if folder.is_symlink():
            argv += ["--symlink", str(folder.readlink()), name]
        elif folder.is_dir():
            argv += ["--ro-bind", name, name]
    for name in _ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    argv += ["--proc", "/proc", "--dev", "/dev", "--size", str(_TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    # Both as named and as resolved: a virtual environment's python is a link into the base installation.
    prefixes = [sys.base_prefix, sys.prefix, *site_packages()]
    for folder in dict.fromkeys(
        path for prefix in prefixes for path in (Path(prefix), Path(prefix).resolve())
    ):
        if not any(folder.is_relative_to(name) for name in _SYSTEM):
            argv += ["--ro-bind", str(folder), str(folder)]
    return argv


def _probe() -> str | None:
    """Why there can be no sandbox here; None if one was really made."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap exists on Linux only"
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed"
    argv = [*_namespaces(), *_root(), "--", sys.executable, "-I", "-S", "-c", "pass"]
    try:
        done = subprocess.run(  # noqa: S603 - a command line of our own
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap cannot be run ({error})"
    return None if done.returncode == 0 else f"bubblewrap does not work here ({done.stderr.strip()[-200:]})"
