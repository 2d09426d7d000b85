"""What each user of the bus may do, made from the catalogue: least privilege.

No user holds both the making of consumers and publishing on one stream.

Why so strict: who may make a consumer can have the server publish to any subject; who may make a stream can
capture anybody's inbox; who may publish a schedule can reach any target in its stream.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from shared.contracts import catalog as c
from shared.contracts import streams as s
from shared.contracts.contract import ROOT, Rpc
from shared.contracts.names import token

PROVISIONER: Final = "provisioner"
SERVICES: Final = ("registry", "executor", "data", "gateway")


@dataclass(frozen=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to; nothing else."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    responds: bool = False
    """Whether it may answer whoever asked it, and only them."""
    never: tuple[str, ...] = ()
    """What `publish` must not be taken to mean, where a pattern in it is wider than what is needed."""

    def as_nats(self) -> dict[str, Any]:
        """The `permissions` block of nats-server's configuration."""
        # To the server an empty list allows everything.
        publish = {"allow": list(self.publish), "deny": list(self.never)} if self.publish else {"deny": [">"]}
        block: dict[str, Any] = {"publish": publish, "subscribe": list(self.subscribe)}
        if self.responds:
            # Streamed answers are many messages to one inbox, and as slow as their reader.
            block["allow_responses"] = {"max": -1, "expires": "5m"}
        return block


@dataclass(frozen=True)
class BusUser:
    """An outside publisher: may run these actions and read the results of its own runs."""

    name: str
    runs: tuple[str, ...] = field(default=())
    """`plugin` or `plugin.action`."""

    def permissions(self) -> Permissions:
        me = token(self.name)
        publish = []
        for grant in self.runs:
            plugin, _, action = grant.partition(".")
            action_token = token(action) if action else "*"
            publish.append(f"{ROOT}run.request.{token(plugin)}.{action_token}.{me}")
        result = c.RUN_ENDED.subject.pattern(kind="user", caller=self.name)
        return Permissions(publish=tuple(publish), subscribe=(result, f"_INBOX_user_{me}.>"))


def user_name(name: str) -> str:
    """The name by which an outside publisher logs in: never that of a service."""
    return f"user_{token(name)}"


def of_service(service: str) -> Permissions:
    """The permissions of one of the services, or of the provisioner."""
    return _PERMISSIONS[service]


def _rpc(*contracts: Rpc[Any, Any]) -> list[str]:
    return [contract.subject for contract in contracts]


def _calls(service: str) -> list[str]:
    return sorted(v.subject for v in c.CATALOG.values() if isinstance(v, Rpc) and v.service == service)


def _reads(*stream_names: str) -> list[str]:
    """Reading messages back one by one or in batches; no consumer."""
    return [f"$JS.API.DIRECT.GET.{name}{end}" for name in stream_names for end in ("", ".>")]


def _sizes_up(*stream_names: str) -> list[str]:
    """Reading a stream's creation time, which sequences it holds, and its newest message as its leader has it."""
    verbs = ("INFO", "MSG.GET")
    return [f"$JS.API.STREAM.{verb}.{name}" for verb in verbs for name in stream_names]


def _works_off(stream: str, durable: str) -> list[str]:
    return [
        f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
        f"$JS.ACK.{stream}.{durable}.>",
    ]


def _puts_objects(bucket: s.ObjectBucket) -> list[str]:
    return [f"$O.{bucket.name}.C.*", f"$O.{bucket.name}.M.*"]


def _kv(bucket: s.Bucket, *keys: str) -> list[str]:
    return [f"$KV.{bucket.name}.{key}" for key in keys]


def _sorted(subjects: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(subjects)))


_FOLLOWED_LIVE: Final = (
    c.RUN_STATE,
    c.RUN_LOG,
    c.RUN_PROGRESS,
    c.EVENTS_PLUGINS,
    c.EVENTS_APP,
    c.EVENTS_DATA,
)
"""Streams that serve topics of the WebSocket."""
_CHANGES: Final = (
    c.DATA_CHANGED,
    c.CONFIG_CHANGED,
    c.USER_CHANGED,
    c.SCHEDULE_CHANGED,
    c.CHANGES_CHECKED,
    c.CHANGES_LOST,
)
_LEASES, _MANIFESTS, _IDEMPOTENCY, _TICKETS = (f"KV_{bucket.name}" for bucket in s.BUCKETS)
_PACKAGES, _PAYLOADS, _FILES = (f"OBJ_{bucket.name}" for bucket in s.OBJECT_BUCKETS)

_PERMISSIONS: Final = {
    "registry": Permissions(
        publish=_sorted(
            [
                *_kv(s.LEASES, "registry"),
                *_kv(s.MANIFESTS, "manifest.*", "epoch.registry"),
                *_puts_objects(s.PACKAGES),
                *_reads(_LEASES, _MANIFESTS, _PACKAGES, _PAYLOADS),
                *_rpc(c.LIST_CONFIGS, c.GET_CONFIG, c.ENSURE_CONSUMER, c.REMOVE_CONSUMER),
                c.PLUGIN_CHANGED.subject.pattern(),
                # The registry drops the packages that nobody uses any more.
                f"$JS.API.STREAM.PURGE.{_PACKAGES}",
            ]
        ),
        subscribe=_sorted(
            [
                *_calls("registry"),
                "_INBOX_registry.>",
                f"$KV.{s.LEASES.name}.>",
                f"$KV.{s.MANIFESTS.name}.>",
                c.PLUGIN_CHANGED.subject.pattern(),
            ]
        ),
        responds=True,
    ),
    "executor": Permissions(
        publish=_sorted(
            [
                *_kv(s.LEASES, "executor.*", "home.*"),
                *_kv(s.MANIFESTS, "loaded.*"),
                *_puts_objects(s.PAYLOADS),
                *_reads(_LEASES, _MANIFESTS, _PACKAGES, _PAYLOADS, _FILES, c.RUN_STATE, c.RUN_CMD),
                *_works_off(c.RUN_CMD, "*"),
                *_rpc(c.LIST_CONFIGS, c.GET_CONFIG, c.SET_SETTINGS, c.RELOAD_PLUGINS, c.GET_FILE),
                *_rpc(c.LIST_ITEMS, c.GET_ITEM, c.ADD_ITEM, c.REPLACE_ITEM, c.PATCH_ITEM, c.DELETE_ITEM),
                *_rpc(c.REPLACE_COLLECTION, c.CLEAR_COLLECTION, c.TAKE_IDS, c.WRITE_TOGETHER),
                *_rpc(
                    c.GET_TASK_VALUES,
                    c.PUT_TASK_VALUE,
                    c.COUNT_TASK_VALUE,
                    c.DROP_TASK_VALUE,
                    c.CANCEL_RUN,
                    c.KEEP_SCHEDULE,
                    c.DELETE_SCHEDULE,
                ),
                c.TASK_REQUESTED.subject.pattern(),
                c.RUN_REQUESTED.subject.pattern(),
                c.RUN_STATE_CHANGED.subject.pattern(),
                c.RUN_LOGGED.subject.pattern(),
                c.PLUGIN_LOGGED.subject.pattern(),
                c.RUN_PROGRESSED.subject.pattern(),
                c.RUN_ENDED.subject.pattern(),
                c.PLUGIN_CHANGED.subject.pattern(),
                c.APP_EVENT.subject.pattern(),
            ]
        ),
        # Names of durables are one token: a pattern cannot say `plugin_*`.
        never=_sorted(_works_off(c.RUN_CMD, s.RECORDER)),
        subscribe=_sorted(
            [
                "_INBOX_executor.>",
                f"$KV.{s.LEASES.name}.>",
                f"$KV.{s.MANIFESTS.name}.>",
                c.RUN_CONTROLLED.subject.pattern(),
                c.RUN_ENDED.subject.pattern(kind="executor"),
                c.PLUGIN_CHANGED.subject.pattern(),
            ]
        ),
        responds=True,
    ),
    "data": Permissions(
        publish=_sorted(
            [
                *_kv(s.LEASES, "data.*"),
                *_puts_objects(s.PAYLOADS),
                *_reads(_LEASES, _MANIFESTS, _PAYLOADS, c.RUN_STATE, c.RUN_CMD, c.RUN_LOG, c.RUN_PROGRESS),
                *_works_off(c.RUN_CMD, s.RECORDER),
                *_works_off(c.RUN_STATE, s.RECORDER),
                *_works_off(c.TICKS, s.TICKER),
                *_works_off(c.EVENTS_APP, s.FOLLOWER),
                # Nobody else sets timers, and nothing but timers and ticks is in their stream.
                c.TIMER_SET.subject.pattern(),
                f"$JS.API.STREAM.PURGE.{c.TICKS}",
                *_reads(c.TICKS, _FILES),
                # The data service drops the files that nothing names any more.
                f"$JS.API.STREAM.INFO.{_FILES}",
                f"$JS.API.STREAM.PURGE.{_FILES}",
                *_reads(c.EVENTS_DATA),
                *_sizes_up(c.EVENTS_DATA),
                *(contract.subject.pattern() for contract in _CHANGES),
                c.RUN_REQUESTED.subject.pattern(),
                c.TASK_REQUESTED.subject.pattern(),
                c.RUN_STATE_CHANGED.subject.pattern(),
                c.RUN_CONTROLLED.subject.pattern(),
                c.RUN_ENDED.subject.pattern(),
                c.PLUGIN_CHANGED.subject.pattern(),
            ]
        ),
        subscribe=_sorted([*_calls("data"), "_INBOX_data.>", c.PLUGIN_CHANGED.subject.pattern()]),
        responds=True,
    ),
    "gateway": Permissions(
        publish=_sorted(
            [
                *_kv(s.IDEMPOTENCY, ">"),
                *_kv(s.TICKETS, "*"),
                *_puts_objects(s.PAYLOADS),
                *_puts_objects(s.FILES),
                *_reads(_FILES),
                *_reads(_LEASES, _MANIFESTS, _IDEMPOTENCY, _TICKETS, _PAYLOADS),
                *_reads(*_FOLLOWED_LIVE),
                *_sizes_up(*_FOLLOWED_LIVE),
                *_calls("data"),
                *_calls("registry"),
                c.RUN_REQUESTED.subject.pattern(),
                c.APP_EVENT.subject.pattern(),
            ]
        ),
        subscribe=_sorted(
            [
                "_INBOX_gateway.>",
                f"$KV.{s.LEASES.name}.>",
                f"$KV.{s.MANIFESTS.name}.>",
                c.RUN_ENDED.subject.pattern(kind="gateway"),
                c.PLUGIN_CHANGED.subject.pattern(),
                "live.>",
            ]
        ),
        responds=True,
    ),
    PROVISIONER: Permissions(
        # Makes streams and consumers, and for that very reason publishes nothing else and reads nothing.
        publish=_sorted(
            [
                "$JS.API.INFO",
                *(f"$JS.API.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "INFO")),
                *(f"$JS.API.CONSUMER.{verb}.*.*" for verb in ("DURABLE.CREATE", "INFO", "DELETE", "CREATE")),
                # With the filter as its rest.
                "$JS.API.CONSUMER.CREATE.*.*.>",
                "$JS.API.CONSUMER.LIST.*",
            ]
        ),
        subscribe=_sorted([*_calls(PROVISIONER), "_INBOX_provisioner.>"]),
        responds=True,
    ),
}
