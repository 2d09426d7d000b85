"""How plugin-facing modules (`apps`, `core`, `plugarr`) reach the platform."""

from typing import Any

from plugarr_host import jobs
from plugarr_host.channel import Channel
from plugarr_host.failures import PlatformError

RUN_TIMEOUT_S = 3600.0
"""A plugin that runs another waits as long as a run may take; its own time limit ends it sooner."""


class Platform:
    """What the host knows of its surroundings. One per process: imports have no other way to get at it."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.key = ""
        self.plugins_dir = ""
        self.redis_dir: str | None = None
        self.folder = ""
        """The plugin's own."""

    def call(self, method: str, **args: Any) -> Any:
        """Make one of the platform calls; raises a `PlatformError`."""
        if self.channel is None:
            raise PlatformError(f"{method}: there is no platform outside a plugin's process")
        timeout = {"timeout_s": RUN_TIMEOUT_S} if method == "plugins.run" else {}
        return self.channel.call(method, args, **timeout)

    def tell(self, kind: str, **content: Any) -> None:
        """Send what needs no answer, for the run in whose context this is; silent without one."""
        job = jobs.current.get()
        if self.channel is not None and self.channel.is_ours and job is not None and job.run_id is not None:
            self.channel.send({"t": kind, "run": job.run_id, **content})


platform = Platform()
