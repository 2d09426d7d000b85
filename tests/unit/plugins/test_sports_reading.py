"""From calendars as they are found in the world to stored events, over HTTP."""

import pytest

from .conftest import Sports, Web


def synced(sports: Sports, web: Web, name: str) -> list[tuple[str, str, str]]:
    result = sports.run("sync_calendar", _id=sports.add(web.calendar(name), name))
    assert result["status"] == "ok", result
    return [(event["title"], event["start"], event["end"]) for event in sports.events()]


def test_a_league_is_listed_in_utc_across_the_end_of_summer_time(sports: Sports, web: Web) -> None:
    sports.settings["days_ahead"] = 90
    assert synced(sports, web, "football_league.ics") == [
        ("Ashford v Barrow", "2026-08-15T14:00:00Z", "2026-08-15T15:45:00Z"),
        ("Carlton v Dunmore", "2026-08-16T15:30:00Z", "2026-08-16T17:15:00Z"),
        ("Barrow v Carlton", "2026-10-24T14:00:00Z", "2026-10-24T15:45:00Z"),
        ("Dunmore v Ashford", "2026-10-31T15:00:00Z", "2026-10-31T16:45:00Z"),
    ]
    first = sports.events()[0]
    assert first["location"] == "Mill Lane, Ashford"
    assert first["calendar"] == "football_league.ics"
    assert first["calendar_id"] == sports.calendars()[0]["_id"]
    assert first["uid"] == "fixture-1@league.example"
    assert first["all_day"] is False


def test_a_series_lacks_its_excluded_and_cancelled_and_has_its_moved_instances(
    sports: Sports, web: Web
) -> None:
    assert synced(sports, web, "google_recurring.ics") == [
        ("Thursday Night Football", "2026-08-14T00:15:00Z", "2026-08-14T03:15:00Z"),
        ("Thursday Night Football (on Friday)", "2026-08-28T23:00:00Z", "2026-08-29T02:00:00Z"),
        ("Thursday Night Football", "2026-09-11T00:15:00Z", "2026-09-11T03:15:00Z"),
        ("Thursday Night Football", "2026-09-18T00:15:00Z", "2026-09-18T03:15:00Z"),
        ("Thursday Night Football", "2026-09-25T00:15:00Z", "2026-09-25T03:15:00Z"),
    ]


def test_days_stay_days_and_floating_times_take_the_calendars_zone(sports: Sports, web: Web) -> None:
    assert synced(sports, web, "all_day.ics") == [
        ("Club Race Day", "2026-08-15T00:00:00Z", "2026-08-16T00:00:00Z"),
        ("Qualifying", "2026-08-19T22:00:00Z", "2026-08-20T00:00:00Z"),
        ("Grand Prix Weekend", "2026-08-28T00:00:00Z", "2026-08-31T00:00:00Z"),
        ("Founders' Cup", "2026-09-05T00:00:00Z", "2026-09-06T00:00:00Z"),
    ]
    assert [event["all_day"] for event in sports.events()] == [True, False, True, True]


def test_windows_names_of_time_zones_are_understood(sports: Sports, web: Web) -> None:
    assert synced(sports, web, "outlook_windows_zones.ics") == [
        ("Handball: Kiel gegen Flensburg", "2026-08-18T17:00:00Z", "2026-08-18T19:00:00Z"),
        ("Away in New York", "2026-08-19T23:00:00Z", "2026-08-20T01:00:00Z"),
    ]
    assert sports.events()[0]["location"] == "Sporthalle Süd"


def test_two_calendars_may_call_different_zones_by_the_same_name(sports: Sports, web: Web) -> None:
    synced(sports, web, "outlook_custom_zone_berlin.ics")
    assert synced(sports, web, "outlook_custom_zone_athens.ics") == [
        ("Training", "2026-08-18T17:00:00Z", "2026-08-18T19:00:00Z"),
        ("Training", "2026-08-18T16:00:00Z", "2026-08-18T18:00:00Z"),
    ]


def test_folded_lines_and_escapes_become_plain_text(sports: Sports, web: Web) -> None:
    title = "Café Rovers, United; a very long title that a program has folded after seventy-five octets ⚽ and once more"
    assert synced(sports, web, "folded_and_escaped.ics") == [
        (title, "2026-08-15T18:00:00Z", "2026-08-15T19:45:00Z")
    ]
    event = sports.events()[0]
    assert event["location"] == "Ground 7 Second floor"
    assert event["description"] == "Line one\nLine two, with a comma\nhttps://example.com/a?b=c;d"


def test_broken_events_are_left_out_and_named_and_the_others_listed(sports: Sports, web: Web) -> None:
    events = synced(sports, web, "broken.ics")
    assert ("The good one", "2026-08-15T18:00:00Z", "2026-08-15T19:00:00Z") in events
    titles = [title for title, _, _ in events]
    assert "No start" not in titles
    assert "Bad date" not in titles
    assert "2 left out: “No start” cannot be read" in sports.calendars()[0]["message"]


@pytest.mark.timeout(60)
def test_rules_without_end_are_refused_and_the_others_listed(sports: Sports, web: Web) -> None:
    titles = [title for title, _, _ in synced(sports, web, "hostile_rules.ics")]
    assert titles.count("Three times only") == 3
    assert set(titles) <= {"Three times only"}
    message = sports.calendars()[0]["message"]
    assert "“Every second since 1970” repeats too often" in message


def test_the_window_follows_the_settings(sports: Sports, web: Web) -> None:
    sports.settings |= {"days_ahead": 5, "days_back": 0}
    assert [title for title, _, _ in synced(sports, web, "football_league.ics")] == ["Ashford v Barrow"]
    sports.settings |= {"days_ahead": "1", "days_back": 120}
    sports.run("sync_all")
    assert [event["title"] for event in sports.events()] == ["Ashford v Carlton"]


def test_an_unknown_time_zone_in_the_settings_is_said(sports: Sports, web: Web) -> None:
    calendar = sports.add(web.calendar("all_day.ics"))
    for name in ("Mars/Olympus", "../../etc/passwd", "Europe"):
        sports.settings["time_zone"] = name
        result = sports.run("sync_calendar", _id=calendar)
        assert result["status"] == "error"
        assert f"“Time zone” is “{name}”" in result["message"]
