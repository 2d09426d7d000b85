"""Whatever a stranger puts into a calendar: an answer in bounded time, or a CalendarError."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import ICS, ROOT, load

ics = load(ROOT / "plugins" / "sports_calendar", "_calendars_of_strangers", "ics")
START = datetime(2026, 8, 9, tzinfo=UTC)
END = START + timedelta(days=62)
SAMPLES = sorted(path.read_bytes() for path in ICS.glob("*.ics") if path.name != "hostile_rules.ics")


def read(body: bytes) -> Any:
    try:
        return ics.read_events(body, START, END, UTC)
    except ics.CalendarError:
        return None


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]).encode()


def series(rule: str, start: str = "20260101T180000Z", *more: str) -> bytes:
    event = ["BEGIN:VEVENT", "UID:1", f"DTSTART:{start}", "DURATION:PT1H", f"RRULE:{rule}", "SUMMARY:Game"]
    return calendar(*event, *more, "END:VEVENT")


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read(body)


@given(st.text())
@example("BEGIN:VCALENDAR")
def test_any_text_in_a_calendar_is_read_or_refused(text: str) -> None:
    read(
        calendar(
            "BEGIN:VEVENT", "DTSTART:20260815T180000Z", text.encode(errors="replace").decode(), "END:VEVENT"
        )
    )
    read(calendar(text.encode(errors="replace").decode()))


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=150)
def test_a_calendar_with_damage_is_read_or_refused(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body)))
    length = data.draw(st.integers(0, 60))
    read(body[:position] + data.draw(st.binary(max_size=20)) + body[position + length :])


numbers = st.lists(st.integers(-366, 366), min_size=1, max_size=5).map(lambda n: ",".join(map(str, n)))
part = st.one_of(
    st.tuples(
        st.sampled_from(["BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS", "BYMONTHDAY", "BYYEARDAY"]), numbers
    ),
    st.tuples(st.sampled_from(["BYMONTH", "BYWEEKNO", "COUNT", "BYEASTER", "INTERVAL"]), numbers),
    st.tuples(st.just("INTERVAL"), st.integers(-1, 10**12).map(str)),
    st.tuples(st.just("UNTIL"), st.sampled_from(["20260901", "20260901T000000Z", "99991231T235959Z", "x"])),
    st.tuples(st.just("BYDAY"), st.sampled_from(["MO", "-1SU", "5FR", "MO,TU,WE", "99TU", "XX"])),
)
frequency = st.sampled_from(["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", ""])


@given(
    frequency,
    st.lists(part, max_size=4),
    st.sampled_from(["20260809T120000Z", "19700101T000000", "00010101"]),
)
# The same rules each time: an unlucky one costs ten seconds, and the suite has a minute.
@settings(max_examples=40, derandomize=True)
@pytest.mark.timeout(300)
def test_any_rule_is_expanded_within_the_window_or_refused(
    freq: str, parts: list[tuple[str, str]], start: str
) -> None:
    rule = ";".join([f"FREQ={freq}", *(f"{name}={value}" for name, value in parts)])
    started = time.process_time()
    events = read(series(rule, start))
    assert time.process_time() - started < 30
    assert events is not None
    starts = [event["start"] for event in events.items]
    assert starts == sorted(starts)
    assert len(starts) <= ics.MAX_EVENTS
    assert all("2026-08-08T23" <= moment < "2026-10-10" for moment in starts)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=-1;BYSECOND=0,1,2,3,4,5,6,7;BYMINUTE=1,2,3,4,5;BYHOUR=1,2,3",
    ],
)
def test_a_rule_that_costs_too_much_is_refused_at_once(rule: str) -> None:
    started = time.process_time()
    events = read(series(rule))
    assert time.process_time() - started < 1
    assert events.items == []
    assert "“Game” repeats" in events.skipped[0]


def test_many_costly_series_end_at_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ics, "EXPANSION_S", 0.05)
    one = [
        "BEGIN:VEVENT",
        "DTSTART:20260101T180000Z",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "END:VEVENT",
    ]
    with pytest.raises(ics.CalendarError, match="takes too long to work out"):
        ics.read_events(calendar(*one * 50), START, END, UTC)


def test_a_time_zone_that_changes_every_second_is_refused_at_once() -> None:
    zone = ["BEGIN:VTIMEZONE", "TZID:Restless", "BEGIN:STANDARD", "DTSTART:19700101T000000"]
    zone += [
        "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=SECOND",
        " LY",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
    event = ["BEGIN:VEVENT", "DTSTART;TZID=Restless:20260815T180000", "END:VEVENT"]
    started = time.process_time()
    with pytest.raises(ics.CalendarError, match="changes more often than once a year"):
        ics.read_events(calendar(*zone, *event), START, END, UTC)
    assert time.process_time() - started < 1


def test_a_long_list_keeps_its_first_events_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ics, "MAX_EVENTS", 10)
    events = ics.read_events(series("FREQ=DAILY"), START, END, UTC)
    assert events.truncated
    assert [events.items[0]["start"], events.items[-1]["start"]] == [
        "2026-08-09T18:00:00Z",
        "2026-08-18T18:00:00Z",
    ]


@pytest.mark.filterwarnings("ignore::icalendar.error.GloballyUniqueTZIDGuessed")
def test_a_vendors_prefix_before_a_time_zone_is_understood() -> None:
    zone = "/freeassociation.sourceforge.net/Europe/Berlin"
    events = read(calendar("BEGIN:VEVENT", f"DTSTART;TZID={zone}:20260815T180000", "END:VEVENT"))
    assert [event["start"] for event in events.items] == ["2026-08-15T16:00:00Z"]
