"""What the actions do to the two collections."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import ICS, PACKAGE, Host, Sports, Web


def test_a_calendar_is_added_once(sports: Sports) -> None:
    assert sports.add("https://example.com/a.ics", "  My \n League ") == sports.calendars()[0]["_id"]
    again = sports.run("add_calendar", name="Other", url="webcal://example.com/a.ics")
    assert again == {"status": "error", "message": "This URL is there already, as “My League”"}
    assert [calendar["name"] for calendar in sports.calendars()] == ["My League"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.ics",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "example.com",
        "http://",
        "http:///a",
        "http://[::1/a",
        "http://host:port/",
        "https://exa mple.com",
        "https://example.com:99999/",
    ],
)
def test_what_is_no_url_is_refused(sports: Sports, url: str) -> None:
    result = sports.run("add_calendar", name="League", url=url)
    assert result["status"] == "error"
    assert "no valid URL" in result["message"]
    assert sports.calendars() == []


@pytest.mark.parametrize("params", [{}, {"name": "  ", "url": "https://e.com"}, {"name": "x" * 201}])
def test_a_calendar_needs_a_name(sports: Sports, params: dict[str, str]) -> None:
    result = sports.run("add_calendar", **params)
    assert result["status"] == "error"
    assert "Enter a name" in result["message"]


def test_an_unknown_action_or_calendar_is_an_error(sports: Sports) -> None:
    assert sports.run("fly") == {"status": "error", "message": "Unknown action: fly"}
    for action in ("sync_calendar", "delete_calendar"):
        for params in ({}, {"_id": 99}, {"_id": None}, {"_id": {"$gt": 0}}):
            result = sports.run(action, **params)
            assert result == {"status": "error", "message": "This calendar is not there any more"}


def test_syncing_again_changes_one_calendar_only_and_leaves_no_duplicates(sports: Sports, web: Web) -> None:
    league = sports.add(web.calendar("football_league.ics"), "League")
    races = sports.add(web.calendar("all_day.ics"), "Races")
    assert sports.run("sync_all")["status"] == "ok"
    before = sports.events()
    text = (ICS / "football_league.ics").read_text().replace("20260816T163000", "20260816T130000")
    web.answer("/football_league.ics", text.encode())
    assert sports.run("sync_calendar", _id=str(league))["event_count"] == 2
    after = sports.events()
    assert len(after) == len(before)
    assert [event for event in after if event["calendar_id"] == races] == [
        event for event in before if event["calendar_id"] == races
    ]
    ids = {event["title"]: event["_id"] for event in before}
    assert {event["title"]: event["_id"] for event in after if event["title"] != "Carlton v Dunmore"} == {
        title: number for title, number in ids.items() if title != "Carlton v Dunmore"
    }
    assert "2026-08-16T12:00:00Z" in [event["start"] for event in after]


def test_nothing_is_written_where_nothing_changed(sports: Sports, web: Web) -> None:
    sports.add(web.calendar("football_league.ics"))
    sports.run("sync_all")
    sports.data.writes.clear()
    sports.run("sync_all")
    assert sports.data.writes == ["update calendars"]


def test_deleting_a_calendar_deletes_its_events_only(sports: Sports, web: Web) -> None:
    league = sports.add(web.calendar("football_league.ics"), "League")
    sports.add(web.calendar("all_day.ics"), "Races")
    sports.run("sync_all")
    result = sports.run("delete_calendar", _id=league, name="League")
    assert result == {"status": "ok", "message": "Deleted “League” and its 2 events", "event_count": 2}
    assert [calendar["name"] for calendar in sports.calendars()] == ["Races"]
    assert {event["calendar"] for event in sports.events()} == {"Races"}


def test_a_calendar_that_is_deleted_during_its_sync_leaves_no_events(sports: Sports, web: Web) -> None:
    body = (ICS / "football_league.ics").read_bytes()
    asked, deleted = threading.Event(), threading.Event()

    def answer(handler) -> None:
        asked.set()
        deleted.wait(10)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)

    calendar = sports.add(web.call("/slow", answer))
    with ThreadPoolExecutor() as pool:
        sync = pool.submit(sports.run, "sync_calendar", _id=calendar)
        assert asked.wait(10)
        sports.run("delete_calendar", _id=calendar)
        deleted.set()
        assert sync.result() == {"status": "error", "message": "League was deleted meanwhile"}
    assert sports.events() == []


def test_calendars_may_be_synced_side_by_side(sports: Sports, web: Web) -> None:
    calendars = [sports.add(web.calendar("football_league.ics", f"/{n}"), f"League {n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: sports.run("sync_calendar", _id=number), calendars))
    assert {result["status"] for result in results} == {"ok"}
    owners = [event["calendar_id"] for event in sports.events()]
    assert sorted(owners) == sorted(calendars * 2)


def test_sync_all_goes_on_after_a_failure_and_names_it(sports: Sports, web: Web) -> None:
    sports.add(web.answer("/gone", status=404), "Gone")
    sports.add(web.calendar("football_league.ics"), "League")
    result = sports.run("sync_all")
    assert result["status"] == "error"
    assert (result["synced"], result["failed"]) == (1, 1)
    assert "Gone: 127.0.0.1 knows no calendar at this address" in result["message"]
    assert len(sports.events()) == 2
    assert [calendar["status"] for calendar in sports.calendars()] == ["error", "ok"]


def test_sync_all_without_calendars_says_what_to_do(sports: Sports) -> None:
    result = sports.run("sync_all")
    assert result == {
        "status": "ok",
        "message": "There are no calendars yet: add one first",
        "synced": 0,
        "failed": 0,
    }


def test_a_calendar_that_came_over_the_rest_api_is_synced(sports: Sports, web: Web) -> None:
    url = web.calendar("football_league.ics")
    sports.data.add_to_collection("sports_calendar", "calendars", {"name": "Posted", "url": url})
    sports.data.add_to_collection("sports_calendar", "calendars", {"name": "Nonsense"})
    result = sports.run("sync_all")
    assert (result["synced"], result["failed"]) == (1, 1)
    assert "Nonsense: Enter the URL of a calendar" in result["message"]
    assert {event["calendar"] for event in sports.events()} == {"Posted"}


def test_progress_is_told_and_a_cancelled_run_stops_between_calendars(sports: Sports, web: Web) -> None:
    host = Host()
    sys.modules[f"{PACKAGE}.plugin"].plugarr = host  # type: ignore[attr-defined]
    for number in range(3):
        sports.add(web.calendar("football_league.ics", f"/{number}"), f"League {number}")
    sports.run("sync_all")
    assert host.steps == [(0, 3, "League 0"), (1, 3, "League 1"), (2, 3, "League 2"), (3, 3, "Done")]
    host.steps, host.cancel_after = [], 2
    result = sports.run("sync_all")
    assert result == {"status": "error", "message": "Cancelled after 2 of 3 calendars"}
