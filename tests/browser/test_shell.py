"""The shell: coming in, finding one's way, hearing of what happens, on every page and in every light."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.workshop import enabled
from tests.e2e.platform import ADMIN, Api, wait_until
from tests.e2e.written import Written

Open = Callable[..., Page]

PAGES = ("/plugins", "/runs", "/schedules", "/users", "/plugins/workshop", "/no/such/page")

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module", autouse=True)
def workshop(module_written: Written) -> str:
    return enabled(module_written)


def stored(page: Page) -> dict[str, str] | None:
    return page.evaluate("JSON.parse(localStorage.getItem('plugarr.session'))")


def fill_in(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"input[name={name}]").fill(value)
    page.locator("button[type=submit]").click()


def test_a_new_platform_asks_for_its_administrator_and_lets_them_in(open_page: Open) -> None:
    page = open_page(None, user=None)
    # The real first start is the gateway's test; here it is told that nobody is there yet.
    page.route("**/api/setup/", first_start)
    page.goto("/runs")
    expect(page.get_by_role("heading", name="Create the administrator")).to_be_visible()
    fill_in(page, username=ADMIN[0], password="short", again="short")
    expect(page.get_by_text("At least 8 characters, please.")).to_be_visible()
    fill_in(page, password=ADMIN[1], again="another-one")
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    fill_in(page, again=ADMIN[1])
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def first_start(route: Route) -> None:
    if route.request.method == "GET":
        route.fulfill(json={"needed": True})
    else:
        assert route.request.post_data_json == {"username": ADMIN[0], "password": ADMIN[1]}
        route.fulfill(status=201, json={"id": "1", "username": ADMIN[0]})


def test_a_wrong_password_is_said_and_a_right_one_leads_where_the_link_led(open_page: Open, contexts) -> None:
    contexts.allow("401")
    page = open_page("/plugins/workshop", user=None)
    fill_in(page, username=ADMIN[0], password="not-this-one")
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    fill_in(page, password=ADMIN[1])
    expect(page.get_by_text("Welcome to the workshop")).to_be_visible()
    expect(page).to_have_url(re.compile("/plugins/workshop$"))


def test_a_token_that_ran_out_is_renewed_without_a_word(
    open_page: Open, storage_states: dict[str, dict[str, list[dict[str, list[dict[str, str]]]]]]
) -> None:
    page = open_page(None, user=None)
    session = json.loads(storage_states["admin"]["origins"][0]["localStorage"][0]["value"])
    worn = json.dumps({"access": "worn.out.token", "refresh": session["refresh"]})
    page.add_init_script(
        f"if (!localStorage.getItem('plugarr.session')) localStorage.setItem('plugarr.session', '{worn}')"
    )
    page.goto("/plugins")
    expect(page.get_by_role("heading", name="Workshop")).to_be_visible()
    tokens = stored(page)
    assert tokens is not None
    assert tokens["access"] != "worn.out.token"


def test_logging_out_ends_it_in_every_tab(open_page: Open) -> None:
    page = open_page("/plugins")
    other = page.context.new_page()
    other.goto("/runs")
    expect(other.get_by_role("heading", name="Runs")).to_be_visible()
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("menuitem", name="Log out").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="Log in")).to_be_visible()
    assert stored(page) is None


def test_plugins_have_entries_that_come_and_go_by_themselves(open_page: Open, api: Api) -> None:
    page = open_page("/runs")
    entry = page.get_by_role("link", name="Workshop")
    expect(entry.locator("svg[data-icon=tools] path").first).to_be_attached()
    expect(entry.get_by_test_id("nav-badge")).to_have_text("3")
    api.enable("workshop", False)
    expect(entry).to_have_count(0)
    api.enable("workshop")
    expect(entry).to_be_visible()
    entry.click()
    expect(page.get_by_text("Welcome to the workshop")).to_be_visible()
    expect(entry).to_have_attribute("aria-current", "page")


def test_entries_stand_by_their_positions(open_page: Open, api: Api, written: Written) -> None:
    for name, position in (("pos_top", '"top"'), ("pos_bottom", '"bottom"'), ("pos_2", "2"), ("pos_1", "1")):
        source = f"""
            class Plugin:
                name = "{name}"
                navigation = {{"label": "{name}", "position": {position}, "icon": "no-such-icon"}}
                def run(self, action, params, context):
                    return None
        """
        written.enabled(name, source)
    page = open_page("/runs")
    expect(page.get_by_role("link", name=re.compile("^pos_"))).to_have_count(4)
    upper, bottom = page.get_by_test_id("plugin-links").all()
    names = [label for label in upper.locator("a").all_inner_texts() if label.startswith("pos_")]
    assert names == ["pos_1", "pos_2", "pos_top"]
    expect(bottom.get_by_role("link", name="pos_bottom")).to_be_visible()
    # Whatever has no such icon is a piece of a puzzle, and not nothing.
    expect(upper.locator("svg[data-icon=no-such-icon] path").first).to_be_attached()


def test_an_entry_leads_where_its_plugin_says(open_page: Open, written: Written) -> None:
    source = """
        class Plugin:
            name = "Elsewhere"
            navigation = {"label": "Elsewhere", "path": "/plugins/workshop/main"}
            def run(self, action, params, context):
                return None
    """
    written.enabled("elsewhere", source)
    page = open_page("/runs")
    page.get_by_role("link", name="Elsewhere").click()
    expect(page).to_have_url(re.compile("/plugins/workshop/main$"))
    expect(page.get_by_text("Welcome to the workshop")).to_be_visible()


def test_what_a_plugin_tells_everybody_is_a_notification_with_its_name(open_page: Open, api: Api) -> None:
    page = open_page("/plugins")
    expect(page.get_by_test_id("live").first).to_have_attribute("data-state", "live")
    assert api.run("workshop", "tell").status_code == 200
    expect(page.locator("[data-outcome]").filter(has_text="Told everybody")).to_contain_text("Workshop")


def test_a_lost_connection_shows_comes_back_and_catches_up(open_page: Open, api: Api) -> None:
    page = open_page(None)
    sockets: list[WebSocketRoute] = []
    refusing = False

    def connect(socket: WebSocketRoute) -> None:
        if refusing:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile("/ws/$"), connect)
    page.goto("/plugins")
    state = page.get_by_test_id("live").first
    expect(state).to_have_attribute("data-state", "live")
    entry = page.get_by_role("link", name="Workshop", exact=False).first
    expect(entry).to_be_visible()
    refusing = True
    sockets[-1].close(code=1012)
    expect(state).to_have_attribute("data-state", "lost")
    expect(page.get_by_test_id("connection-lost")).to_contain_text("reconnecting")
    api.enable("workshop", False)
    refusing = False
    try:
        expect(state).to_have_attribute("data-state", "live")
        expect(page.get_by_test_id("connection-lost")).to_have_count(0)
        expect(page.get_by_role("switch", name="Workshop enabled")).not_to_be_checked()
    finally:
        api.enable("workshop")


def test_the_keyboard_skips_to_the_content(open_page: Open) -> None:
    page = open_page("/plugins")
    expect(page.get_by_role("heading", name="Plugins", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_appearance_is_chosen_and_kept(open_page: Open) -> None:
    page = open_page("/plugins")
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "light")
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("img", name="Dark").click()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")


def test_on_a_narrow_screen_the_menu_opens_leads_and_closes(open_page: Open) -> None:
    page = open_page("/plugins", width=390, height=800)
    menu = page.get_by_role("button", name="Open the menu")
    expect(page.get_by_role("link", name="Schedules")).to_be_hidden()  # to the keyboard too
    menu.click()
    page.get_by_role("link", name="Schedules").click()
    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
    expect(menu).to_be_visible()
    expect(page.get_by_role("link", name="Runs")).not_to_be_in_viewport()


def test_a_viewer_is_offered_nothing_that_would_be_refused(open_page: Open) -> None:
    page = open_page("/plugins", user="viewer")
    card = page.locator("[data-plugin=workshop]")
    expect(card.get_by_role("switch")).to_be_disabled()
    expect(card.get_by_role("button", name="Run: Greet")).to_be_disabled()
    for name in ("Import", "Reload", "Settings"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto("/schedules")
    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
    expect(page.get_by_role("button", name="New schedule")).to_have_count(0)
    page.goto("/users")
    expect(page.get_by_role("heading", name="API keys").first).to_be_visible()
    expect(page.get_by_role("heading", name="Users")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_as_wide_as_the_screen(
    open_page: Open, axe: Callable[..., list[str]], scheme: str
) -> None:
    page = open_page(None, scheme=scheme)
    for path in PAGES:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
        assert axe(page) == [], path
        page.set_viewport_size({"width": 390, "height": 800})
        expect(page.get_by_role("button", name="Open the menu")).to_be_visible()
        # Not Playwright's own waiting: that evaluates text in the page, which the page's policy forbids.
        wait_until(lambda: page.evaluate(FITS), 10)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_in_is_accessible(open_page: Open, axe: Callable[..., list[str]], scheme: str) -> None:
    page = open_page("/", user=None, scheme=scheme)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert axe(page) == []
