"""When schedules are due: five fields, time zones with short and long days, intervals, one time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.data.service.timing import COUNTED, Passed, Timing
from shared import errors


def cron(text: str, zone: str = "UTC") -> Timing:
    return Timing.of(cron=text, interval_s=None, at=None, timezone=zone)


def every(seconds: float) -> Timing:
    return Timing.of(cron=None, interval_s=seconds, at=None, timezone="UTC")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def next_ones(timing: Timing, start: datetime, count: int) -> list[str]:
    found = []
    moment = start
    for _ in range(count):
        following = timing.after(moment)
        assert following is not None
        moment = following
        found.append(moment.strftime("%d %H:%M"))
    return found


def test_a_nightly_job_runs_once_on_the_day_that_lacks_its_hour() -> None:
    # On 29 March 2026 clocks in Berlin go from 02:00 to 03:00: half past two comes at three.
    nightly = cron("30 2 * * *", "Europe/Berlin")
    assert next_ones(nightly, utc(2026, 3, 27, 12), 3) == ["28 01:30", "29 01:00", "30 00:30"]


def test_a_nightly_job_runs_once_on_the_day_that_has_its_hour_twice() -> None:
    nightly = cron("30 2 * * *", "Europe/Berlin")
    assert next_ones(nightly, utc(2026, 10, 23, 12), 3) == ["24 00:30", "25 00:30", "26 01:30"]


def test_a_job_of_every_half_hour_keeps_its_distance_on_both_days() -> None:
    often = cron("*/30 * * * *", "Europe/Berlin")
    assert next_ones(often, utc(2026, 3, 29, 0, 30), 3) == ["29 01:00", "29 01:30", "29 02:00"]
    assert next_ones(often, utc(2026, 10, 25, 0, 0), 4) == ["25 00:30", "25 01:00", "25 01:30", "25 02:00"]


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("0 9 * * mon-fri", utc(2026, 11, 27, 10), "30 09:00"),
        ("@daily", utc(2026, 11, 27, 10), "28 00:00"),
        ("0 0 L * *", utc(2026, 2, 1), "28 00:00"),
        ("0 12 29 2 *", utc(2026, 1, 1), "29 12:00"),
    ],
)
def test_names_nicknames_and_rare_days_are_understood(text: str, start: datetime, expected: str) -> None:
    assert next_ones(cron(text), start, 1) == [expected]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * *", "4 fields"),
        ("0 0 * * * *", "6 fields"),
        ("61 * * * *", "minute"),
        ("* * * * banana", "day-of-week"),
        ("0 0 31 2 *", "cannot be read|never"),
        ("@reboot", "1 fields"),
    ],
)
def test_what_is_no_cron_is_refused_with_its_path_and_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(errors.Invalid, match=said) as raised:
        cron(text)
    assert raised.value.path == "cron"


def test_a_time_zone_that_is_none_and_a_time_that_is_none_are_refused() -> None:
    for zone in ("Europe/Atlantis", "../../etc/passwd", "Europe"):
        with pytest.raises(errors.Invalid) as raised:
            cron("* * * * *", zone)
        assert raised.value.path == "timezone"
    for text in ("tomorrow", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(errors.Invalid) as raised:
            Timing.of(cron=None, interval_s=None, at=text, timezone="UTC")
        assert raised.value.path == "at"


def test_exactly_one_kind_of_time_is_needed() -> None:
    with pytest.raises(errors.Invalid, match="none is given"):
        Timing.of(cron=None, interval_s=None, at=None, timezone="UTC")
    with pytest.raises(errors.Invalid, match="cron and interval_s together"):
        Timing.of(cron="* * * * *", interval_s=5, at=None, timezone="UTC")


def test_a_time_without_an_offset_is_meant_in_the_schedules_time_zone() -> None:
    once = Timing.of(cron=None, interval_s=None, at="2026-07-01T12:00", timezone="Europe/Berlin")
    assert once.at == utc(2026, 7, 1, 10)
    assert once.first(utc(2026, 6, 1)) == once.at
    assert once.first(utc(2026, 8, 1)) is None
    assert once.after(utc(2026, 7, 1, 10)) is None


@given(
    interval=st.floats(1, 100_000),
    late=st.floats(0, 1_000_000),
)
def test_an_interval_keeps_its_distance_however_late_a_tick_is_dealt_with(
    interval: float, late: float
) -> None:
    due = utc(2026, 1, 1)
    now = due + timedelta(seconds=late)
    timing = every(interval)
    passed = timing.passed(due, now)
    following = timing.after(passed.latest)
    assert following is not None
    assert following > now - timedelta(milliseconds=1)
    assert passed.latest <= now + timedelta(milliseconds=1)
    steps = (following - due).total_seconds() / interval
    assert abs(steps - round(steps)) < 1e-6
    assert passed.count == round(steps)


def test_what_passed_meanwhile_is_counted() -> None:
    hourly = cron("0 * * * *")
    assert hourly.passed(utc(2026, 1, 1, 5), utc(2026, 1, 1, 5)) == Passed(1, utc(2026, 1, 1, 5))
    assert hourly.passed(utc(2026, 1, 1, 5), utc(2026, 1, 1, 9, 30)) == Passed(5, utc(2026, 1, 1, 9))


def test_of_very_many_that_passed_the_latest_is_known_all_the_same() -> None:
    passed = cron("* * * * *").passed(utc(2026, 1, 1), utc(2026, 2, 1, 0, 0, 30))
    assert passed == Passed(COUNTED, utc(2026, 2, 1))
