"""The runs page: what ran and runs, its log as it is written, cancelling and running again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.workshop import enabled, let_go
from tests.e2e.platform import Api
from tests.e2e.written import Written

Open = Callable[..., Page]


@pytest.fixture(scope="module", autouse=True)
def workshop(module_written: Written) -> str:
    return enabled(module_written)


def started(api: Api, action: str = "slow", **params: str) -> str:
    answer = api.run("workshop", action, params, wait=0)
    assert answer.status_code == 202, answer.text
    run_id: str = answer.json()["run_id"]
    return run_id


def test_runs_show_as_they_come_and_end(open_page: Open, api: Api, module_written: Written) -> None:
    page = open_page("/runs?plugin=workshop")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    run_id = started(api, go="live-go")
    row = page.locator(f"[data-run='{run_id}']")
    expect(row.locator("[data-state]")).to_have_text("Running")
    expect(row).to_contain_text("Workshop")
    expect(row).to_contain_text("admin, by hand")
    let_go(module_written, "live-go")
    expect(row.locator("[data-state]")).to_have_text("Succeeded")


def test_filters_narrow_the_list_and_stand_in_the_address(open_page: Open, api: Api) -> None:
    broken = api.run("workshop", "break").json()["run_id"]
    wordy = api.run("workshop", "words").json()["run_id"]
    fine = api.run("workshop", "greet").json()["run_id"]
    page = open_page("/runs")

    def rows(run_id: str) -> Locator:
        return page.locator(f"[data-run='{run_id}']")

    def choose(filter_: str, option: str) -> None:
        page.get_by_role("combobox", name=filter_).click()
        page.get_by_role("option", name=option, exact=True).click()

    choose("Plugin", "Workshop")
    choose("State", "Failed")
    expect(rows(broken)).to_have_count(1)
    expect(rows(fine)).to_have_count(0)
    choose("State", "Succeeded")
    choose("Outcome", "Error")
    expect(rows(wordy)).to_have_count(1)
    expect(rows(fine)).to_have_count(0)
    page.reload()
    expect(rows(wordy)).to_have_count(1)
    page.get_by_role("textbox", name="Search runs").fill("nothing of that kind")
    expect(page.get_by_text("No run matches")).to_be_visible()
    page.get_by_role("button", name="Show all runs").click()
    expect(rows(fine)).to_have_count(1)


def test_the_log_comes_live_and_can_be_searched(open_page: Open, api: Api, module_written: Written) -> None:
    run_id = started(api, go="log-go")
    page = open_page(f"/runs/{run_id}")
    log = page.get_by_role("region", name="Log")
    expect(log.get_by_text("counted 5")).to_be_visible()
    expect(page.get_by_test_id("progress")).to_contain_text("2 of 5")
    expect(log.get_by_text("counted all")).to_have_count(0)
    let_go(module_written, "log-go")
    expect(log.get_by_text("counted all")).to_be_visible()
    expect(page.get_by_test_id("run-state")).to_have_text("Succeeded")
    expect(page.get_by_test_id("progress")).to_have_count(0)
    page.get_by_role("textbox", name="Search the log").fill("odd")
    expect(page.get_by_text("1 of 7 lines")).to_be_visible()
    expect(log.locator("mark")).to_have_text("odd")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert "counted all" in download.value.path().read_text()


def test_a_run_shows_what_it_was_given_and_what_came_of_it(open_page: Open, api: Api) -> None:
    run_id = api.run("workshop", "list", {"only": "live"}).json()["run_id"]
    page = open_page(f"/runs/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("List channels")
    # A result with rows is what one came for: it is open.
    expect(page.get_by_text("130 channels", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="name")).to_be_visible()
    page.get_by_role("tab", name="Params").click()
    expect(page.get_by_text('"only": "live"')).to_be_visible()
    page.get_by_role("tab", name="Runs it started").click()
    expect(page.get_by_text("It started no tasks and no other runs.")).to_be_visible()


def test_a_failed_run_says_what_went_wrong_and_runs_again(open_page: Open, api: Api) -> None:
    run_id = api.run("workshop", "break").json()["run_id"]
    page = open_page(f"/runs/{run_id}")
    expect(page.get_by_role("alert")).to_contain_text("the workshop is closed")
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(re.compile(run_id))
    expect(page.get_by_text("Repeats")).to_be_visible()
    expect(page.get_by_test_id("run-state")).to_have_text("Failed")


def test_cancelling_says_which_siblings_may_end_too(
    open_page: Open, api: Api, module_written: Written
) -> None:
    first = started(api, go="cancel-go")
    second = started(api, go="cancel-go")
    page = open_page(f"/runs/{first}")
    expect(page.get_by_test_id("run-state")).to_have_text("Running")
    other = open_page(f"/runs/{second}")
    expect(other.get_by_test_id("run-state")).to_have_text("Running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel Count?")
    expect(dialog.get_by_text("By force, these end too")).to_be_visible()
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_test_id("run-state")).to_have_text("Cancelled")
    let_go(module_written, "cancel-go")
    expect(other.get_by_test_id("run-state")).to_have_text("Succeeded")


def test_cancelling_says_when_siblings_cannot_be_read(
    open_page: Open, api: Api, module_written: Written, contexts
) -> None:
    contexts.allow("500")
    run_id = started(api, go="unread-go")
    page = open_page(f"/runs/{run_id}")
    expect(page.get_by_test_id("run-state")).to_have_text("Running")
    page.route("**/siblings/", lambda route: route.fulfill(status=500, json={"detail": "no database"}))
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel Count?")
    expect(dialog.get_by_text("Which ones could not be read: no database")).to_be_visible()
    let_go(module_written, "unread-go")


def test_a_page_past_the_end_gives_way_to_the_last_one(open_page: Open, api: Api) -> None:
    run_id = api.run("workshop", "greet").json()["run_id"]
    page = open_page(f"/runs?search={run_id}&page=7")
    expect(page).not_to_have_url(re.compile("page="))
    page.goto("/runs?plugin=workshop&page=7000")
    expect(page.locator("[data-run]").first).to_be_visible()


def test_a_run_that_there_is_not_is_said(open_page: Open, contexts) -> None:
    contexts.allow("404")
    page = open_page("/runs/01a21259-60a7-72d8-ab8d-6cc838198db0")
    expect(page.get_by_role("alert")).to_contain_text("The run could not be loaded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_run_s_page_is_accessible(
    open_page: Open, api: Api, axe: Callable[..., list[str]], scheme: str
) -> None:
    run_id = api.run("workshop", "list").json()["run_id"]
    page = open_page(f"/runs/{run_id}", scheme=scheme)
    expect(page.get_by_text("130 channels", exact=True)).to_be_visible()
    assert axe(page) == []
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_text("It logged nothing.")).to_be_visible()
    assert axe(page) == []
