"""Times and ids as messages carry them."""

import time
from datetime import UTC, datetime

from pydantic import TypeAdapter

from shared.contracts.base import Timestamp, new_id, now, parse_timestamp, timestamp_of


def test_now_is_a_timestamp_of_this_moment() -> None:
    before = time.time()
    text = TypeAdapter(Timestamp).validate_python(now())
    moment = parse_timestamp(text)
    assert moment.tzinfo is not None
    assert before - 0.002 <= moment.timestamp() <= time.time() + 0.001


def test_times_and_ids_sort_as_they_were_made() -> None:
    times = [now() for _ in range(5000)]
    assert times == sorted(times)
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert timestamp_of(moment.timestamp()) == "2026-01-02T03:04:05.678Z"
    assert parse_timestamp("2026-01-02T03:04:05.678Z") == moment
