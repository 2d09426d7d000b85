"""The schedules page: making, changing, pausing and running them, and what became of their ticks."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.workshop import enabled
from tests.e2e.platform import Api
from tests.e2e.written import Written

Open = Callable[..., Page]


@pytest.fixture(scope="module", autouse=True)
def workshop(module_written: Written) -> str:
    return enabled(module_written)


@pytest.fixture(autouse=True)
def no_schedules_left(api: Api) -> Iterator[None]:
    yield
    for schedule in api.http.get("/api/schedules/").json()["schedules"]:
        api.http.delete(f"/api/schedules/{schedule['id']}/")


def made(api: Api, name: str, **more: object) -> str:
    body = {"name": name, "plugin": "workshop", "action": "greet", "cron": "0 3 * * *", **more}
    answer = api.http.post("/api/schedules/", json=body)
    assert answer.status_code == 201, answer.text
    schedule_id: str = answer.json()["id"]
    return schedule_id


def choose(scope: Locator, label: str, option: str) -> None:
    scope.get_by_role("combobox", name=label).click()
    scope.page.get_by_role("option", name=option, exact=True).click()


def more(page: Page, name: str, item: str) -> None:
    page.get_by_role("button", name=f"More of {name}").click()
    page.get_by_role("menuitem", name=item).click()


def test_a_schedule_is_made_after_its_mistakes_are_said(open_page: Open, api: Api, contexts) -> None:
    contexts.allow("422")
    page = open_page("/schedules")
    expect(page.get_by_text("Nothing is scheduled")).to_be_visible()
    page.get_by_role("button", name="New schedule").first.click()
    dialog = page.get_by_role("dialog", name="New schedule")
    dialog.get_by_label("Cron").fill("0 3 *")
    dialog.get_by_role("button", name="Create").click()
    for problem in ("It needs a name.", "Choose a plugin.", "Choose an action.", "A cron has five fields"):
        expect(dialog.get_by_text(problem)).to_be_visible()
    dialog.get_by_label("Name").fill("Nightly")
    choose(dialog, "Plugin", "Workshop")
    choose(dialog, "Action", "Greet")
    # What only the server knows is said at its field, too.
    dialog.get_by_label("Cron").fill("61 3 * * *")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_label("Cron")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Cron").fill("30 4 * * 1-5")
    dialog.get_by_role("combobox", name="Time zone").fill("new_york")
    page.get_by_role("option", name="America/New_York", exact=True).click()
    dialog.get_by_label("Params").fill('{"loud": true}')
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_have_count(0)
    found = page.get_by_role("article", name="Nightly")
    expect(found).to_contain_text("Monday to Friday at 04:30, America/New_York")
    expect(found.get_by_test_id("next")).to_contain_text(re.compile("^in "))
    (stored,) = api.http.get("/api/schedules/").json()["schedules"]
    assert (stored["cron"], stored["timezone"], stored["params"]) == (
        "30 4 * * 1-5", "America/New_York", {"loud": True},
    )  # fmt: skip


def test_a_schedule_is_changed_to_another_kind(open_page: Open, api: Api) -> None:
    made(api, "Nightly")
    page = open_page("/schedules")
    more(page, "Nightly", "Edit")
    dialog = page.get_by_role("dialog", name="Edit Nightly")
    dialog.locator("label").filter(has_text="Interval").click()
    dialog.get_by_label("Every").fill("2")
    dialog.get_by_role("button", name="Save").click()
    found = page.get_by_role("article", name="Nightly")
    expect(found).to_contain_text("Every 2 hours")
    more(page, "Nightly", "Edit")
    dialog.locator("label").filter(has_text="Once").click()
    dialog.get_by_label("At").fill("2031-05-04T10:00")
    dialog.get_by_role("button", name="Save").click()
    expect(found).to_contain_text("Once, 4 May 2031, 10:00")


def test_a_schedule_shows_at_once_on_every_page_that_is_open(open_page: Open, api: Api) -> None:
    page = open_page("/schedules")
    expect(page.get_by_text("Nothing is scheduled")).to_be_visible()
    expect(page.get_by_test_id("live").first).to_have_attribute("data-state", "live")
    made(api, "From elsewhere")
    expect(page.get_by_role("article", name="From elsewhere")).to_be_visible()


def test_run_now_runs_it_and_shows_the_run(open_page: Open, api: Api) -> None:
    made(api, "Nightly")
    page = open_page("/schedules")
    page.get_by_role("button", name="Run now").click()
    notice = page.locator("[data-outcome=ok]").filter(has_text="Nightly was started.")
    notice.get_by_role("link", name="Show the run").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Greet")
    expect(page.get_by_test_id("run-state")).to_have_text("Succeeded")


def test_a_paused_schedule_has_no_next_tick_until_it_goes_on(open_page: Open, api: Api) -> None:
    made(api, "Nightly")
    page = open_page("/schedules")
    found = page.get_by_role("article", name="Nightly")
    more(page, "Nightly", "Pause")
    expect(found.get_by_text("Paused")).to_be_visible()
    expect(found.get_by_test_id("next")).to_have_text("–")
    more(page, "Nightly", "Resume")
    expect(found.get_by_text("Paused")).to_have_count(0)
    expect(found.get_by_test_id("next")).to_contain_text(re.compile("^in "))


def test_past_ticks_are_shown_with_what_became_of_them(open_page: Open, api: Api) -> None:
    made(api, "Quick", cron=None, interval_s=1)
    page = open_page("/schedules")
    more(page, "Quick", "Past ticks")
    ticks = page.get_by_role("table", name="Past ticks of Quick")
    expect(ticks.get_by_text("Ran").first).to_be_visible()
    ticks.get_by_role("link", name="Show the run").first.click()
    expect(page.get_by_text("by a schedule")).to_be_visible()


def test_a_schedule_is_deleted_when_one_is_sure(open_page: Open, api: Api) -> None:
    made(api, "Nightly")
    page = open_page("/schedules")
    more(page, "Nightly", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing is scheduled")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_schedules_and_their_form_are_accessible(
    open_page: Open, api: Api, axe: Callable[..., list[str]], scheme: str
) -> None:
    made(api, "Nightly")
    page = open_page("/schedules", scheme=scheme)
    more(page, "Nightly", "Edit")
    expect(page.get_by_role("dialog", name="Edit Nightly")).to_be_visible()
    assert axe(page, "[role=dialog]") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert axe(page) == []
