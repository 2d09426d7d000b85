"""What the executor's decisions ask of plugin hosts, and what hosts ask back.

`Hosts` is implemented by `services/executor/hosts/`, `Upcalls` by the executor's service. Every
value that crosses is JSON-shaped: dict, list, str, int, float, bool, None.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

HostEnd = Literal[
    "returned", "raised", "denied", "unserialisable", "timed_out", "cancelled", "retry", "crashed"
]
"""How a call into a plugin ended: `denied` is a PermissionError, `unserialisable` a result that JSON
cannot hold, `retry` a call of `plugarr.retry`, `crashed` the end of the host process (exit, signal, fence)."""


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """What a host needs to load one plugin."""

    key: str
    folder: str
    """Name of the plugin's folder, as its author named it."""
    path: Path
    """The executor's working copy of the plugin's folder."""
    digest: str
    declared: Mapping[str, Any]
    """`plugin.json`'s name, version, description, author, help_url, fields, actions: fallbacks."""
    libraries: Path | None = None
    """Folder in which the plugin's own `requirements.txt` was installed."""
    concurrency: int = 8
    memory: int | None = None
    """Bytes of address space a host may take; None for no limit of its own."""
    needs: AbstractSet[str] = frozenset()
    """What its launcher imports before it forks: `django`, `celery`."""


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """What a plugin said of itself when its host loaded it, raw and not yet validated."""

    ok: bool
    error: str | None = None
    """Why loading failed, one line; the traceback is in the plugin's log."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """name, version, description, author, help_url, fields, actions, navigation, pages, execution: the
    ones that the instance has, made JSON-shaped."""
    warnings: Sequence[str] = ()
    dynamic: bool = False
    """Whether navigation or pages are properties and are to be read again after each run."""


@dataclass(frozen=True, slots=True)
class HostCall:
    """One call of `run(action, params, context)`."""

    run_id: str
    attempt: int
    action: str
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    """Stored settings with the defaults of absent fields filled in."""
    actions: Mapping[str, Any]
    """Action id → definition, as `context["actions"]`."""
    timeout_s: float
    kind: Literal["action", "task"] = "action"
    """A task is called by the name in `action`, with its message in `params`."""
    depth: int = 0
    """How many plugins called one another before this one."""


@dataclass(frozen=True, slots=True)
class HostResult:
    """How a call ended. Never an exception: a failure is an outcome."""

    end: HostEnd
    result: Any = None
    """The result as host-contract 15 says: a dict unchanged, anything else `{"status": "ok", "result": …}`."""
    error: str | None = None
    """`str(exception)`, or the cause in one sentence (`plugin process ended by signal 11 (SIGSEGV)`)."""
    error_type: str | None = None
    """The exception's class name."""
    refreshed: Mapping[str, Any] | None = None
    """`{"navigation": …, "pages": …}` where they are properties and changed during the run."""
    retry_in_s: float | None = None
    """Of `retry`: how long to wait before the next attempt."""
    collateral: bool = field(default=False, compare=False)
    """Of `crashed`: the host was ended because of a sibling run, so that nobody knows how far this one came."""


class Hosts(Protocol):
    """The plugin processes of one executor: executor → launcher per plugin → forked host."""

    async def load(self, spec: PluginSpec, settings: Mapping[str, Any]) -> LoadedPlugin:
        """Start the plugin's launcher and host and load it; idempotent for an unchanged digest.

        A plugin that fails to import gives `ok=False`; so does one that does not load within 60 s.
        """

    async def run(self, key: str, call: HostCall) -> HostResult:
        """Call the plugin; starts a new host first where the last one ended. Never raises for what the plugin does."""

    async def cancel(self, key: str, run_id: str) -> None:
        """Flag, exception in the thread, after 10 s the end of the host; the call itself then returns `cancelled`."""

    async def hook(
        self, key: str, name: Literal["on_enable", "on_disable"], settings: Mapping[str, Any]
    ) -> None:
        """Call the hook where it exists; its exceptions are logged and fail nothing."""

    async def stop(self, key: str, reason: str, settings: Mapping[str, Any]) -> None:
        """`stop(context)` as host-contract 17 says (bounded, 10 s), then end host, launcher and all their children."""

    def beat(self) -> None:
        """Tell every launcher that this executor is alive and holds its lease: without it for 4 s they end themselves."""

    async def close(self, settings_of: Mapping[str, Mapping[str, Any]]) -> None:
        """Stop every plugin (reason `shutdown`), in parallel, within 5 s."""


class Upcalls(Protocol):
    """What a host may ask of its executor; the executor knows the plugin, the host cannot choose it."""

    async def call(
        self, key: str, run_id: str | None, depth: int, method: str, args: Mapping[str, Any]
    ) -> Any:
        """Answer one of the platform calls that `services/executor/platform_calls.py` lists.

        Raises `shared.errors.PlugarrError`: its code, message and path reach the plugin as an exception.
        """

    def log(self, key: str, run_id: str | None, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take log lines `{time: RFC 3339, level: debug|info|warning|error, message, logger?}`; never blocks."""

    def progress(self, key: str, run_id: str, done: float, total: float | None, message: str | None) -> None:
        """Take a run's progress; never blocks."""

    def host_ended(self, key: str, cause: str) -> None:
        """Learn that a plugin's host ended unasked, e.g. by a crash between runs."""
