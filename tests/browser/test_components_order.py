"""Lists in an order: by mouse, finger and keyboard, and what becomes of a new order."""

import pytest
from playwright.sync_api import expect

from tests.browser.parts import Parts, notice
from tests.e2e.platform import wait_until

PAGES = {
    "order": {"components": [{"type": "drag_drop_list", "data_source": "ordered", "item_template": {"title": "{{name}}", "subtitle": "at {{order}}", "badge": "{{name}}!"}, "on_reorder": "reorder", "actions": [{"id": "poke", "label": "Poke", "icon": "bolt", "action": "poke"}]}]},
    "failing": {"components": [{"type": "drag_drop_list", "data_source": "ordered", "item_template": {"title": "{{name}}"}, "on_reorder": "fail"}]},
    "written": {"components": [{"type": "drag_drop_list", "data_source": "placed", "item_template": {"title": "{{name}}"}, "order_field": "place"}]},
}  # fmt: skip


@pytest.fixture(scope="module")
def parts(module_written):
    return Parts(module_written, "order_parts", PAGES)


def ordered(parts):
    return parts.put(
        "ordered",
        [{"name": name, "order": order} for order, name in enumerate(["one", "two", "three", "four"])],
    )


def titles(shown):
    return shown.locator("[data-ui=drag_drop_list] [data-part=title]")


def drag(page, source, target):
    a, b = source.bounding_box(), target.bounding_box()
    page.mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2 - 10, steps=3)
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=10)
    page.mouse.up()


def lift(page, button, place):
    """Take an item up by keyboard; its arrow keys are heard a moment after that was said."""
    button.press("Space")
    expect(page.get_by_text(f"is now at {place}.")).to_be_attached()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")


def test_dragging_runs_on_reorder_with_the_specified_params(parts, page):
    items = ordered(parts)
    shown = parts.visit(page, "order")
    expect(titles(shown)).to_have_text(["one", "two", "three", "four"])
    expect(shown.locator("[data-part=subtitle]").first).to_have_text("at 0")
    expect(shown.locator("[data-part=badge]").first).to_have_text("one!")
    drag(page, shown.get_by_role("button", name="Move three"), shown.get_by_role("button", name="Move one"))
    expect(titles(shown)).to_have_text(["three", "one", "two", "four"])
    ids = [items[index]["_id"] for index in (2, 0, 1, 3)]
    assert parts.noted("reorder") == {
        "items": [{"_id": number, "order": order} for order, number in enumerate(ids)],
        "moved_item_id": items[2]["_id"], "from_index": 2, "to_index": 0,
    }  # fmt: skip
    expect(shown.locator("[data-part=subtitle]").first).to_have_text("at 0")
    # by keyboard
    lift(page, shown.get_by_role("button", name="Move four"), "4 of 4")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("four is now at 3 of 4.")).to_be_attached()
    page.keyboard.press("Space")
    expect(titles(shown)).to_have_text(["three", "one", "four", "two"])
    assert parts.noted("reorder")["to_index"] == 2
    shown.locator("li").first.get_by_role("button", name="Poke").click()
    assert parts.noted("poke")["name"] == "three"


def test_a_finger_moves_an_item(parts, open_page):
    ordered(parts)
    page = open_page(None, has_touch=True, width=390, height=800)
    shown = parts.visit(page, "order")
    expect(titles(shown)).to_have_text(["one", "two", "three", "four"])
    a, b = (shown.get_by_role("button", name=f"Move {name}").bounding_box() for name in ("one", "three"))
    session = page.context.new_cdp_session(page)

    def touch(kind, y=None):
        points = [] if y is None else [{"x": a["x"] + 10, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    start, end = a["y"] + a["height"] / 2, b["y"] + b["height"] / 2
    touch("touchStart", start)
    expect(shown.locator("li").first).to_have_css("z-index", "2")  # lifted after a moment
    for step in range(1, 11):
        touch("touchMove", start + (end - start) * step / 10)
    touch("touchEnd")
    expect(titles(shown)).to_have_text(["two", "three", "one", "four"])
    assert parts.noted("reorder")["from_index"] == 0


def test_a_reorder_that_failed_is_taken_back(parts, page):
    ordered(parts)
    shown = parts.visit(page, "failing")
    expect(titles(shown)).to_have_text(["one", "two", "three", "four"])
    drag(page, shown.get_by_role("button", name="Move two"), shown.get_by_role("button", name="Move one"))
    expect(notice(page, "It failed on purpose")).to_be_visible()
    expect(titles(shown)).to_have_text(["one", "two", "three", "four"])


def test_without_on_reorder_the_platform_writes_the_order(parts, page):
    parts.put(
        "placed", [{"name": name, "place": place} for name, place in (("b", 1), ("a", 0), ("new", None))]
    )
    shown = parts.visit(page, "written")
    expect(titles(shown)).to_have_text(["a", "b", "new"])
    lift(page, shown.get_by_role("button", name="Move new"), "3 of 3")
    for place in (2, 1):
        page.keyboard.press("ArrowUp")
        expect(page.get_by_text(f"new is now at {place} of 3.")).to_be_attached()
    page.keyboard.press("Space")
    expect(titles(shown)).to_have_text(["new", "a", "b"])
    places = {"new": 0, "a": 1, "b": 2}
    wait_until(lambda: {item["name"]: item["place"] for item in parts.data("placed")} == places, 15)
    page.reload()
    expect(titles(shown)).to_have_text(["new", "a", "b"])


def test_two_quick_moves_are_both_kept(parts, page):
    parts.put("placed", [{"name": name, "place": place} for place, name in enumerate("abc")])
    shown = parts.visit(page, "written")
    expect(titles(shown)).to_have_text(["a", "b", "c"])
    held = []
    holding = True

    def write(route):
        if holding:
            held.append(route)
        else:
            route.continue_()

    page.route("**/data/placed/*/", write)

    def to_the_top(name, places):
        lift(page, shown.get_by_role("button", name=f"Move {name}"), f"{places + 1} of 3")
        for place in range(places, 0, -1):
            page.keyboard.press("ArrowUp")
            expect(page.get_by_text(f"{name} is now at {place} of 3.")).to_be_attached()
        page.keyboard.press("Space")

    to_the_top("c", 2)
    expect(titles(shown)).to_have_text(["c", "a", "b"])
    to_the_top("a", 1)
    expect(titles(shown)).to_have_text(["a", "c", "b"])
    # Nothing was stored until now.
    holding = False
    for route in held:
        route.continue_()
    expect(shown.locator("[aria-busy=true]")).to_have_count(0)
    places = {"a": 0, "c": 1, "b": 2}
    wait_until(lambda: {item["name"]: item["place"] for item in parts.data("placed")} == places, 15)
    expect(titles(shown)).to_have_text(["a", "c", "b"])
