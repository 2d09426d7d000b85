"""The plugins page: what is installed, its state, settings and actions; import and delete."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.workshop import enabled, let_go
from tests.e2e.platform import Api
from tests.e2e.written import Written

Open = Callable[..., Page]

SMALL = """
    class Plugin:
        name = "{name}"
        version = "{version}"
        def run(self, action, params, context):
            return None
"""


@pytest.fixture(scope="module", autouse=True)
def workshop(module_written: Written) -> str:
    return enabled(module_written)


def card(page: Page, key: str = "workshop") -> Locator:
    return page.locator(f"[data-plugin={key}]")


def act(page: Page, label: str) -> None:
    found = card(page)
    more = found.get_by_role("button", name=re.compile("more actions"))
    button = found.get_by_role("button", name=re.compile(f": {label}$"))
    expect(found.get_by_role("button", name="Run: Greet")).to_be_visible()
    if button.count() == 0:
        more.click()
    button.click()


def archive(name: str, source: str) -> FilePayload:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr(f"{name}/plugin.py", source)
    return {"name": f"{name}.zip", "mimeType": "application/zip", "buffer": data.getvalue()}


def small(name: str, version: str = "1.0") -> str:
    return SMALL.replace("\n    ", "\n").format(name=name, version=version)


def test_a_card_says_what_a_plugin_is_and_what_is_wrong_with_it(open_page: Open) -> None:
    page = open_page("/plugins")
    found = card(page)
    expect(found.get_by_role("heading")).to_have_text("Workshop")
    for text in ("0.4.1", "by The tests", "Shows what the shell can show."):
        expect(found.get_by_text(text)).to_be_visible()
    documentation = found.get_by_role("link", name="Documentation")
    expect(documentation).to_have_attribute("href", "https://example.org/workshop")
    expect(found.get_by_test_id("home")).to_contain_text("Home: executor")
    warnings = found.get_by_test_id("warnings")
    warnings.get_by_role("button").click()
    expect(warnings.get_by_text("fields[5]").first).to_be_visible()
    errors = found.get_by_test_id("errors")
    errors.get_by_role("button").click()
    expect(errors.get_by_text("pages.main.components[1]").first).to_be_visible()
    expect(card(page, "hello").locator("img")).to_have_js_property("complete", True)


def test_search_and_filter_narrow_the_list_and_stand_in_the_address(open_page: Open) -> None:
    page = open_page("/plugins")
    page.get_by_role("textbox", name="Search plugins").fill("tests shell")
    expect(page.get_by_role("article")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("article")).to_have_count(1)
    page.locator("label").filter(has_text="Disabled").click()
    expect(page.get_by_text("No plugin matches")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(card(page)).to_be_visible()


def test_enabling_for_the_first_time_asks_for_trust_and_shows_everywhere(
    open_page: Open, written: Written
) -> None:
    written.listed("fresh", small("Fresh"))
    page, other = open_page("/plugins"), open_page("/plugins", user="user")
    switch = page.get_by_role("switch", name="Fresh enabled")
    elsewhere = other.get_by_role("switch", name="Fresh enabled")
    expect(elsewhere).not_to_be_checked()
    switch.click(force=True)
    dialog = page.get_by_role("dialog", name="Enable Fresh?")
    expect(dialog).to_contain_text("its code runs on this server")
    dialog.get_by_role("button", name="Cancel").click()
    expect(switch).not_to_be_checked()
    switch.click(force=True)
    dialog.get_by_role("button", name="I trust it, enable").click()
    expect(switch).to_be_checked()
    expect(elsewhere).to_be_checked()
    expect(switch).to_be_enabled()
    switch.click(force=True)
    expect(elsewhere).not_to_be_checked()
    expect(switch).to_be_enabled()
    switch.click(force=True)
    expect(switch).to_be_checked()
    expect(dialog).to_have_count(0)


def test_settings_are_validated_saved_masked_and_reset(open_page: Open, api: Api) -> None:
    page = open_page("/plugins")
    card(page).get_by_role("button", name="Settings").click()
    form = page.get_by_role("dialog", name="Settings of Workshop")
    save = form.get_by_role("button", name="Save settings")
    token = form.get_by_label("Token").first
    form.get_by_label("Limit").fill("50")
    save.click()
    expect(token).to_have_attribute("data-invalid", "true")
    token.fill("very-secret")
    form.get_by_label("Loud").check(force=True)
    save.click()
    expect(form).to_have_count(0)
    stored = api.plugins()["workshop"]["settings"]
    assert stored["limit"] == 50
    assert stored["loud"] is True
    assert "very-secret" not in str(stored)
    page.goto("/plugins?settings=workshop")
    expect(form.get_by_label("Limit")).to_have_value("50")
    form.get_by_role("button", name="Reset to defaults").click()
    expect(form.get_by_label("Limit")).to_have_value("10")


def test_how_an_action_ended_is_said_in_its_colour(open_page: Open, contexts) -> None:
    contexts.allow("500")
    page = open_page("/plugins")
    notice = page.locator("[data-outcome]")
    act(page, "Greet")
    ok = notice.filter(has_text="Hello from the workshop")
    expect(ok).to_have_attribute("data-outcome", "ok")
    act(page, "Break")
    broken = notice.filter(has_text="the workshop is closed")
    expect(broken).to_have_attribute("data-outcome", "error")
    act(page, "Quiet one")
    expect(notice.filter(has_text="Quiet one")).to_have_attribute("data-outcome", "ok")
    broken.get_by_role("button", name="Dismiss").click()
    act(page, "Many words")
    text = notice.filter(has_text="at length").locator(".notice-text")
    expect(text).to_be_visible()
    assert text.evaluate("e => e.scrollHeight > e.clientHeight && getComputedStyle(e).userSelect == 'text'")
    broken_again = notice.filter(has_text="at length")
    broken_again.get_by_role("link", name="Show the run").click()
    expect(page.get_by_test_id("run-state")).to_have_text("Error")


def test_a_confirmation_shows_the_authors_words_and_no_means_no(open_page: Open, api: Api) -> None:
    page = open_page("/plugins")
    before = api.http.get("/api/runs/", params={"plugin": "workshop", "action": "slow"}).json()["total"]
    act(page, "Count")
    dialog = page.get_by_role("dialog", name="Really count?")
    expect(dialog).to_contain_text("It takes long.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert (
        api.http.get("/api/runs/", params={"plugin": "workshop", "action": "slow"}).json()["total"] == before
    )


def test_a_result_with_rows_is_a_table_that_can_be_searched(open_page: Open) -> None:
    page = open_page("/plugins")
    act(page, "List channels")
    page.get_by_role("dialog").get_by_role("button", name="List channels").click()
    result = page.get_by_role("region", name="Result of List channels")
    expect(result.get_by_role("columnheader")).to_have_text(["id", "name", "live"])
    expect(result.get_by_role("button", name=re.compile("Show more"))).to_contain_text("30 left")
    result.get_by_role("textbox", name="Search results").fill("Channel 12")
    expect(result.locator("section tbody tr")).to_have_count(11)
    result.get_by_role("button", name="Close the result").click()
    expect(result).to_have_count(0)


def test_an_action_still_shows_as_running_after_leaving_and_returning(
    open_page: Open, module_written: Written
) -> None:
    page, other = open_page("/plugins"), open_page("/plugins", user="user")
    act(page, "Count")
    page.get_by_role("dialog").get_by_role("button", name="Count").click()
    button = card(page).get_by_role("button", name="Run: Count")
    expect(button).to_have_attribute("data-loading", "true")
    page.get_by_role("link", name="Schedules").click()
    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
    page.get_by_role("link", name="Plugins", exact=True).click()
    expect(button).to_have_attribute("data-loading", "true")
    page.reload()
    expect(button).to_have_attribute("data-loading", "true")
    # Whoever looks sees it, not only who pressed it.
    elsewhere = card(other).get_by_role("button", name="Run: Count")
    expect(elsewhere).to_have_attribute("data-loading", "true")
    go = let_go(module_written)
    expect(button).not_to_have_attribute("data-loading", "true")
    expect(elsewhere).not_to_have_attribute("data-loading", "true")
    go.unlink()


def test_the_end_of_a_long_action_is_told_on_whatever_page_one_is(
    open_page: Open, module_written: Written
) -> None:
    page = open_page("/plugins")
    act(page, "Count")
    with page.expect_response(lambda answer: "/run/" in answer.url and answer.status == 202):
        page.get_by_role("dialog").get_by_role("button", name="Count").click()
    page.get_by_role("link", name="Schedules").click()
    go = let_go(module_written)
    notice = page.locator("[data-outcome=ok]").filter(has_text="Counted")
    expect(notice).to_contain_text("Count")
    go.unlink()


def test_a_zip_is_imported_refused_and_replaced(open_page: Open, api: Api, contexts) -> None:
    contexts.allow("400")
    page = open_page("/plugins")
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog", name="Import a plugin")
    choose = dialog.locator("input[type=file]")
    choose.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"?"})
    expect(dialog.get_by_role("alert")).to_contain_text("no ZIP archive")
    dialog.get_by_role("button", name="Choose another file").click()
    choose.set_input_files({"name": "bad.zip", "mimeType": "application/zip", "buffer": b"not a zip"})
    expect(dialog.get_by_role("alert")).to_contain_text("bad.zip was not installed")
    dialog.get_by_role("button", name="Choose another file").click()
    choose.set_input_files(archive("parcel", small("Parcel")))
    expect(dialog.get_by_text("Parcel is installed")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(card(page, "parcel")).to_be_visible()
    # Dropped anywhere on the page; it is there already, and may be replaced.
    drop(page, archive("parcel", small("Parcel", "2.0")))
    dialog.get_by_role("button", name="Replace the installed one").click()
    expect(dialog.get_by_text("Version 2.0.")).to_be_visible()
    dialog.get_by_role("button", name="Enable it now").click()
    page.get_by_role("dialog", name="Enable Parcel?").get_by_role("button", name="I trust it, enable").click()
    expect(page.get_by_role("switch", name="Parcel enabled")).to_be_checked()
    expect(dialog).to_have_count(0)
    remove(page, "parcel", data=False)
    assert "parcel" not in api.plugins()


def drop(page: Page, file: FilePayload) -> None:
    page.evaluate(
        """([bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, {type: "application/zip"}));
            for (const type of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [list(file["buffer"]), file["name"]],
    )


def remove(page: Page, key: str, *, data: bool) -> None:
    card(page, key).get_by_role("button", name=re.compile("^More of")).click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Delete"))
    if data:
        dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Delete").click()
    expect(card(page, key)).to_have_count(0)


@pytest.mark.parametrize("data", [False, True])
def test_deleting_keeps_or_removes_the_data_as_one_chooses(
    open_page: Open, api: Api, written: Written, data: bool
) -> None:
    key = written.enabled("doomed", small("Doomed"))
    items = f"/api/plugins/{key}/data/things/"
    assert api.http.post(items, json={"n": 1}).status_code == 201
    page = open_page("/plugins")
    remove(page, key, data=data)
    written.enabled("doomed", small("Doomed"))
    assert api.http.get(items).json()["total"] == (0 if data else 1)
    api.http.delete(items)


def test_a_plugin_that_does_not_load_says_why(open_page: Open, written: Written, api: Api) -> None:
    written.listed("crooked", "class Plugin:\n    name = 'Crooked'\n    x = 1 / 0\n")
    page = open_page("/plugins?show=problems")
    api.enable("crooked")
    expect(card(page, "crooked").get_by_text("Did not load")).to_be_visible()
    expect(card(page, "crooked")).to_contain_text("division by zero")


def test_reload_finds_what_is_new_and_reloads_one(open_page: Open) -> None:
    page = open_page("/plugins")
    expect(card(page)).to_be_visible()
    page.get_by_role("button", name="Reload", exact=True).click()
    expect(page.get_by_text(re.compile(r"Looked at the plugin directory: \d+ plugins"))).to_be_visible()
    card(page).get_by_role("button", name="More of Workshop").click()
    page.get_by_role("menuitem", name="Reload").click()
    expect(page.get_by_text("Workshop was loaded anew.")).to_be_visible()


def test_where_it_runs_can_be_changed(open_page: Open, api: Api) -> None:
    page = open_page("/plugins")
    menu = card(page).get_by_role("button", name="More of Workshop")
    menu.click()
    page.get_by_role("menuitem", name="Run on every executor").click()
    expect(card(page).get_by_test_id("home")).to_contain_text("Runs on every executor")
    menu.click()
    page.get_by_role("menuitem", name="Run at one home only").click()
    expect(card(page).get_by_test_id("home")).to_contain_text("Home: executor")
    api.http.post("/api/plugins/plugins/workshop/placement/", json={"placement": None})
