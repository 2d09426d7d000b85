"""The WebSocket's frames: what clients say, and what they are told (docs/live.md)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Command, Event, Timestamp
from shared.contracts.users import Level

MAX_TOPICS = 200
"""Topics that one client follows at once."""

TOPICS: dict[str, tuple[Level, str]] = {
    "plugins": ("viewer", "A plugin was discovered, changed, loaded, enabled, disabled, removed."),
    "navigation": ("viewer", "The entries of enabled plugins in the navigation changed."),
    "data.{plugin}.{collection}": (
        "viewer",
        "Items of a collection were added, changed, removed or replaced.",
    ),
    "runs": ("viewer", "A run began, ended, or began another attempt."),
    "runs.{plugin}": ("viewer", "The same, of one plugin's runs."),
    "run.{run_id}": ("viewer", "The same, of one run."),
    "log.{run_id}": ("viewer", "A run wrote lines."),
    "progress.{run_id}": ("viewer", "How far a run is; only the latest counts."),
    "schedules": ("viewer", "A schedule was added, changed, removed, or has ticked."),
    "configs": ("viewer", "What administrators chose for a plugin changed; never the settings themselves."),
    "users": ("admin", "A user was added, changed, logged in, or removed."),
}
"""What can be followed, the level that it asks for, and what its frames tell."""

TopicName = Annotated[str, Field(min_length=1, max_length=1024)]
"""`plugins`, `navigation`, `data.<plugin>.<collection>`, `runs`, `runs.<plugin>`, `run.<id>`, `log.<id>`,
`progress.<id>`, `schedules`, `configs`, `users`; names in it are tokens, as in subjects."""
Position = Annotated[str, Field(max_length=64)]
"""`epoch:seq`, to be compared with nothing and handed back as it came."""


class Authenticate(Command):
    """Who this is; the first frame, where no token or ticket stood in the URL. Again, to prolong the connection."""

    op: Literal["auth"]
    token: Annotated[str, Field(min_length=1, max_length=8192)]
    """An access token (JWT), or an API key."""


class Subscribe(Command):
    """Follow topics, from now on or from a position on."""

    op: Literal["subscribe"]
    topics: Annotated[tuple[TopicName, ...], Field(min_length=1, max_length=MAX_TOPICS)]
    since: Annotated[dict[TopicName, Position], Field(max_length=MAX_TOPICS)] = Field(default_factory=dict)


class Unsubscribe(Command):
    """Follow these no longer."""

    op: Literal["unsubscribe"]
    topics: Annotated[tuple[TopicName, ...], Field(min_length=1, max_length=MAX_TOPICS)]


class Ping(Command):
    """Answered by a `pong`."""

    op: Literal["ping"]


ClientFrame = Annotated[Authenticate | Subscribe | Unsubscribe | Ping, Field(discriminator="op")]


class ReadyUser(Event):
    username: str
    level: Level


class Ready(Event):
    """The client is known."""

    type: Literal["ready"] = "ready"
    user: ReadyUser


class Subscribed(Event):
    """Frames of these topics follow from these positions on."""

    type: Literal["subscribed"] = "subscribed"
    topics: dict[TopicName, Position]


class Frame(Event):
    """Something happened. What it changed is read again over HTTP; documents are never in it."""

    topic: TopicName
    at: Position
    """What to hand back in `since`."""
    type: str
    """`item.added|item.changed|item.removed|collection.replaced|collection.cleared`, `run.<state>`, `log.lines`,
    `run.progressed`, `plugin.<change>`, `navigation.changed`, `schedule.*`, `config.*`, `user.*`."""
    id: str
    time: Timestamp
    data: dict[str, Any]


class Reload(Event):
    """Frames are missing between what the client has seen and now: read again what the topic is about."""

    topic: TopicName
    type: Literal["reload"] = "reload"
    at: Position


class Update(Event):
    """What a plugin sent to the host application's pages (`send_websocket_update`)."""

    type: Literal["update"] = "update"
    data: Any


class Pong(Event):
    type: Literal["pong"] = "pong"


class Error(Event):
    """Something that the client said was not done."""

    type: Literal["error"] = "error"
    code: str
    message: str
    topic: TopicName | None = None


class Notice(Event):
    """The last frame of a client that takes frames too slowly; the close code 4409 follows."""

    type: Literal["notice"] = "notice"
    code: Literal["too_slow"] = "too_slow"
    message: str
