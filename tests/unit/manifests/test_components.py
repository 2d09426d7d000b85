"""The components beyond the specification's: taken as written, mended one by one, bounded."""

import pytest

from services.gateway.masking import forms, secret_params
from shared.contracts.manifest import PluginView
from shared.manifests.normalise import described

SEND = {"id": "send", "label": "Send", "action": "send"}
FIELD = {"id": "secret", "label": "Secret", "type": "string", "input_type": "password"}
TEXT = {"type": "text", "content": "x"}
COMPONENTS = [
    {"type": "grid", "columns": 2, "gap": "sm", "components": [TEXT]},
    {"type": "drawer", "id": "d", "title": "D", "size": "lg", "position": "left", "components": [TEXT]},
    {
        "type": "stepper",
        "id": "s",
        "items": [{"id": "a", "label": "A", "description": "d", "icon": "user", "fields": [FIELD], "components": [TEXT]}],
        "submit_action": "go",
        "submit_label": "Go",
    },
    {"type": "poll", "action": "look", "params": {"a": 1}, "every_s": 2, "until": {"field": "done", "eq": True}, "components": [TEXT]},
    {"type": "stat", "label": "Teams", "data_source": "teams", "aggregate": "sum", "field": "points", "render": "number", "icon": "users"},
    {"type": "stat", "label": "Fixed", "value": 5},
    {"type": "chart", "kind": "pie", "data_source": "teams", "x": "name", "aggregate": "count"},
    {"type": "chart", "kind": "bar", "data": [{"x": 1, "y": 2}], "x": "x", "series": [{"id": "y", "label": "Y", "color": "red"}], "stacked": True, "height": 200},
    {"type": "details", "data_source": "teams", "where": {"name": "A"}, "items": [{"id": "name", "label": "Name"}]},
    {"type": "markdown", "content": "# Hi"},
    {"type": "code", "content": "x = 1", "language": "python"},
    {"type": "image", "src": "data:image/png;base64,AA==", "alt": "dot", "width": 10, "height": 10, "fit": "cover"},
    {"type": "progress", "action": "look", "label": "Looking"},
    {"type": "log", "action": "look", "height": 200},
    {"type": "upload", "action": "take", "accept": ".ics", "max_size": 1000, "multiple": True},
    {"type": "table", "data_source": "teams", "bulk_actions": [SEND], "page_size": 10, "columns": [{"id": "a", "label": "A", "filterable": True, "options": ["x", {"value": "y", "label": "Y"}], "colors": {"x": "red"}, "align": "right"}]},
    {"type": "list", "data_source": "teams", "item_template": {"title": "{{a}}"}, "actions": [SEND], "empty_message": "None", "sort": "-a"},
    {"type": "button", "label": "Go", "page": "other", "visible_if": {"field": "a", "gt": 1}, "disabled_if": {"data_source": "teams", "eq": 0}},
    {"type": "button", "label": "Out", "href": "https://example.com/{{id}}"},
    {"type": "alert", "message": "None yet", "visible_if": {"data_source": "teams", "eq": 0}},
]  # fmt: skip


def page(components):
    made = described({"pages": {"main": {"components": components}}})
    return made, made.model_dump(mode="json", exclude_unset=True)["pages"]["main"]["components"]


def test_components_are_taken_as_their_author_wrote_them():
    made, found = page(COMPONENTS)
    assert (made.errors, made.warnings) == ([], [])
    assert found == COMPONENTS


@pytest.mark.parametrize(
    ("component", "error"),
    [
        ({"type": "chart", "kind": "bar", "x": "a"}, "a chart needs `data_source` or `data`"),
        ({"type": "chart", "kind": "bar", "x": "a", "data": [{}] * 1001, "series": [{"id": "y"}]}, "components[0].data"),
        ({"type": "stat", "label": "S"}, "a stat needs `value` or `data_source`"),
        ({"type": "stat", "label": "S", "data_source": "a", "aggregate": "sum"}, "`sum` needs a `field`"),
        ({"type": "image", "src": "javascript:alert(1)"}, "components[0].src"),
        ({"type": "button", "label": "B", "href": "javascript:alert(1)"}, "components[0].href"),
        ({"type": "button", "label": "B", "href": "//evil.example"}, "components[0].href"),
        ({"type": "button", "label": "B"}, "a button needs `action`, `opens`, `page` or `href`"),
        ({"type": "text", "content": "x", "visible_if": {"field": "a"}}, "components[0].visible_if"),
        ({"type": "stepper", "items": []}, "components[0].items"),
        ({"type": "log", "height": 5}, "components[0].height"),
    ],
)  # fmt: skip
def test_a_bad_one_is_a_notice_with_its_path(component, error):
    _, found = page([component, TEXT])
    assert found[0]["type"] == "invalid"
    assert error in found[0]["errors"][0]
    assert found[1] == TEXT


@pytest.mark.parametrize("kind", ["grid", "poll", "drawer"])
def test_a_container_keeps_its_components_below_the_notice(kind):
    needs = {
        "grid": {"columns": 99},
        "poll": {"action": "a", "every_s": 0},
        "drawer": {"id": "d", "position": "x"},
    }
    _, found = page([{"type": kind, **needs[kind], "components": [TEXT]}])
    assert [one["type"] for one in found[0]["components"]] == ["invalid", "text"]


def test_a_bad_step_keeps_its_components_and_a_bad_field_is_a_notice():
    items = [
        {"label": "A", "components": [TEXT]},
        {"id": "b", "label": "B", "fields": [{"id": "f", "type": "?"}]},
    ]
    _, found = page([{"type": "stepper", "items": [*items, "c"]}])
    assert [one["type"] for one in found[0]["items"][0]["components"]] == ["invalid", "text"]
    assert found[0]["items"][1]["fields"][0]["type"] == "invalid"
    assert found[0]["items"][2]["components"][0]["type"] == "invalid"


def test_a_bad_bulk_action_is_left_out_with_its_path():
    made, found = page([{"type": "table", "data_source": "a", "bulk_actions": [{"label": "B"}, SEND]}])
    assert found[0]["bulk_actions"] == [SEND]
    assert made.errors[0].path.startswith("pages.main.components[0].bulk_actions[0]")


def test_a_stepper_is_a_form_whose_passwords_are_known():
    made, _ = page(COMPONENTS)
    assert [form.type for form in forms(made.pages["main"].components)] == ["stepper"]
    view = PluginView.model_construct(pages=made.pages, fields=[], actions=[])
    assert secret_params(view, "go") == ("secret",)
