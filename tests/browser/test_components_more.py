"""The components beyond the specification's, by what each key does."""

import pytest
from playwright.sync_api import expect

from tests.browser.parts import Parts, css, notice

SCORES = [
    {"team": "Rovers", "kind": "a", "points": 10},
    {"team": "City", "kind": "a", "points": 30},
    {"team": "United", "kind": "b", "points": 2.5},
]
POINTS = [{"id": "points", "label": "Points", "color": "red"}]
PAGES = {
    "figures": {"components": [
        {"type": "stat", "label": "Count", "data_source": "scores"},
        {"type": "stat", "label": "Sum", "data_source": "scores", "aggregate": "sum", "field": "points", "icon": "trophy", "color": "red", "description": "of all"},
        {"type": "stat", "label": "Average", "data_source": "scores", "aggregate": "avg", "field": "points", "where": {"kind": "a"}},
        {"type": "stat", "label": "Fixed", "value": 65, "render": "duration"},
        {"type": "chart", "kind": "line", "title": "Lines", "data_source": "scores", "x": "team", "series": POINTS},
        {"type": "chart", "kind": "area", "data_source": "scores", "x": "team", "series": POINTS, "stacked": True},
        {"type": "chart", "kind": "bar", "data_source": "scores", "x": "kind", "aggregate": "sum", "series": POINTS, "height": 180},
        {"type": "chart", "kind": "pie", "data_source": "scores", "x": "kind", "aggregate": "count"},
        {"type": "chart", "kind": "bar", "x": "x", "data": [], "series": [{"id": "y"}]},
    ]},
    "reading": {"components": [
        {"type": "markdown", "content": "# Head\n\nSome **bold** <b>text</b>, `code`, [out](https://example.com), [bad](javascript:alert(1)).\n\n1. one\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |"},
        {"type": "code", "content": "x = 1\ny = 2", "language": "python"},
        {"type": "image", "src": "/favicon.svg", "alt": "The logo", "width": 40, "height": 30, "fit": "cover"},
        {"type": "image", "src": "/no-such-picture.png", "alt": "Nothing"},
        {"type": "details", "data_source": "scores", "where": {"team": "City"}, "items": [{"id": "team", "label": "The team"}, {"id": "points", "label": "Points", "render": "bytes"}]},
        {"type": "details", "data_source": "scores", "sort": "-points"},
        {"type": "details", "data_source": "nothing", "empty_message": "No details"},
        {"type": "button", "label": "Open the drawer", "opens": "side"},
        {"type": "drawer", "id": "side", "title": "Aside", "position": "left", "size": 300, "components": [{"type": "text", "content": "in the drawer"}]},
    ]},
    "runs": {"components": [
        {"type": "button", "label": "Step", "action": "steps", "params": {"wait_after": 2}},
        {"type": "progress", "label": "Steps", "action": "steps"},
        {"type": "progress", "label": "Value", "value": 42, "color": "red"},
        {"type": "log", "title": "Its log", "action": "steps", "height": 120},
    ]},
    "poll": {"components": [
        {"type": "poll", "action": "look", "every_s": 2, "params": {"x": 1}, "until": {"field": "done", "eq": True}, "components": [
            {"type": "text", "content": "Looked at {{count}}"},
            {"type": "text", "content": "all done", "visible_if": {"field": "done", "eq": True}},
        ]},
    ]},
}  # fmt: skip


@pytest.fixture(scope="module")
def parts(module_written):
    made = Parts(module_written, "more_parts", PAGES)
    made.put("scores", SCORES)
    return made


def test_stats_and_charts(parts, page):
    shown = parts.visit(page, "figures")
    stats = shown.locator("[data-ui=stat]")
    expect(stats.locator("[data-part=value]")).to_have_text(["3", "42.5", "20", "1 min 5 s"])
    expect(stats.nth(1).locator("svg[data-icon=trophy]")).to_be_visible()
    expect(stats.nth(1)).to_contain_text("of all")
    assert css(stats.nth(1).locator("[data-part=value]"), "color") != css(
        stats.nth(0).locator("[data-part=value]"), "color"
    )
    chart = lambda kind: shown.locator(f"[data-ui=chart][data-kind={kind}]").first  # noqa: E731
    expect(chart("line")).to_contain_text("Lines")
    expect(chart("line").locator("path.recharts-line-curve")).to_have_count(1)
    expect(chart("area").locator("path.recharts-area-area").first).to_be_visible()
    expect(chart("bar").locator(".recharts-bar-rectangle")).to_have_count(2)
    expect(chart("pie").locator(".recharts-pie-sector")).to_have_count(2)
    # the same numbers for who cannot see the picture
    expect(chart("bar").get_by_role("row")).to_have_text(["aPoints: 40", "bPoints: 2.5"])
    expect(chart("pie").get_by_role("row")).to_have_text(["aCount: 2", "bCount: 1"])
    expect(shown.get_by_text("Nothing to draw yet")).to_be_visible()


def test_things_to_read(parts, page, contexts):
    contexts.allow("404")
    contexts.allow("no-such-picture")
    shown = parts.visit(page, "reading")
    words = shown.locator("[data-ui=markdown]")
    expect(words.get_by_role("heading", name="Head")).to_be_visible()
    expect(words.locator("strong")).to_have_text("bold")
    expect(words.get_by_text("<b>text</b>")).to_be_visible()
    expect(words.get_by_role("link")).to_have_count(1)
    expect(words.get_by_role("link", name="out")).to_have_attribute("href", "https://example.com")
    expect(words.locator("ol li")).to_have_text(["one", "two"])
    expect(words.get_by_role("cell")).to_have_text(["1", "2"])
    code = shown.locator("[data-ui=code]")
    expect(code.locator("pre")).to_have_text("x = 1\ny = 2")
    expect(code).to_contain_text("python")
    expect(code.get_by_role("button", name="Copy")).to_be_visible()
    picture = shown.get_by_role("img", name="The logo")
    assert (css(picture, "width"), css(picture, "height"), css(picture, "object-fit")) == (
        "40px",
        "30px",
        "cover",
    )
    expect(shown.get_by_text("No picture: Nothing")).to_be_visible()
    expect(shown.locator("[data-ui=details]")).to_have_count(2)
    named, whole = shown.locator("[data-ui=details]").all()
    expect(named.locator("dt")).to_have_text(["The team", "Points"])
    expect(named.locator("dd")).to_have_text(["City", "30 B"])
    expect(whole.locator("dt")).to_have_text(["Team", "Kind", "Points"])
    expect(shown.get_by_text("No details")).to_be_visible()
    shown.get_by_role("button", name="Open the drawer").click()
    drawer = page.get_by_role("dialog", name="Aside")
    expect(drawer.get_by_text("in the drawer")).to_be_visible()
    box = drawer.bounding_box()
    assert (round(box["x"]), round(box["width"])) == (0, 300)
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_progress_and_log_follow_a_run(parts, page):
    shown = parts.visit(page, "runs")
    expect(shown.locator("[data-ui=progress]")).to_have_count(2)
    steps, value = shown.locator("[data-ui=progress]").all()
    expect(steps).to_contain_text("Not run yet")
    expect(value.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    log = shown.locator("[data-ui=log]")
    expect(log).to_contain_text("Its log")
    assert log.get_by_role("log").bounding_box()["height"] == 120
    shown.get_by_role("button", name="Step").click()
    expect(steps).to_contain_text("at 2 · 2 of 4")
    expect(steps.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(log).to_contain_text("step 2")
    expect(shown.get_by_role("button", name="Step")).to_have_attribute("aria-busy", "true")
    parts.put("go", [{}])
    expect(log).to_contain_text("step 3")
    expect(notice(page, "Stepped")).to_be_visible()
    expect(steps).to_have_attribute("data-state", "succeeded")


def test_polling_fills_what_stands_below_until_its_condition_holds(parts, page):
    shown = parts.visit(page, "poll")
    expect(shown.get_by_text("Looked at 0")).to_be_visible()
    expect(shown.get_by_text("all done")).to_have_count(0)
    expect(shown.get_by_text("Looked at 1")).to_be_visible()
    expect(shown.get_by_text("all done")).to_be_visible()
    expect(shown.locator("[data-ui=poll]")).to_have_attribute("data-state", "stopped")
    assert parts.noted("look") == {"x": 1}
