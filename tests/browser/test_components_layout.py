"""Layout and content: what each key of a component does to what is seen, and what leaving it out does."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.parts import Parts, css, notice


def text(content, **more):
    return {"type": "text", "content": content, **more}


def badge(content, **more):
    return {"type": "badge", "content": content, **more}


PAGES = {
    "layout": {
        "title": "Layout",
        "description": "What holds others",
        "components": [
            {"type": "stack", "id": "s1", "gap": "xl", "components": [text("s1a"), text("s1b")]},
            {"type": "stack", "components": [text("s2a"), text("s2b")]},
            {"type": "stack", "gap": 3, "components": [text("s3a"), text("s3b")]},
            {"type": "group", "gap": "xl", "justify": "space-between", "components": [badge("g1a"), badge("g1b")]},
            {"type": "group", "components": [badge("g2a"), badge("g2b")]},
            {"type": "card", "title": "Titled card", "components": [text("in the titled card")]},
            {"type": "card", "components": [text("in the bare card")]},
            {"type": "grid", "columns": 4, "gap": 5, "components": [text(f"cell {n}") for n in range(4)]},
            {
                "type": "tabs",
                "items": [
                    {"id": "one", "label": "First", "icon": "home", "components": [text("first tab"), {"type": "form", "submit_action": "go", "fields": [{"id": "kept", "label": "Kept", "type": "string"}]}]},
                    {"id": "two", "label": "Second", "components": [text("second tab")]},
                ],
            },
        ],
    },
    "content": {
        "components": [
            text("plain text"),
            text("large text", size="xl", weight="bold", color="red"),
            text("pixels", size=31, weight=600),
            text("<b>no HTML</b> {{as_it_is}}"),
            {"type": "title", "content": "Second level"},
            {"type": "title", "content": "Fourth level", "order": 4},
            {"type": "alert", "title": "Titled", "message": "with a message", "color": "yellow"},
            {"type": "alert", "message": "only a message"},
            badge("plain badge"),
            badge("filled badge", color="red", variant="filled", size="xl"),
            {"type": "divider", "label": "labelled"},
            {"type": "divider"},
            {"type": "group", "components": [text("a"), {"type": "divider", "orientation": "vertical"}, text("b")]},
        ]
    },
    "buttons": {
        "components": [
            {"type": "button", "label": "Plain", "action": "plain"},
            {"type": "button", "label": "Styled", "action": "styled", "color": "red", "variant": "outline", "icon": "bolt", "params": {"a": 1}},
            {"type": "button", "label": "Yes or no", "action": "asked", "confirm": True},
            {"type": "button", "label": "In words", "action": "worded", "confirm": {"title": "Really so?", "message": "It cannot be undone."}},
            {"type": "button", "label": "Not asked", "action": "unasked", "confirm": {"required": False, "title": "Never shown"}},
            {"type": "button", "label": "Fails", "action": "fail"},
            {"type": "button", "label": "Elsewhere", "href": "https://example.com/x"},
        ]
    },
    "broken": {
        "components": [
            text("before"),
            {"type": "tabel", "data_source": "x"},
            {"type": "table"},
            {"type": "card", "title": 5, "components": [{"type": "button"}, text("inside")]},
            {"type": "form", "submit_action": "go", "fields": [{"id": "f", "type": "nope"}, {"id": "g", "label": "Good", "type": "string"}]},
            text("after"),
        ]
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def parts(module_written):
    return Parts(module_written, "layout_parts", PAGES)


def gap(page, above, below, axis="y"):
    boxes = [page.get_by_text(name, exact=True).bounding_box() for name in (above, below)]
    size = {"y": "height", "x": "width"}[axis]
    return round(boxes[1][axis] - boxes[0][axis] - boxes[0][size])


def test_the_first_page_opens_where_none_is_main(parts, page):
    shown = parts.visit(page)
    expect(shown.get_by_role("heading", level=1)).to_have_text("Layout")
    expect(shown.get_by_text("What holds others")).to_be_visible()
    assert page.title().startswith("Layout")


def test_a_page_without_title_and_description_has_the_plugins_name(parts, page):
    shown = parts.visit(page, "content")
    expect(shown.get_by_role("heading", level=1)).to_have_text("Parts")
    expect(shown.locator("[data-part=description]")).to_have_count(0)


def test_layout(parts, page):
    shown = parts.visit(page)
    # stack: gap, and the gap when it is left out
    assert gap(page, "s1a", "s1b") == 32
    assert gap(page, "s2a", "s2b") == 16
    assert gap(page, "s3a", "s3b") == 3
    # group: gap, justify, and neither
    groups = shown.locator("[data-ui=group]")
    spread, plain = groups.nth(0), groups.nth(1)
    assert (css(spread, "column-gap"), css(spread, "justify-content")) == ("32px", "space-between")
    assert (css(plain, "column-gap"), css(plain, "justify-content")) == ("16px", "flex-start")
    assert gap(page, "g1a", "g1b", "x") > 300
    # card: title, and none
    titled, bare = shown.locator("[data-ui=card]").all()
    expect(titled.get_by_role("heading", name="Titled card")).to_be_visible()
    expect(titled.get_by_text("in the titled card")).to_be_visible()
    expect(bare.get_by_role("heading")).to_have_count(0)
    # grid: columns, gap
    tops = {shown.get_by_text(f"cell {n}").bounding_box()["y"] for n in range(4)}
    assert len(tops) == 1
    assert css(shown.locator("[data-ui=grid]"), "column-gap") == "5px"


def test_tabs_are_drawn_when_they_are_opened_and_kept_from_then_on(parts, page):
    shown = parts.visit(page)
    first, second = shown.get_by_role("tab").all()
    expect(first).to_have_attribute("data-tab", "one")
    expect(first.locator("svg[data-icon=home]")).to_be_visible()
    expect(second.locator("svg")).to_have_count(0)
    expect(first).to_have_attribute("aria-selected", "true")
    expect(shown.get_by_text("second tab")).to_have_count(0)
    shown.get_by_label("Kept").fill("typed")
    first.press("ArrowRight")
    expect(shown.get_by_text("second tab")).to_be_visible()
    expect(shown.get_by_text("first tab")).to_be_hidden()
    first.click()
    expect(shown.get_by_label("Kept")).to_have_value("typed")


def test_content(parts, page):
    shown = parts.visit(page, "content")
    plain, large = shown.get_by_text("plain text"), shown.get_by_text("large text")
    assert (css(plain, "font-size"), css(plain, "font-weight")) == ("16px", "400")
    assert (css(large, "font-size"), css(large, "font-weight")) == ("20px", "700")
    assert css(large, "color") != css(plain, "color")
    assert (
        css(shown.get_by_text("pixels"), "font-size"),
        css(shown.get_by_text("pixels"), "font-weight"),
    ) == ("31px", "600")
    expect(shown.get_by_text("<b>no HTML</b> {{as_it_is}}")).to_be_visible()
    expect(shown.get_by_role("heading", level=2, name="Second level")).to_be_visible()
    expect(shown.get_by_role("heading", level=4, name="Fourth level")).to_be_visible()
    titled, untitled = shown.locator("[data-ui=alert]").all()
    expect(titled).to_contain_text("Titled")
    expect(titled).to_contain_text("with a message")
    expect(titled).to_have_attribute("data-color", "yellow")
    expect(untitled).to_have_text("only a message")
    expect(untitled).to_have_attribute("data-color", "blue")
    assert css(titled, "background-color") != css(untitled, "background-color")
    quiet, loud = shown.locator("[data-ui=badge]").all()
    assert quiet.get_attribute("data-variant") == "light"
    assert loud.get_attribute("data-variant") == "filled"
    assert loud.bounding_box()["height"] > quiet.bounding_box()["height"]
    assert css(quiet, "background-color") != css(loud, "background-color")
    labelled, bare, upright = shown.locator("[data-ui=divider]").all()
    expect(labelled).to_have_text("labelled")
    expect(bare).to_have_text("")
    assert bare.bounding_box()["width"] > 300
    assert upright.get_attribute("data-orientation") == "vertical"
    assert upright.bounding_box()["height"] > upright.bounding_box()["width"]


def test_a_button_runs_its_action_with_its_params(parts, page):
    shown = parts.visit(page, "buttons")
    plain, styled = shown.get_by_role("button", name="Plain"), shown.get_by_role("button", name="Styled")
    assert plain.get_attribute("data-variant") == "filled"
    assert styled.get_attribute("data-variant") == "outline"
    expect(styled.locator("svg[data-icon=bolt]")).to_be_visible()
    assert css(plain, "border-color") != css(styled, "border-color")
    plain.click()
    expect(notice(page, "Did plain")).to_have_attribute("data-outcome", "ok")
    assert parts.noted("plain") == {}
    styled.click()
    assert parts.noted("styled") == {"a": 1}
    shown.get_by_role("button", name="Fails").click()
    expect(notice(page, "It failed on purpose")).to_have_attribute("data-outcome", "error")
    assert shown.get_by_role("button", name="Elsewhere").locator("svg[data-icon=external-link]").count() == 1


def test_a_button_asks_first_in_its_own_words(parts, page):
    shown = parts.visit(page, "buttons")
    dialog = page.get_by_role("dialog")
    shown.get_by_role("button", name="Yes or no").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    shown.get_by_role("button", name="Yes or no").click()
    dialog.get_by_role("button", name="Yes or no").click()
    assert parts.noted("asked") == {}
    shown.get_by_role("button", name="In words").click()
    expect(dialog).to_contain_text("Really so?")
    expect(dialog).to_contain_text("It cannot be undone.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    shown.get_by_role("button", name="Not asked").click()
    assert parts.noted("unasked") == {}
    assert [note for note in parts.data("notes") if note["action"] in {"asked", "worded"}] == []


def test_what_cannot_be_drawn_is_a_notice_in_its_place(parts, page):
    shown = parts.visit(page, "broken")
    expect(shown.get_by_text("before")).to_be_visible()
    expect(shown.get_by_text("after")).to_be_visible()
    expect(shown.get_by_text("inside")).to_be_visible()
    expect(shown.get_by_text('unknown component "tabel"')).to_be_visible()
    expect(
        shown.locator("[data-ui=notice] code").filter(has_text="components[2].data_source")
    ).to_be_visible()
    expect(shown.get_by_text(re.compile('has the unknown type "nope"'))).to_be_visible()
    expect(shown.get_by_label("Good")).to_be_visible()


def test_a_page_that_is_not_there_says_so(parts, page, contexts):
    contexts.allow("404")
    page.goto(parts.path("nowhere"))
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
