"""What an operator decides about plugin processes, and the times that bound them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SandboxMode = Literal["require", "prefer", "off"]


@dataclass(frozen=True, slots=True)
class HostDatabase:
    """The host application's database: a SQLite file of the site, or a PostgreSQL by URL."""

    folder: Path
    """Alone in it is the SQLite file: plugins see all of the folder."""
    url: str = ""

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.folder / "db.sqlite3"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """Values of the executor's settings that concern plugin hosts. Times are seconds."""

    files_dir: Path
    """What plugins see as `/data`: `PLUGARR_DATA_DIR/files`."""
    database: HostDatabase | None = None
    """None where plugins get none, as in tests of other things."""
    redis_dir: Path | None = None
    """The folder of the site's own Redis' socket."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that plugins get with these values."""
    hidden: Sequence[Path] = ()
    """Folders that no plugin may see: the rest of the data directory, the secrets."""
    sandbox: SandboxMode = "prefer"
    """`PLUGARR_SANDBOX`."""
    pass_environment: Sequence[str] = ()
    """Names of environment variables that plugins get beside the few that they always get."""
    fence_s: float = 4.0
    """Without a heartbeat for this long, launchers and hosts end themselves."""
    grace_s: float = 10.0
    """How long a run that was cancelled or timed out may take to stop before its host is ended."""
    start_s: float = 20.0
    load_s: float = 60.0
    hook_s: float = 60.0
    stop_s: float = 10.0
    close_s: float = 5.0
    drain_s: float = 10.0
    """How long runs of an old version may go on before a new version takes over."""
    spawn: bool = sys.platform == "darwin"
    """Start hosts as programs of their own: on macOS a forked process that looks up a proxy aborts."""
