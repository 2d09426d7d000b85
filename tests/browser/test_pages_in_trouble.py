"""Pages while things go wrong around them: what is gone, old, refused, late or too much."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Contexts
from tests.browser.parts import Parts, notice
from tests.e2e.written import Written

Open = Callable[..., Page]

PAGES = {
    "main": {"components": [
        {"type": "list", "data_source": "things", "item_template": {"title": "{{name}}"}},
        {"type": "button", "label": "Poke", "action": "poke"},
        {"type": "button", "label": "Fail", "action": "fail"},
        {"type": "button", "label": "Go on", "action": "slow", "params": {"s": 1.5}, "page": "other"},
        {"type": "progress", "label": "Failing", "action": "fail"},
    ]},
    "other": {"components": [{"type": "text", "content": "elsewhere"}]},
    "figures": {"components": [
        {"type": "table", "data_source": "things"},
        {"type": "details", "data_source": "things"},
        {"type": "stat", "label": "Count", "data_source": "things"},
        {"type": "chart", "kind": "bar", "data_source": "things", "x": "name", "aggregate": "count"},
        {"type": "drag_drop_list", "data_source": "things", "item_template": {"title": "{{name}}"}},
    ]},
    "late": {"components": [
        {"type": "poll", "action": "slow", "every_s": 2, "params": {"s": 5.5}, "components": [{"type": "text", "content": "It said {{message}}"}]},
    ]},
    "viewed": {"components": [
        {"type": "button", "label": "Poke", "action": "poke"},
        {"type": "button", "label": "Elsewhere", "page": "other"},
        {"type": "table", "data_source": "things", "row_actions": [{"id": "drop", "label": "Drop", "action": "drop"}]},
        {"type": "drag_drop_list", "data_source": "things", "item_template": {"title": "{{name}}"}},
        {"type": "form", "submit_action": "save", "submit_label": "Save it", "fields": [{"id": "name", "label": "Name", "type": "string"}]},
        {"type": "upload", "action": "take", "label": "Give a file"},
        {"type": "poll", "action": "look", "components": [{"type": "text", "content": "Looked at {{count}}"}]},
    ]},
}  # fmt: skip


@pytest.fixture(scope="module")
def module_parts(module_written: Written) -> Parts:
    return Parts(module_written, "trouble_parts", PAGES)


@pytest.fixture
def parts(module_parts: Parts) -> Iterator[Parts]:
    module_parts.put("things", [{"name": "one"}])
    yield module_parts
    module_parts.api.enable(module_parts.key)


def test_a_page_whose_plugin_is_disabled_says_so_and_offers_nothing(
    parts: Parts, page: Page, contexts: Contexts
) -> None:
    contexts.allow("403|404")  # the page, and its data
    shown = parts.visit(page)
    expect(shown.get_by_text("one")).to_be_visible()
    parts.api.enable(parts.key, False)
    expect(page.get_by_role("heading", name="This plugin is disabled")).to_be_visible()
    expect(page.get_by_role("button", name="Poke")).to_have_count(0)
    parts.api.enable(parts.key)
    expect(page.get_by_role("button", name="Poke")).to_be_visible()


@pytest.mark.parametrize(("name", "many"), [("main", 1), ("figures", 5)])
def test_what_could_not_be_read_again_is_said_to_be_old(
    parts: Parts, page: Page, contexts: Contexts, name: str, many: int
) -> None:
    contexts.allow("500")
    shown = parts.visit(page, name)
    expect(shown.get_by_text("one").first).to_be_visible()
    expect(shown.locator(".mantine-Skeleton-root")).to_have_count(0)
    broken = {"type": "about:blank", "title": "x", "status": 500, "detail": "the disk is full"}
    pattern = re.compile("/data/things/")
    page.route(
        pattern, lambda route: route.fulfill(status=500, json=broken, content_type="application/problem+json")
    )
    parts.put("things", [{"name": "two"}])
    expect(shown.get_by_text("This may be out of date: the disk is full")).to_have_count(many)
    expect(shown.get_by_text("one").first).to_be_visible()
    page.unroute(pattern)
    shown.get_by_role("button", name="Try again").first.click()
    expect(shown.get_by_text("two").first).to_be_visible()


def test_a_poll_that_takes_long_tells_nobody_how_it_ended(parts: Parts, page: Page) -> None:
    shown = parts.visit(page, "late")
    expect(shown.get_by_text("It said Slowly done")).to_be_visible()
    expect(page.locator("[data-outcome]")).to_have_count(0)


def test_a_button_whose_run_is_gone_can_be_pressed_again(
    parts: Parts, page: Page, contexts: Contexts
) -> None:
    contexts.allow("404")
    shown = parts.visit(page)
    gone = {"run_id": "01a21259-60a7-72d8-ab8d-6cc838198db0"}
    page.route("**/run/?*", lambda route: route.fulfill(status=202, json=gone))
    poke = shown.get_by_role("button", name="Poke")
    poke.click()
    expect(notice(page, "How the run ended is not known")).to_be_visible()
    expect(poke).not_to_have_attribute("aria-busy", "true")


def test_data_that_did_not_change_is_not_read_again_after_an_action(parts: Parts, page: Page) -> None:
    shown = parts.visit(page)
    expect(shown.get_by_text("one")).to_be_visible()
    expect(page.get_by_test_id("live").first).to_have_attribute("data-state", "live")
    expect(shown.get_by_text("Not run yet").or_(shown.get_by_text("Error"))).to_be_visible()
    page.wait_for_load_state("networkidle")
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url) if "/data/things/" in request.url else None)
    poke = shown.get_by_role("button", name="Poke")
    poke.click()
    expect(notice(page, "Did poke")).to_be_visible()
    expect(poke).not_to_have_attribute("aria-busy", "true")
    assert read == []


def test_who_may_only_look_is_offered_nothing_that_runs_or_writes(parts: Parts, open_page: Open) -> None:
    page = open_page(parts.path("viewed"), user="viewer")
    for name in ("Poke", "Drop", "Move one", "Give a file"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_label("Name")).to_be_disabled()
    expect(page.get_by_role("button", name="Save it")).to_have_count(0)
    expect(page.locator("[data-ui=poll]")).to_contain_text("you may not run it")
    # what only leads elsewhere leads there
    page.get_by_role("button", name="Elsewhere").click()
    expect(page.get_by_text("elsewhere")).to_be_visible()


def test_a_page_that_was_left_leads_nobody_away(parts: Parts, page: Page) -> None:
    shown = parts.visit(page)
    shown.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", level=1, name="Runs")).to_be_visible()
    expect(notice(page, "Slowly done")).to_be_visible()
    expect(page).to_have_url(re.compile("/runs$"))
    # who stays is led there
    parts.visit(page).get_by_role("button", name="Go on").click()
    expect(page.get_by_text("elsewhere")).to_be_visible()


def test_a_run_that_says_it_failed_is_no_success(parts: Parts, page: Page) -> None:
    assert parts.api.run(parts.key, "fail").status_code == 200
    failing = parts.visit(page).locator("[data-ui=progress]")
    expect(failing.locator(".mantine-Badge-root")).to_have_text("Error")


def test_the_fifth_failure_is_seen_and_none_after_logging_out(parts: Parts, page: Page) -> None:
    shown = parts.visit(page)
    failures = notice(page, "It failed on purpose")
    for count in range(1, 5):
        shown.get_by_role("button", name="Fail").click()
        expect(failures).to_have_count(count)
    shown.get_by_role("button", name="Poke").click()
    expect(notice(page, "Did poke")).to_be_visible()
    expect(failures).to_have_count(3)
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.locator("[data-outcome]")).to_have_count(0)
