"""The gallery: every component on one plugin's pages, as people see it and as assistive programs read it."""

import re

import pytest
from playwright.sync_api import Page, expect

from shared.contracts.ui import COMPONENTS, FIELDS

TABS = ("Layout", "Content", "Data", "Figures", "Forms", "Live")


@pytest.fixture(scope="module", autouse=True)
def gallery(api):
    plugin = api.enable("ui_gallery")
    assert plugin["loaded"], plugin["errors"]
    assert plugin["warnings"] == []
    return plugin


def show(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
    panel = page.get_by_role("tabpanel", name=tab, exact=True)
    expect(panel.locator("[data-ui=code]").first).to_be_visible()
    expect(panel.locator(".mantine-Skeleton-root")).to_have_count(0)


def test_the_gallery_shows_every_component_and_field(gallery):
    text = str(gallery["pages"])
    missing = {kind for kind in {*COMPONENTS, *FIELDS} if f"'type': '{kind}'" not in text}
    assert missing == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_is_accessible(open_page, axe, shoot, scheme):
    page = open_page("/plugins/ui_gallery", scheme=scheme)
    for tab in TABS:
        show(page, tab)
        assert axe(page) == [], tab
        shoot(page, f"gallery-{tab.lower()}-{scheme}")


def test_dialogs_are_accessible(open_page, axe):
    page = open_page("/plugins/ui_gallery")
    for button, name in (("Open the modal", "Say hello"), ("Open the drawer", "A drawer")):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        assert axe(page) == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_nothing_is_wider_than_a_narrow_screen(open_page, shoot):
    page = open_page("/plugins/ui_gallery", width=390, height=800)
    for tab in TABS:
        show(page, tab)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, tab
        shoot(page, f"gallery-{tab.lower()}-narrow")


def test_pages_of_a_plugin_lead_to_one_another(page):
    page.goto("/plugins/ui_gallery")
    show(page, "Content")
    page.get_by_role("button", name="Another page").click()
    expect(page).to_have_url(re.compile("/plugins/ui_gallery/second$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Another page")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("UI Gallery")
