"""Plugins as services talk of them: the registry's commands, the provisioner's, and plugin events."""

from typing import Annotated, Final, Literal

from pydantic import Field

from shared.contracts.base import Answer, Command, Event, JsonObject, Name, ObjectRef, RunId, Timestamp


class ReloadPlugins(Command):
    """Look at the directory again and have every enabled plugin, or the named one, loaded anew."""

    key: Name | None = None
    load: bool = True
    """False only looks: what did not change on disk stays as it is, and goes on running."""


class Reloaded(Answer):
    count: int
    """Plugins found."""


class ImportPlugin(Command):
    upload: ObjectRef
    """The ZIP, put into the `payloads` bucket by the caller."""
    filename: Annotated[str, Field(max_length=255)]
    overwrite: bool = False
    actor: str | None = None


class Imported(Answer):
    key: Name
    was_managed: bool = False
    replaced: bool = False


class DeletePlugin(Command):
    """Remove the plugin's folder, manifest and packages. The caller has it disabled and stopped first."""

    key: Name
    actor: str | None = None


class GetLogo(Command):
    key: Name


class Logo(Answer):
    content: str
    """Base64 of a PNG of at most 256 KiB."""
    digest: str


class EnsureConsumer(Command):
    """Make, or bring up to date, the durable consumer of an enabled plugin's run commands."""

    plugin: Name
    max_ack_pending: Annotated[int, Field(ge=1, le=1000)] = 8
    """The plugin's concurrency, over all executors."""
    tasks: Annotated[int, Field(ge=1, le=1000)] = 4
    """The same for its background tasks, which have a consumer of their own."""
    since: Timestamp | None = None
    """When the plugin was enabled: a new consumer starts a minute before it. Older commands were ended by
    the data service, since no consumer was there for them."""


class RemoveConsumer(Command):
    plugin: Name


class PluginChanged(Event):
    """Something about a plugin changed; whoever cares reads it again. Never carries settings."""

    key: Name
    change: Literal[
        "discovered",
        "updated",
        "missing",
        "removed",
        "reloaded",
        "enabled",
        "disabled",
        "settings",
        "placed",
        "loaded",
        "unloaded",
        "load_failed",
        "host_ended",
    ]
    actor: str | None = None
    detail: str | None = None


WEBSOCKET_EVENT: Final = "websocket"
"""The name under which a plugin's `send_websocket_update` travels, with payload `{group, type, data}`; no
plugin can publish an event of that name otherwise."""


class AppEvent(Event):
    """An event of the host application, of another system, or of a plugin."""

    name: Name
    payload: JsonObject = Field(default_factory=dict)
    plugin: str | None = None
    """The plugin that emitted it, if one did."""
    actor: str | None = None
    """Who published it, if no plugin did: `user:admin`."""
    run_id: RunId | None = None
    """The run that emitted it."""
    depth: Annotated[int, Field(ge=0, le=8)] = 0
    """How many plugins had called one another before it was emitted."""


class Lease(Event):
    """Who holds a lease. Its first revision is the epoch."""

    holder: Name
    epoch: int = 0
    site: str | None = None
    started_at: str | None = None
    leaving: bool = False
    """Whether its holder is ending: it keeps what it has for a while, and gets nothing more."""


class Home(Event):
    """Which executor a plugin lives in; counts while that executor's lease has that epoch."""

    plugin: Name
    executor: Name
    epoch: int
    site: str
