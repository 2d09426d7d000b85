"""The example plugin with the new UI: what its page offers, done over HTTP with a calendar on loopback."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.club import Club, served_club
from tests.e2e.platform import Api
from tests.e2e.written import Written

KEY = "sports_calendar"


@pytest.fixture
def club() -> Iterator[Club]:
    with served_club() as mine:
        yield mine


def forms(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component, however deep."""
    for component in components:
        yield component
        yield from forms(component.get("components", []))
        for item in component.get("items", []):
            yield from forms(item.get("components", []))


def test_sports_calendar_adds_syncs_and_deletes_calendars(api: Api, written: Written, club: Club) -> None:
    api.enable(KEY)
    page = api.http.get(f"/api/plugins/{KEY}/page/").json()["page"]
    components = {one["type"]: one for one in forms(page["components"]) if one.get("id") != "events_table"}
    form, table = components["form"], components["table"]
    row_actions = {one["id"]: one["action"] for one in table["row_actions"]}

    def rows(source: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.http.get(f"/api/plugins/{KEY}/data/{source}/").json()["data"]
        return found

    # The form: its fields are validated before the plugin is asked.
    bad = api.http.post(
        f"/api/plugins/plugins/{KEY}/run/",
        json={
            "action": form["submit_action"],
            "form": form["id"],
            "params": {"name": "Club", "url": "no url"},
        },
    )
    assert bad.status_code == 422
    assert bad.json()["path"] == "params.url"
    club.matches = {"Home": 1, "Away": 2}
    values = {"name": "Club", "url": club.url}
    assert {one["id"] for one in form["fields"]} == set(values)
    added = api.result(KEY, form["submit_action"], values)
    assert added["status"] == "ok", added
    twice = api.result(KEY, form["submit_action"], values)
    assert (twice["status"], "there already" in twice["message"]) == ("error", True)

    # The table's row actions get the row, as the table shows it.
    (row,) = rows(table["data_source"])
    assert (row["name"], row["url"]) == ("Club", club.url)
    answer = api.run(KEY, row_actions["sync"], row).json()
    assert (answer["result"]["status"], answer["result"]["event_count"]) == ("ok", 2)
    assert written.log(answer["run_id"], "2 events")[0]["message"] == "Syncing Club"
    assert {event["title"] for event in rows("events")} == {"Home", "Away"}
    assert rows(table["data_source"])[0]["last_synced"].endswith("Z")

    # Nothing new is not downloaded; what is new keeps the ids of what was there.
    ids = {event["title"]: event["_id"] for event in rows("events")}
    assert api.result(KEY, "sync_all")["status"] == "ok"
    assert club.answered == [200, 304]
    club.matches = {"Home": 1, "Final": 9}
    assert api.result(KEY, row_actions["sync"], row)["event_count"] == 2
    after = {event["title"]: event["_id"] for event in rows("events")}
    assert set(after) == {"Home", "Final"}
    assert after["Home"] == ids["Home"]
    assert after["Final"] not in ids.values()

    deleted = api.result(KEY, row_actions["delete"], row)
    assert (deleted["status"], deleted["event_count"]) == ("ok", 2)
    assert rows(table["data_source"]) == []
    assert rows("events") == []
    gone = api.result(KEY, row_actions["sync"], row)
    assert (gone["status"], "not there any more" in gone["message"]) == ("error", True)
