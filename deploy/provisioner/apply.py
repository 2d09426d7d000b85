"""Makes streams, durables and buckets as the catalogue says; as often as one likes."""

import contextlib
from datetime import datetime
from typing import Final

import nats.js.errors
from nats.js import JetStreamContext, JetStreamManager, api

from shared.contracts import streams as s
from shared.contracts.contract import ROOT
from shared.logging import get_logger

_DUPLICATES_S: Final = 120.0

log = get_logger(__name__)


async def apply(js: JetStreamContext, *, replicas: int = 1) -> None:
    """Make what is missing and bring up to date what differs; nothing that is stored is lost."""
    for stream in s.STREAMS:
        await _stream(js, _of_stream(stream, replicas))
    for bucket in s.BUCKETS:
        await _stream(js, _of_bucket(bucket, replicas))
    for objects in s.OBJECT_BUCKETS:
        await _stream(js, _of_objects(objects, replicas))
    for durable in s.DURABLES:
        await ensure_durable(js, durable)


async def ensure_durable(js: JetStreamManager, durable: s.Durable, *, since: datetime | None = None) -> None:
    """Make a durable pull consumer, or bring its limits up to date; what it has acknowledged stays so.

    A new one begins with the messages stored at `since`, or with the oldest.
    """
    with contextlib.suppress(nats.js.errors.NotFoundError):
        # Where a consumer starts cannot be changed afterwards.
        existing = (await js.consumer_info(durable.stream, durable.name)).config
        config = existing.evolve(
            ack_wait=durable.ack_wait_s,
            max_ack_pending=durable.max_ack_pending,
            filter_subjects=list(durable.filters) or None,
        )
        if config != existing:
            await js.add_consumer(durable.stream, config)
        return
    config = api.ConsumerConfig(
        durable_name=durable.name,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=durable.ack_wait_s,
        max_ack_pending=durable.max_ack_pending,
        max_deliver=durable.max_deliver,
        deliver_policy=api.DeliverPolicy.BY_START_TIME if since else api.DeliverPolicy.ALL,
        opt_start_time=since,
        filter_subjects=list(durable.filters) or None,
    )
    await js.add_consumer(durable.stream, config)


async def remove_durable(js: JetStreamManager, stream: str, name: str) -> None:
    """Remove a consumer; that there is none is fine."""
    try:
        await js.delete_consumer(stream, name)
    except nats.js.errors.NotFoundError:
        return


async def _stream(js: JetStreamManager, config: api.StreamConfig) -> None:
    assert config.name is not None
    try:
        await js.stream_info(config.name)
    except nats.js.errors.NotFoundError:
        await js.add_stream(config)
    else:
        # Not added once more: the server would count its reservation twice and find the disk too small.
        await js.update_stream(config)


def _of_stream(stream: s.Stream, replicas: int) -> api.StreamConfig:
    republish = api.RePublish(src=f"{ROOT}>", dest=f"live.{ROOT}>") if stream.republish else None
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW if stream.discard_new else api.DiscardPolicy.OLD,
        max_age=stream.max_age_s,
        max_bytes=stream.max_bytes,
        max_msgs_per_subject=stream.max_msgs_per_subject,
        storage=api.StorageType.MEMORY if stream.memory else api.StorageType.FILE,
        duplicate_window=stream.duplicate_window_s,
        num_replicas=replicas,
        allow_direct=True,
        deny_delete=True,
        republish=republish,
        allow_msg_schedules=stream.schedules,
    )


def _of_bucket(bucket: s.Bucket, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=f"KV_{bucket.name}",
        subjects=[f"$KV.{bucket.name}.>"],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW,
        max_age=bucket.ttl_s,
        max_bytes=bucket.max_bytes,
        max_msgs_per_subject=1,
        max_msg_size=bucket.max_value_size,
        storage=api.StorageType.MEMORY if bucket.memory else api.StorageType.FILE,
        duplicate_window=min(_DUPLICATES_S, bucket.ttl_s or _DUPLICATES_S),
        num_replicas=replicas,
        allow_direct=True,
        # A header of any writer could erase the whole bucket; with delete markers the server insists on it.
        allow_rollup_hdrs=bucket.marker_ttl_s is not None,
        allow_msg_ttl=bucket.marker_ttl_s is not None,
        deny_delete=True,
        subject_delete_marker_ttl=bucket.marker_ttl_s,
    )


def _of_objects(bucket: s.ObjectBucket, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=f"OBJ_{bucket.name}",
        subjects=[f"$O.{bucket.name}.C.>", f"$O.{bucket.name}.M.>"],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW,
        max_age=bucket.ttl_s,
        max_bytes=bucket.max_bytes,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        allow_direct=True,
    )
