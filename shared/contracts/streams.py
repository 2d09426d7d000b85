"""Streams, durables and buckets: what is kept, for how long, and how much. The provisioner makes them."""

from dataclasses import dataclass
from typing import Final

from shared.contracts import catalog
from shared.contracts.contract import ROOT, Stored, StoredEvent
from shared.contracts.names import token

_MIB = 1024 * 1024
_DAY_S = 86_400.0

ACK_WAIT_S: Final = 6.0
"""After that a delivered command is offered again: a dead executor's commands move on this soon. Long
work says `in_progress` every third of it."""


@dataclass(frozen=True)
class Stream:
    """Limits retention, `discard: new`: what is full refuses, and never forgets what it acknowledged."""

    name: str
    subjects: tuple[str, ...]
    max_age_s: float
    max_bytes: int
    discard_new: bool = True
    """False only where the newest is worth more than the oldest: logs and progress."""
    max_msgs_per_subject: int = -1
    memory: bool = False
    duplicate_window_s: float = 120.0
    republish: bool = False
    """To `live.>`, with the stream's sequence and the last one of its subject."""
    schedules: bool = False
    """Whether messages may be timers. Who may publish to it can then reach every subject of it."""


@dataclass(frozen=True)
class Durable:
    """A pull consumer that exists from the start."""

    stream: str
    name: str
    filters: tuple[str, ...] = ()
    ack_wait_s: float = 30.0
    max_ack_pending: int = 1000
    max_deliver: int = -1


@dataclass(frozen=True)
class Bucket:
    """A key-value bucket; its stream is `KV_<name>`."""

    name: str
    max_bytes: int
    ttl_s: float | None = None
    marker_ttl_s: float | None = None
    """Keeps a marker where a key expires by its own TTL, so that followers learn of it."""
    memory: bool = False
    max_value_size: int = -1


@dataclass(frozen=True)
class ObjectBucket:
    """An object store; its stream is `OBJ_<name>`."""

    name: str
    max_bytes: int
    ttl_s: float | None = None


def _subjects(stream: str) -> tuple[str, ...]:
    found = {
        contract.subject.pattern()
        for contract in catalog.CATALOG.values()
        if isinstance(contract, Stored | StoredEvent) and contract.stream == stream
    }
    return tuple(sorted(found))


STREAMS: Final = (
    Stream(catalog.RUN_CMD, _subjects(catalog.RUN_CMD), max_age_s=_DAY_S, max_bytes=1024 * _MIB),
    Stream(
        catalog.RUN_STATE,
        _subjects(catalog.RUN_STATE),
        # A week longer than any command can live: while a command can come again, its outcome is known.
        max_age_s=8 * _DAY_S,
        max_bytes=2048 * _MIB,
        republish=True,
    ),
    Stream(
        catalog.RUN_LOG,
        _subjects(catalog.RUN_LOG),
        max_age_s=7 * _DAY_S,
        max_bytes=512 * _MIB,
        discard_new=False,
        max_msgs_per_subject=10_000,
        republish=True,
    ),
    Stream(
        catalog.RUN_PROGRESS,
        _subjects(catalog.RUN_PROGRESS),
        max_age_s=_DAY_S,
        max_bytes=64 * _MIB,
        discard_new=False,
        max_msgs_per_subject=1,
        republish=True,
    ),
    Stream(
        catalog.EVENTS_PLUGINS,
        _subjects(catalog.EVENTS_PLUGINS),
        max_age_s=_DAY_S,
        max_bytes=64 * _MIB,
        republish=True,
    ),
    Stream(
        catalog.EVENTS_APP,
        _subjects(catalog.EVENTS_APP),
        max_age_s=_DAY_S,
        max_bytes=256 * _MIB,
        republish=True,
    ),
    Stream(
        catalog.EVENTS_DATA,
        _subjects(catalog.EVENTS_DATA),
        max_age_s=_DAY_S,
        max_bytes=256 * _MIB,
        # MongoDB holds what they tell of: who missed one reads again, but a full stream would hold up all.
        discard_new=False,
        republish=True,
    ),
    Stream(
        catalog.TICKS,
        _subjects(catalog.TICKS),
        # Timers are set at most a day ahead, and set again where one is missing: MongoDB is the truth.
        max_age_s=3 * _DAY_S,
        max_bytes=64 * _MIB,
        # The server makes no stream with timers that refuses when full.
        discard_new=False,
        # One timer a schedule, and one tick: the next timer is set when a tick was dealt with.
        max_msgs_per_subject=1,
        schedules=True,
    ),
)

RECORDER: Final = "recorder"
TICKER: Final = "ticker"
FOLLOWER: Final = "follower"
DURABLES: Final = (
    # Dealt with in moments, and harmless to deal with again: what a dead replica had moves on soon.
    Durable(catalog.RUN_CMD, RECORDER, ack_wait_s=10.0, max_ack_pending=5000),
    Durable(catalog.RUN_STATE, RECORDER, ack_wait_s=10.0, max_ack_pending=5000),
    Durable(catalog.TICKS, TICKER, filters=(catalog.TICKED.subject.pattern(),), ack_wait_s=10.0),
    Durable(catalog.EVENTS_APP, FOLLOWER, ack_wait_s=10.0),
)

LEASES: Final = Bucket("leases", max_bytes=16 * _MIB, marker_ttl_s=60.0, max_value_size=4096)
"""Keys: `registry`, `executor.<id>`, `home.<plugin>`, `data.<role>`."""
MANIFESTS: Final = Bucket("manifests", max_bytes=1024 * _MIB, max_value_size=512 * 1024 + 4096)
"""Keys: `manifest.<plugin>` by the registry's lease holder, `loaded.<plugin>` by the plugin's home, and
`epoch.registry`, on whose revision every write of a manifest depends: it fences a former lease holder."""
IDEMPOTENCY: Final = Bucket("idempotency", max_bytes=256 * _MIB, ttl_s=_DAY_S, max_value_size=4096)
"""Keys: `<user>.<plugin>.<key>`."""
TICKETS: Final = Bucket("tickets", max_bytes=16 * _MIB, ttl_s=60.0, memory=True, max_value_size=4096)
"""Keys: digests of one-time tickets for the WebSocket."""
BUCKETS: Final = (LEASES, MANIFESTS, IDEMPOTENCY, TICKETS)

PACKAGES: Final = ObjectBucket("packages", max_bytes=4096 * _MIB)
"""A plugin's files as a ZIP, under its digest."""
PAYLOADS: Final = ObjectBucket("payloads", max_bytes=2048 * _MIB, ttl_s=8 * _DAY_S)
"""Params, results and uploads over 512 KiB, under their digest."""
FILES: Final = ObjectBucket("files", max_bytes=8192 * _MIB)
"""What users uploaded, under its file's id; the data service drops what nothing names any more."""
OBJECT_BUCKETS: Final = (PACKAGES, PAYLOADS, FILES)

RESERVED_BYTES: Final = sum(kept.max_bytes for kept in (*STREAMS, *BUCKETS, *OBJECT_BUCKETS))
"""What a server must be allowed to store; it is taken from the disk only as it is used."""


def plugin_durable(plugin: str) -> str:
    """The name of the durable consumer of an enabled plugin's commands."""
    # Of what `token` makes, `=` is the unusual one: consumer names allow it (proven by a test).
    return f"plugin_{token(plugin)}"


def plugin_task_durable(plugin: str) -> str:
    """The name of the durable consumer of an enabled plugin's background tasks."""
    return f"tasks_{token(plugin)}"


def plugin_filters(plugin: str) -> tuple[str, ...]:
    """Which commands are a plugin's: the platform's own and the outside publishers'."""
    return (
        catalog.RUN_REQUESTED.subject.of(plugin=plugin),
        catalog.RUN_REQUESTED_BY_USER.subject.pattern(plugin=plugin),
    )


RPC_PREFIX: Final = f"{ROOT}rpc."
