"""Topics: what their names mean, who may follow them, and how a stored event is shown on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from services.gateway.live.streams import Message
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.contract import StoredEvent
from shared.contracts.names import untoken
from shared.contracts.plugins import WEBSOCKET_EVENT
from shared.contracts.users import Level

LONGEST: Final = 1024
"""Characters of a topic's name: two names of 255 bytes, encoded."""
UPDATES: Final = "updates"
"""The group of Dispatcharr's pages; nobody names it as a topic, everybody of level user gets it."""
_LARGE_RESULT: Final = 16 * 1024
_NAVIGATES: Final = frozenset(
    {"discovered", "updated", "missing", "removed", "reloaded", "enabled", "disabled", "loaded", "unloaded"}
)

Event = dict[str, Any]
"""An envelope, decoded, and its `seq`."""
Shown = tuple[str, Any]
"""Type and data of a frame."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a topic's events are stored, and in which stream."""

    stream: str
    subject: str
    extent: Literal["one", "some", "all"] = "one"
    """How many of the stream's subjects these are. What is missing shows, of one subject, by the sequence of the
    message before, which each message carries; of all, by the sequence itself; of some, by looking."""
    latest: bool = False
    """Whether only the newest of a subject counts, and the stream keeps no other: then nothing is missing."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a client may follow."""

    name: str
    origin: Origin
    level: Level
    show: Callable[[Event], Shown | None]
    """What of an event the topic shows; None for an event that does not concern it."""


def topic_of(name: str) -> Topic:
    """The topic of that name. Raises Invalid for a name that means nothing."""
    if len(name) > LONGEST:
        raise errors.Invalid(f"a topic's name has at most {LONGEST} characters")
    head, *rest = name.split(".")
    try:
        # Names in topics are encoded as in subjects.
        names = [untoken(part) for part in rest]
    except ValueError as error:
        raise errors.Invalid(
            f"{str(error)[:200]}: names in topics are encoded, as docs/live.md says"
        ) from error
    make = _KINDS.get((head, len(names)))
    if make is None:
        raise errors.Invalid(f"there is no topic {name[:200]!r}; docs/live.md lists them")
    return make(name, *names)


def updates() -> Topic:
    """What plugins send to the group `updates`."""
    return Topic(UPDATES, _one(c.APP_EVENT, name=WEBSOCKET_EVENT), "user", _update)


def decoded(message: Message) -> Event | None:
    """A stored event and its sequence; None for what is none."""
    try:
        event = orjson.loads(message.data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict) or "type" not in event:
        return None
    event["seq"] = message.seq
    return event


def frame(topic: Topic, at: str, event: Event, shown: Shown) -> Any:
    """The frame that shows an event on a topic."""
    kind, data = shown
    if topic.name == UPDATES:
        return {"type": "update", "data": data}
    return {
        "topic": topic.name,
        "at": at,
        "type": kind,
        "id": event.get("id"),
        "time": event.get("time"),
        "data": data,
    }


def _all(contract: StoredEvent[Any]) -> Origin:
    return Origin(contract.stream, contract.subject.pattern(), "all")


def _some(contract: StoredEvent[Any]) -> Origin:
    return Origin(contract.stream, contract.subject.pattern(), "some")


def _one(contract: StoredEvent[Any], **names: str) -> Origin:
    return Origin(contract.stream, contract.subject.of(**names), latest=contract is c.RUN_PROGRESSED)


def _as_stored(event: Event) -> Shown:
    return event["type"], event["data"]


def _navigation(event: Event) -> Shown | None:
    data = event["data"]
    if data.get("change") not in _NAVIGATES:
        return None
    return "navigation.changed", {"key": data.get("key")}


def _change(event: Event) -> Shown:
    left_out = {"plugin", "collection"}
    data = {key: value for key, value in event["data"].items() if key not in left_out and value is not None}
    return event["type"], data


def _run(event: Event) -> Shown:
    entry = event["data"]
    result = entry.get("result")
    if result is not None and len(orjson.dumps(result)) > _LARGE_RESULT:
        entry = {key: value for key, value in entry.items() if key != "result"}
        entry["result_left_out"] = True
    return event["type"], entry


def _run_of(plugin: str) -> Callable[[Event], Shown | None]:
    def show(event: Event) -> Shown | None:
        return _run(event) if event["data"].get("plugin") == plugin else None

    return show


def _log(event: Event) -> Shown:
    # As `GET /api/runs/{id}/log` shows them: both can be put together by `seq`.
    lines = [{"seq": event["seq"], **line} for line in event["data"].get("lines", ())]
    return "log.lines", {**event["data"], "lines": lines}


def _progress(event: Event) -> Shown:
    return "run.progressed", event["data"]


def _update(event: Event) -> Shown | None:
    payload = event["data"].get("payload")
    if not isinstance(payload, dict) or payload.get("group") != UPDATES:
        return None
    return "update", payload.get("data")


_KINDS: Final[dict[tuple[str, int], Callable[..., Topic]]] = {
    ("plugins", 0): lambda name: Topic(name, _all(c.PLUGIN_CHANGED), "viewer", _as_stored),
    ("navigation", 0): lambda name: Topic(name, _all(c.PLUGIN_CHANGED), "viewer", _navigation),
    ("data", 2): lambda name, plugin, collection: Topic(
        name, _one(c.DATA_CHANGED, plugin=plugin, collection=collection), "viewer", _change
    ),
    ("runs", 0): lambda name: Topic(name, _all(c.RUN_STATE_CHANGED), "viewer", _run),
    ("runs", 1): lambda name, plugin: Topic(name, _all(c.RUN_STATE_CHANGED), "viewer", _run_of(plugin)),
    ("run", 1): lambda name, run_id: Topic(name, _one(c.RUN_STATE_CHANGED, run_id=run_id), "viewer", _run),
    ("log", 1): lambda name, run_id: Topic(name, _one(c.RUN_LOGGED, run_id=run_id), "viewer", _log),
    ("progress", 1): lambda name, run_id: Topic(
        name, _one(c.RUN_PROGRESSED, run_id=run_id), "viewer", _progress
    ),
    ("schedules", 0): lambda name: Topic(name, _some(c.SCHEDULE_CHANGED), "viewer", _as_stored),
    ("configs", 0): lambda name: Topic(name, _some(c.CONFIG_CHANGED), "viewer", _as_stored),
    ("users", 0): lambda name: Topic(name, _some(c.USER_CHANGED), "admin", _as_stored),
}
"""First word of a topic's name and how many names follow → what makes the topic of them."""
