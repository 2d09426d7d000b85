"""Forms: every field type and key, faults at their fields, conditions, steps, files."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.parts import Parts, notice


def form(fields, **more):
    return {"type": "form", "id": "f", "submit_action": "save", "fields": fields, **more}


TYPES = [
    {"id": "boolean", "label": "Boolean", "type": "boolean", "default": True, "help_text": "boolean help"},
    {"id": "number", "label": "Number", "type": "number", "min": 1, "max": 9, "step": 0.5, "default": 2},
    {"id": "string", "label": "String", "type": "string", "placeholder": "write here", "max_length": 5},
    {"id": "secret", "label": "Secret", "type": "string", "input_type": "password"},
    {"id": "text", "label": "Text", "type": "text", "rows": 4, "description": "text description"},
    {"id": "line", "label": "Line", "type": "text"},
    {"id": "select", "label": "Select", "type": "select", "options": ["red", {"value": 2, "label": "two"}]},
    {"id": "many", "label": "Many", "type": "multiselect", "options": ["a", "b", "c"]},
    {"id": "team", "label": "Team", "type": "select", "options_from": {"data_source": "teams", "value": "code", "label": "{{name}}!", "where": {"on": True}}},
    {"id": "url", "label": "URL", "type": "url"},
    {"id": "email", "label": "E-mail", "type": "email"},
    {"id": "date", "label": "Date", "type": "date"},
    {"id": "time", "label": "Time", "type": "time"},
    {"id": "datetime", "label": "Moment", "type": "datetime"},
    {"id": "color", "label": "Colour", "type": "color"},
    {"id": "rows", "label": "Rows", "type": "table", "max_rows": 2, "columns": [{"id": "name", "label": "Name", "type": "string", "required": True}, {"id": "n", "label": "N", "type": "number"}]},
    {"id": "note", "label": "Note", "type": "info", "value": "just to read"},
]  # fmt: skip
PAGES = {
    "types": {"components": [form(TYPES, submit_label="Send it")]},
    "small": {
        "components": [
            form([{"id": "name", "label": "Name", "type": "text", "required": True}, {"id": "url", "label": "Address", "type": "url"}]),
            {
                "type": "form",
                "submit_action": "fail",
                "description": "It always fails",
                "initial": {"kept": "from the start"},
                "fields": [{"id": "kept", "label": "Kept", "type": "string"}],
                "submit_label": "Try",
            },
        ]
    },
    "sections": {"components": [form([{"id": "top", "label": "Top", "type": "string"}, {"id": "_section_more", "label": "More", "type": "info"}, {"id": "hidden", "label": "Hidden", "type": "string", "required": True}])]},
    "conditions": {
        "components": [
            form(
                [
                    {"id": "mode", "label": "Mode", "type": "select", "options": ["simple", "expert"], "default": "simple"},
                    {"id": "threads", "label": "Threads", "type": "number", "required": True, "visible_if": {"field": "mode", "eq": "expert"}},
                    {"id": "lock", "label": "Lock", "type": "boolean"},
                    {"id": "name", "label": "Name", "type": "string", "disabled_if": {"field": "lock", "eq": True}},
                ]
            ),
            {"type": "text", "content": "there are jobs", "visible_if": {"data_source": "jobs", "gt": 0}},
            {"type": "button", "label": "Only without jobs", "action": "go", "disabled_if": {"data_source": "jobs", "field": "state", "eq": "on"}},
        ]
    },
    "steps": {
        "components": [
            {
                "type": "stepper",
                "id": "wizard",
                "items": [
                    {"id": "who", "label": "Who", "icon": "user", "description": "a name", "fields": [{"id": "name", "label": "Name", "type": "string", "required": True}]},
                    {"id": "what", "label": "What", "components": [{"type": "text", "content": "say what"}], "fields": [{"id": "what", "label": "Thing", "type": "string"}]},
                ],
                "submit_action": "finish",
                "submit_label": "Finish it",
            }
        ]
    },
    "files": {
        "components": [
            {"type": "upload", "action": "take", "label": "Give files", "description": "Small ones", "accept": ".txt", "max_size": 20, "multiple": True, "params": {"kind": "x"}},
            form([{"id": "doc", "label": "Document", "type": "file"}], id="doc"),
        ]
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def parts(module_written):
    made = Parts(module_written, "form_parts", PAGES)
    made.put(
        "teams", [{"name": "Rovers", "code": "rov", "on": True}, {"name": "Gone", "code": "x", "on": False}]
    )
    return made


def test_every_type_of_field_sends_its_value(parts, page):
    shown = parts.visit(page, "types")
    assert shown.get_by_label("Boolean").is_checked()
    expect(shown.get_by_text("boolean help")).to_be_visible()
    expect(shown.get_by_text("text description")).to_be_visible()
    expect(shown.get_by_label("Number", exact=True)).to_have_value("2")
    expect(shown.get_by_label("String")).to_have_attribute("placeholder", "write here")
    expect(shown.get_by_text("just to read")).to_be_visible()
    shown.get_by_role("switch", name="Boolean").click()
    shown.get_by_label("Number", exact=True).fill("3.5")
    shown.get_by_label("String").fill("abc")
    shown.get_by_label("Secret").fill("hidden")
    expect(shown.get_by_label("Secret")).to_have_attribute("type", "password")
    shown.get_by_label("Text").fill("two\nlines")
    shown.get_by_label("Line").fill("one line")
    shown.get_by_role("combobox", name="Select").click()
    page.get_by_role("option", name="two").click()
    shown.get_by_role("combobox", name="Many").click(force=True)  # its box lies over it
    page.get_by_role("option", name="a", exact=True).click()
    page.get_by_role("option", name="c", exact=True).click()
    page.keyboard.press("Escape")
    shown.get_by_role("combobox", name="Team").click()
    expect(page.get_by_role("option")).to_have_text(["Rovers!"])
    page.get_by_role("option", name="Rovers!").click()
    shown.get_by_label("URL").fill("https://example.com/a")
    shown.get_by_label("E-mail").fill("a@example.com")
    shown.get_by_label("Date", exact=True).fill("2030-01-31")
    page.keyboard.press("Escape")
    shown.get_by_label("Time", exact=True).fill("18:30")
    shown.get_by_role("textbox", name="Colour").fill("#ff8800")
    page.keyboard.press("Tab")  # its palette goes
    expect(page.locator(".mantine-ColorInput-saturationOverlay")).to_have_count(0)
    shown.get_by_role("button", name="Add row").click()
    shown.get_by_role("textbox", name="Name").fill("first")
    shown.get_by_role("textbox", name="N", exact=True).fill("7")
    shown.get_by_role("button", name="Add row").click()
    expect(shown.get_by_role("button", name="Add row")).to_be_disabled()
    shown.get_by_role("button", name="Remove row 2 of Rows").click()
    shown.get_by_role("button", name="Moment").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^15 ")).click()
    page.get_by_role("button", name="Done").click()
    shown.get_by_role("button", name="Send it").click()
    sent = parts.noted("save")
    moment = sent.pop("datetime")
    assert re.fullmatch(r"\d{4}-\d\d-1[45]T\d\d:\d\d:\d\dZ", moment), moment
    assert sent.pop("secret") != ""
    assert sent == {
        "boolean": False, "number": 3.5, "string": "abc", "text": "two\nlines", "line": "one line",
        "select": 2, "many": ["a", "c"], "team": "rov", "url": "https://example.com/a", "email": "a@example.com",
        "date": "2030-01-31", "time": "18:30", "color": "#ff8800", "rows": [{"name": "first", "n": 7}],
    }  # fmt: skip


def test_faults_stand_at_their_fields_before_anything_is_sent(parts, page):
    shown = parts.visit(page, "types")
    shown.get_by_label("Number", exact=True).fill("99")
    shown.get_by_label("String").fill("too long")
    shown.get_by_label("URL").fill("nonsense")
    shown.get_by_role("button", name="Add row").click()
    shown.get_by_role("button", name="Send it").click()
    for fault in (
        "Must be at most 9",
        "Must have at most 5 characters, not 8",
        "Must be a URL such as https://example.com/path",
        "Is required",
    ):
        expect(shown.get_by_text(fault)).to_be_visible()
    expect(shown.get_by_label("Number", exact=True)).to_be_focused()
    assert [note for note in parts.data("notes") if note["action"] == "save"] == []
    shown.get_by_label("String").fill("short")
    expect(shown.get_by_text("Must have at most 5")).to_have_count(0)


def test_a_fault_opens_the_section_that_hides_it(parts, page):
    shown = parts.visit(page, "sections")
    section = shown.get_by_role("button", name="More")
    section.click()
    expect(shown.get_by_label("Hidden")).to_be_hidden()
    shown.get_by_role("button", name="Submit").click()
    expect(shown.get_by_text("Is required")).to_be_visible()
    expect(section).to_have_attribute("aria-expanded", "true")
    expect(shown.get_by_label("Hidden")).to_be_focused()


def test_a_form_begins_anew_when_its_values_were_taken(parts, page):
    shown = parts.visit(page, "small")
    name = shown.get_by_label("Name")
    expect(shown.get_by_role("button", name="Submit")).to_be_visible()
    expect(shown.get_by_text("It always fails")).to_be_visible()
    shown.get_by_role("button", name="Submit").click()
    expect(shown.get_by_text("Is required")).to_be_visible()
    expect(name).to_be_focused()
    name.fill("by enter")
    name.press("Enter")
    assert parts.noted("save") == {"name": "by enter", "url": ""}
    expect(notice(page, "Did save")).to_be_visible()
    expect(name).to_have_value("")


def test_a_form_keeps_its_values_where_the_action_failed(parts, page):
    shown = parts.visit(page, "small")
    kept = shown.get_by_label("Kept")
    expect(kept).to_have_value("from the start")
    kept.fill("mine")
    shown.get_by_role("button", name="Try").click()
    expect(notice(page, "It failed on purpose")).to_be_visible()
    expect(kept).to_have_value("mine")


def test_the_servers_faults_stand_at_their_fields(parts, page, contexts):
    contexts.allow("422")
    shown = parts.visit(page, "small")
    fault = {"type": "about:blank", "title": "Bad", "status": 422, "detail": "bad input", "errors": [{"path": "params.name", "message": "is taken already"}, {"path": "params.else", "message": "is unknown"}]}  # fmt: skip
    page.route(
        "**/run/*",
        lambda route: route.fulfill(status=422, json=fault, content_type="application/problem+json"),
    )
    shown.get_by_label("Name").fill("x")
    shown.get_by_role("button", name="Submit").click()
    expect(shown.get_by_text("Is taken already")).to_be_visible()
    expect(shown.get_by_text("else: is unknown")).to_be_visible()
    expect(shown.get_by_label("Name")).to_be_focused()


def test_the_gateway_checks_what_the_page_did_not(parts, page, contexts):
    contexts.allow("422")
    shown = parts.visit(page, "small")
    # As if the page had let it through.
    page.route(
        "**/run/*",
        lambda route: route.continue_(post_data=route.request.post_data.replace("https://a.b", "nonsense")),
    )
    shown.get_by_label("Name").fill("x")
    shown.get_by_label("Address").fill("https://a.b")
    shown.get_by_role("button", name="Submit").click()
    expect(shown.get_by_text("Must be a URL such as")).to_be_visible()


def test_conditions_show_and_disable(parts, page):
    parts.put("jobs", [])
    shown = parts.visit(page, "conditions")
    expect(shown.get_by_label("Threads")).to_have_count(0)
    shown.get_by_role("button", name="Submit").click()
    assert parts.noted("save") == {"mode": "simple", "lock": False, "name": ""}
    shown.get_by_role("combobox", name="Mode").click()
    page.get_by_role("option", name="expert").click()
    shown.get_by_role("button", name="Submit").click()
    expect(shown.get_by_text("Is required")).to_be_visible()
    expect(shown.get_by_label("Name")).to_be_enabled()
    shown.get_by_role("switch", name="Lock").click()
    expect(shown.get_by_label("Name")).to_be_disabled()
    # by a collection, live
    button = shown.get_by_role("button", name="Only without jobs")
    expect(button).to_be_enabled()
    expect(shown.get_by_text("there are jobs")).to_have_count(0)
    parts.put("jobs", [{"state": "on"}])
    expect(shown.get_by_text("there are jobs")).to_be_visible()
    expect(button).to_be_disabled()


def test_a_stepper_goes_step_by_step_and_sends_all_values(parts, page):
    shown = parts.visit(page, "steps")
    expect(shown.get_by_text("a name")).to_be_visible()
    expect(shown.get_by_text("say what")).to_have_count(0)
    shown.get_by_role("button", name="Next").click()
    expect(shown.get_by_text("Is required")).to_be_visible()
    shown.get_by_label("Name").fill("Ann")
    shown.get_by_role("button", name="Next").click()
    expect(shown.get_by_text("say what")).to_be_visible()
    shown.get_by_role("button", name="Back").click()
    expect(shown.get_by_label("Name")).to_have_value("Ann")
    shown.get_by_label("Name").fill("Anna")
    # forward leads only the button that takes what was changed
    shown.get_by_role("button", name="What").click(force=True)
    expect(shown.get_by_label("Name")).to_be_visible()
    shown.get_by_role("button", name="Next").click()
    shown.get_by_role("button", name="Who").click()
    expect(shown.get_by_label("Name")).to_have_value("Anna")
    shown.get_by_role("button", name="Next").click()
    shown.get_by_label("Thing").fill("lamp")
    shown.get_by_role("button", name="Finish it").click()
    assert parts.noted("finish") == {"name": "Anna", "what": "lamp"}
    expect(shown.get_by_label("Name")).to_have_value("")


def test_files_are_sent_and_the_action_gets_their_ids(parts, page):
    shown = parts.visit(page, "files")
    expect(shown.get_by_text("Small ones")).to_be_visible()
    zone = shown.locator("[data-ui=upload] input[type=file]")
    expect(zone).to_have_attribute("accept", ".txt")
    zone.set_input_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 50}])
    expect(notice(page, "larger than 20 B")).to_be_visible()
    zone.set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": b"hello"} for name in ("a.txt", "b.txt")]
    )
    sent = parts.noted("take")
    assert sent["kind"] == "x"
    assert [(file["name"], file["size"]) for file in sent["files"]] == [("a.txt", 5), ("b.txt", 5)]
    stored = parts.api.http.get(f"/api/files/{sent['files'][0]['id']}/")
    assert stored.content == b"hello"
    field = shown.locator("[data-form=doc] input[type=file]")
    field.set_input_files([{"name": "doc.bin", "mimeType": "application/x-doc", "buffer": b"123"}])
    expect(shown.get_by_text("doc.bin").first).to_be_visible()
    expect(shown.get_by_role("button", name="Remove doc.bin")).to_be_visible()
    shown.get_by_role("button", name="Submit").click()
    sent = parts.noted("save")["doc"]
    assert (sent["name"], sent["size"], sent["type"]) == ("doc.bin", 3, "application/x-doc")
