"""AsyncAPI 3.0 documents and the catalogue's own, generated from the contracts.

FastStream's generator knows neither replies nor streams, and names channels after functions; this one says
what an outside publisher needs to know: subject, stream, payload, reply.
"""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.contracts import catalog as c
from shared.contracts import live
from shared.contracts import streams as s
from shared.contracts.base import ReplyError, ReplyOk
from shared.contracts.contract import ROOT, AnyContract, Rpc, Signal, Stored, StoredEvent

_REF: Final = "#/components/schemas/{model}"
SERVICES: Final = ("registry", "executor", "data", "gateway", "provisioner")

# Who follows and who sends what is neither an RPC (whose owner its name tells) nor only somebody's own.
_SENDS: Final[dict[str, tuple[str, ...]]] = {
    "RUN_REQUESTED": ("gateway", "executor", "data"),
    "RUN_REQUESTED_BY_USER": (),
    "TASK_REQUESTED": ("executor", "data"),
    "RUN_STATE_CHANGED": ("executor", "data"),
    "RUN_LOGGED": ("executor",),
    "PLUGIN_LOGGED": ("executor",),
    "RUN_PROGRESSED": ("executor",),
    "RUN_CONTROLLED": ("data",),
    "RUN_ENDED": ("executor", "data"),
    "PLUGIN_CHANGED": ("registry", "executor", "data"),
    "APP_EVENT": ("gateway", "executor"),
    "TIMER_SET": ("data",),
    "TICKED": (),
    "DATA_CHANGED": ("data",),
    "CONFIG_CHANGED": ("data",),
    "USER_CHANGED": ("data",),
    "SCHEDULE_CHANGED": ("data",),
    "CHANGES_CHECKED": ("data",),
    "CHANGES_LOST": ("data",),
}
_FOLLOWS: Final[dict[str, tuple[str, ...]]] = {
    "RUN_REQUESTED": ("executor", "data"),
    "RUN_REQUESTED_BY_USER": ("executor", "data"),
    "TASK_REQUESTED": ("executor", "data"),
    "RUN_STATE_CHANGED": ("data", "gateway"),
    "RUN_LOGGED": ("data", "gateway"),
    "PLUGIN_LOGGED": (),
    "RUN_PROGRESSED": ("gateway",),
    "RUN_CONTROLLED": ("executor",),
    "RUN_ENDED": ("gateway", "executor"),
    "PLUGIN_CHANGED": ("registry", "executor", "gateway"),
    "APP_EVENT": ("data", "gateway"),
    "TIMER_SET": (),
    "TICKED": ("data",),
    "DATA_CHANGED": ("gateway",),
    "CONFIG_CHANGED": ("gateway",),
    "USER_CHANGED": ("gateway",),
    "SCHEDULE_CHANGED": ("gateway",),
    "CHANGES_CHECKED": ("data",),
    "CHANGES_LOST": ("gateway", "data"),
}


def document(service: str, *, version: str = "1.0.0") -> dict[str, Any]:
    """The AsyncAPI document of one service: what it answers and follows (`receive`), and what it sends."""
    if service not in SERVICES:
        raise ValueError(f"no service {service!r}")
    builder = _Builder()
    for name, contract in c.CATALOG.items():
        if isinstance(contract, Rpc):
            if contract.service == service:
                builder.rpc(name, contract)
            continue
        if service in _FOLLOWS[name]:
            builder.message(name, contract, "receive")
        if service in _SENDS[name]:
            builder.message(name, contract, "send")
    return builder.document(f"Plugarr {service}", version)


def public_document(*, version: str = "1.0.0") -> dict[str, Any]:
    """What outsiders may use: publishers (`plugarr bus-user`) commands and results, everybody the WebSocket."""
    builder = _Builder()
    builder.message("RUN_REQUESTED_BY_USER", c.RUN_REQUESTED_BY_USER, "send")
    builder.message("RUN_ENDED", c.RUN_ENDED, "receive")
    builder.websocket()
    return builder.document("Plugarr for outside publishers", version)


def catalogue() -> dict[str, Any]:
    """Every message, stream, durable and bucket as plain data: the golden file of the bus."""
    messages: dict[str, Any] = {}
    for name, contract in c.CATALOG.items():
        entry: dict[str, Any] = {"kind": type(contract).__name__, "subject": _address(contract)}
        if isinstance(contract, Rpc):
            entry |= {"request": contract.request.__name__, "reply": contract.reply.__name__}
            entry["timeout_s"] = contract.timeout_s
            if contract.stream_of:
                entry["chunks_of"] = contract.stream_of.__name__
        else:
            entry["payload"] = contract.payload.__name__
        if isinstance(contract, Stored | StoredEvent):
            entry["stream"] = contract.stream
        messages[name] = entry
    return {
        "messages": messages,
        "streams": {stream.name: _plain(stream) for stream in s.STREAMS},
        "durables": [_plain(durable) for durable in s.DURABLES],
        "buckets": {bucket.name: _plain(bucket) for bucket in s.BUCKETS},
        "object_buckets": {bucket.name: _plain(bucket) for bucket in s.OBJECT_BUCKETS},
    }


class _Builder:
    """Collects channels, operations and models of one document."""

    def __init__(self) -> None:
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}
        self._messages: dict[str, Any] = {}
        self._models: set[type[BaseModel]] = set()
        self._servers: dict[str, Any] = {"bus": {"host": "127.0.0.1:4222", "protocol": "nats"}}

    def rpc(self, name: str, contract: Rpc[Any, Any]) -> None:
        """A command that is answered."""
        ok: type[BaseModel] = ReplyOk[contract.reply]  # type: ignore[name-defined]
        channel = self._channel(contract.name, contract.subject, {"command": contract.request})
        reply = self._channel(f"{contract.name}.reply", None, {"ok": ok, "error": ReplyError})
        operation: dict[str, Any] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": _summary(contract.request),
            "reply": {
                "address": {"location": "$message.header#/reply", "description": "The caller's inbox."},
                "channel": {"$ref": f"#/channels/{reply}"},
            },
            "x-timeout-s": contract.timeout_s,
        }
        if contract.stream_of:
            self._models.add(contract.stream_of)
            operation["x-chunks-of"] = {"$ref": _ref(contract.stream_of)}
            operation["description"] = "The reply is followed by chunks, each a JSON array; see docs/bus.md."
        self._operations[name.lower()] = operation

    def message(self, name: str, contract: AnyContract, action: str) -> None:
        """A stored message or a signal."""
        assert not isinstance(contract, Rpc)
        payload = contract.payload if isinstance(contract, Stored) else contract.envelope
        channel = self._channel(name.lower(), _address(contract), {"message": payload})
        fields = contract.subject.fields
        if fields:
            self._channels[channel]["parameters"] = {field: {"description": _TOKEN} for field in fields}
        operation: dict[str, Any] = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}
        operation["summary"] = _summary(contract.payload)
        if isinstance(contract, Signal):
            operation["description"] = "Not stored: it reaches whoever listens."
        else:
            operation["x-stream"] = contract.stream
        self._operations[f"{action}_{name.lower()}"] = operation

    def websocket(self) -> None:
        """The gateway's WebSocket: what clients say, what they are told, and which topics there are."""
        self._servers["gateway"] = {"host": "127.0.0.1:9191", "protocol": "ws"}
        said = (live.Authenticate, live.Subscribe, live.Unsubscribe, live.Ping)
        told = (
            live.Ready,
            live.Subscribed,
            live.Frame,
            live.Reload,
            live.Update,
            live.Pong,
            live.Error,
            live.Notice,
        )
        channel = self._channel("live", "/ws/", {model.__name__: model for model in (*said, *told)})
        self._channels[channel]["servers"] = [{"$ref": "#/servers/gateway"}]
        self._channels[channel]["description"] = "One JSON object a text frame; docs/live.md tells the rest."
        self._channels[channel]["x-topics"] = {
            topic: {"level": level, "description": text} for topic, (level, text) in live.TOPICS.items()
        }
        for action, models in (("send", said), ("receive", told)):
            self._operations[f"{action}_live"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{model.__name__}"} for model in models],
                "summary": "What a client says." if action == "send" else "What a client is told.",
            }

    def document(self, title: str, version: str) -> dict[str, Any]:
        """The finished document."""
        _, schemas = models_json_schema(
            [(model, "serialization") for model in sorted(self._models, key=lambda model: model.__name__)],
            ref_template=_REF,
        )
        return {
            "asyncapi": "3.0.0",
            "info": {"title": title, "version": version},
            "defaultContentType": "application/json",
            "servers": self._servers,
            "channels": self._channels,
            "operations": self._operations,
            "components": {"messages": self._messages, "schemas": schemas.get("$defs", {})},
        }

    def _channel(self, name: str, address: str | None, payloads: dict[str, type[BaseModel]]) -> str:
        key = name.replace(".", "_")
        messages: dict[str, Any] = {}
        for word, model in payloads.items():
            self._models.add(model)
            message = f"{key}_{word}"
            self._messages[message] = {"name": model.__name__, "payload": {"$ref": _ref(model)}}
            messages[word] = {"$ref": f"#/components/messages/{message}"}
        self._channels[key] = {"address": address, "messages": messages}
        return key


_TOKEN: Final = "A token: [a-z0-9_-] as it is, every other UTF-8 byte as =XX in upper-case hex."  # noqa: S105


def _ref(model: type[BaseModel]) -> str:
    # pydantic names a generic's schema with underscores for its brackets.
    name = model.__name__.replace("[", "_").replace("]", "_")
    return _REF.format(model=name)


def _address(contract: AnyContract) -> str:
    return contract.subject if isinstance(contract, Rpc) else f"{ROOT}{contract.subject.template}"


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).strip().partition("\n")[0]


def _plain(kept: Any) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in kept.__dataclass_fields__}
