"""Any value in, valid models out; bad nodes are replaced one by one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.contracts.manifest import Described, Loaded
from shared.contracts.ui import COMPONENTS, FIELDS, Page, UiDocument
from shared.manifests.normalise import described, loaded_document

KEYS = (  # noqa: SIM905 - a list of words reads best as words
    "id type label title content components items fields columns row_actions actions confirm options value "
    "data_source item_template submit_action on_reorder order_field order gap size message icon action opens "
    "render events min max step default required path position badge"
).split()
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*COMPONENTS, *FIELDS, "invalid", "top", "\ud800", "\0"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8)
        | st.tuples(inner, inner)
        | st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from([*COMPONENTS, *FIELDS]),
                    st.dictionaries(st.sampled_from(KEYS), inner, max_size=6))
    ),
    max_leaves=40,
)  # fmt: skip
said = st.fixed_dictionaries(
    {},
    optional={
        "name": anything,
        "version": anything,
        "fields": anything | st.lists(anything, max_size=4),
        "actions": anything | st.lists(anything, max_size=4),
        "navigation": anything,
        "pages": anything | st.dictionaries(st.text(max_size=4), anything, max_size=3),
    },
)


def component(raw: Any) -> dict[str, Any]:
    page = described({"pages": {"main": {"components": [raw]}}}).pages["main"]
    return page.document()["components"][0]


def page_of(*components: Any) -> Described:
    return described({"pages": {"main": {"title": "T", "components": list(components)}}})


@settings(max_examples=150, deadline=None)
@given(said)
def test_any_values_become_valid_documents(raw):
    made = described(raw)
    again = Described.from_bytes(made.to_bytes())
    assert again.to_bytes() == made.to_bytes()
    for page in made.pages.values():
        TypeAdapter(Page).validate_json(json.dumps(page.document()))
    UiDocument.model_validate(
        {"fields": [field.document() for field in made.fields],
         "actions": [action.document() for action in made.actions],
         "navigation": made.navigation and made.navigation.document()}
    )  # fmt: skip


def test_a_good_page_passes_through_unchanged():
    components = [
        {"type": "stack", "gap": "md", "components": [{"type": "text", "content": "x", "my_key": [1]}]},
        {"type": "divider"},
    ]
    made = page_of(*components)
    assert made.pages["main"].document() == {"title": "T", "components": components}
    assert not made.errors
    assert not made.warnings


def test_a_bad_component_is_a_notice_with_its_path_and_its_neighbours_stay():
    made = page_of(
        {"type": "text", "content": "before"},
        {
            "type": "card",
            "components": [{"type": "title", "content": "in"}, {"type": "table", "columns": []}],
        },
        {"type": "text", "content": "after"},
    )
    first, card, last = made.pages["main"].document()["components"]
    assert (first["content"], last["content"], card["components"][0]["content"]) == ("before", "after", "in")
    assert card["components"][1] == {
        "type": "invalid",
        "errors": ["components[1].components[1].data_source: is missing"],
    }
    assert [(p.path, p.message) for p in made.errors] == [
        ("pages.main.components[1].components[1].data_source", "is missing")
    ]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("text", "components[0]: a component must be an object"),
        ({}, "components[0].type: is missing"),
        ({"type": "buton"}, 'components[0].type: unknown component "buton"'),
        ({"type": "invalid", "errors": []}, 'components[0].type: unknown component "invalid"'),
        ({"type": "text"}, "components[0].content: is missing"),
        ({"type": "title", "content": "x", "order": 9}, "components[0].order: should be less than or equal to 6, not 9"),
        ({"type": "alert"}, "components[0]: an alert needs `message` or `title`"),
        ({"type": "button", "label": "x"}, "components[0]: a button needs `action`, `opens`, `page` or `href`"),
        ({"type": "modal", "components": []}, "components[0].id: is missing"),
        ({"type": "tabs", "items": []}, "components[0].items: List should have at least 1 item"),
        ({"type": "divider", "orientation": "up"}, "components[0].orientation: should be 'horizontal' or 'vertical', not \"up\""),
        ({"type": "button", "label": "x", "action": "a", "confirm": {"title": []}},
         "components[0].confirm.title: should be a valid string, not a list"),
    ],
)  # fmt: skip
def test_each_fault_names_path_and_reason(raw, error):
    node = component(raw)
    assert node["type"] == "invalid"
    assert any(text.startswith(error) for text in node["errors"]), node["errors"]


def test_a_container_with_a_bad_key_keeps_its_children():
    node = component({"type": "stack", "gap": [1], "components": [{"type": "text", "content": "kept"}]})
    assert node["type"] == "stack"
    assert [child["type"] for child in node["components"]] == ["invalid", "text"]
    assert node["components"][0]["errors"][0].startswith("components[0].gap: ")


def test_a_bad_tab_is_a_tab_with_a_notice():
    node = component({"type": "tabs", "items": [{"label": "No id"}, 5, {"id": "b", "label": "B"}]})
    assert [tab["label"] for tab in node["items"]] == ["No id", "tab-1", "B"]
    assert [len(tab["components"]) for tab in node["items"]] == [1, 1, 0]


def test_a_form_keeps_its_good_fields():
    node = component(
        {"type": "form", "submit_action": "go", "fields": [
            {"id": "a", "label": "A", "type": "text"}, {"id": "b", "type": "wheel"}, 7]}
    )  # fmt: skip
    assert [field["type"] for field in node["fields"]] == ["text", "invalid", "invalid"]
    assert node["fields"][1]["errors"] == ['components[0].fields[1]: has the unknown type "wheel"']


def test_a_table_keeps_its_good_columns_and_buttons():
    made = page_of(
        {"type": "table", "data_source": "d", "columns": [{"id": "a"}, {"label": "no id"}, "x"],
         "row_actions": [{"id": "go", "label": "Go", "action": "go"}, {"id": "dead", "label": "Dead"}]}
    )  # fmt: skip
    table = made.pages["main"].document()["components"][0]
    assert table["columns"] == [{"id": "a", "label": "a"}]
    assert [button["id"] for button in table["row_actions"]] == ["go"]
    assert [p.path.removeprefix("pages.main.components[0].") for p in made.errors] == [
        "row_actions[1]", "columns[1].id", "columns[2]"
    ]  # fmt: skip


def test_bad_fields_are_dropped_one_by_one_with_a_warning():
    made = described(
        {"fields": [
            {"id": "good", "label": "Good", "type": "string"},
            {"label": "No id", "type": "string"},
            {"id": "odd", "type": "rainbow"},
            {"id": "opts", "type": "select", "options": 5},
            {"id": "opts2", "type": "select", "options": [{"label": "no value"}]},
            "text",
            {"id": "plain", "type": "select", "options": ["a", 2, {"value": "c", "label": "C"}]},
            {"id": "step", "label": "S", "type": "number", "step": "wide", "min": "1"},
        ]}
    )  # fmt: skip
    assert [field.id for field in made.fields] == ["good", "plain", "step"]
    assert made.fields[1].document()["options"] == [
        {"value": "a", "label": "a"}, {"value": 2, "label": "2"}, {"value": "c", "label": "C"}
    ]  # fmt: skip
    assert made.fields[2].document() == {"id": "step", "label": "S", "type": "number", "min": 1.0}
    assert [p.path for p in made.warnings] == [
        "fields[1]", "fields[2]", "fields[3]", "fields[4]", "fields[5]", "fields[7].step"
    ]  # fmt: skip
    assert all(p.message for p in made.warnings)


def test_actions_need_id_and_label_and_keep_every_other_key():
    good = {"id": "go", "label": "Go", "description": "d", "confirm": {"message": "Sure?"}, "button_label": "Run",
            "button_variant": "filled", "button_color": "red", "events": ["channel_start"], "own": 1}  # fmt: skip
    made = described(
        {"actions": [good, {"id": "x"}, {"label": "y"}, None, {"id": "z", "label": "Z", "confirm": True}]}
    )
    assert [action.document() for action in made.actions] == [
        good,
        {"id": "z", "label": "Z", "confirm": True},
    ]
    assert [p.path for p in made.warnings] == ["actions[1]", "actions[2]", "actions[3]"]


def test_the_order_field_of_a_drag_list_is_order_unless_said():
    page = page_of({"type": "drag_drop_list", "data_source": "d", "item_template": {"title": "{{t}}"}}).pages[
        "main"
    ]
    assert page.components[0].order_field == "order"  # type: ignore[union-attr]


def test_navigation_without_label_is_an_error_and_a_foreign_path_is_dropped():
    assert [p.path for p in described({"navigation": {"icon": "x"}}).errors] == ["navigation.label"]
    for path in ("//evil.example", "javascript:alert(1)", "/\\evil", "https://x", ""):
        made = described({"navigation": {"label": "L", "path": path}})
        assert made.navigation is not None
        assert made.navigation.path is None
        assert [p.path for p in made.warnings] == ["navigation.path"]


def test_a_thousand_levels_end_in_a_notice():
    node: dict[str, Any] = {"type": "text", "content": "deep"}
    for _ in range(1000):
        node = {"type": "stack", "components": [node]}
    made = page_of(node)
    assert any("nested" in p.message for p in made.errors)
    Described.from_bytes(made.to_bytes())


def test_a_list_that_repeats_itself_a_billion_times_is_cut():
    node: Any = {"type": "text", "content": "x"}
    for _ in range(30):
        node = {"type": "stack", "components": [node, node]}
    made = page_of(node)
    assert any("too large" in p.message for p in made.errors)
    assert len(made.to_bytes()) < 8 * 1024 * 1024


def test_a_value_that_holds_itself_ends():
    loop: dict[str, Any] = {"id": "a", "label": "A", "type": "string"}
    loop["default"] = loop
    made = described({"fields": [loop]})
    Described.from_bytes(made.to_bytes())


def test_what_json_cannot_hold_is_left_out_with_a_warning():
    made = described({"fields": [{"id": "a", "label": "A", "type": "string", "default": float("nan"),
                                  "x": 2**70, "y": b"b", "z": "\ud83d", 5: "five", (1,): 2}]})  # fmt: skip
    assert made.fields[0].document() == {
        "id": "a", "label": "A", "type": "string", "default": None, "x": None, "y": None, "z": "?", "5": "five"
    }  # fmt: skip
    assert len(made.warnings) == 5


def test_findings_are_bounded():
    made = described({"fields": [5] * 10_000, "pages": {"main": {"components": [5] * 10_000}}})
    assert len(made.warnings) == 200
    assert len(made.errors) == 200


def test_a_loaded_document_carries_what_the_instance_said():
    made = loaded_document(
        digest="d", epoch=3, executor="e1", warnings=["computed"],
        attributes={"name": "N", "version": 2, "fields": [{"id": "a", "type": "boolean"}], "author": None, "pages": []},
    )  # fmt: skip
    assert (made.name, made.version, made.author, made.epoch, made.ok) == ("N", "2", "", 3, True)
    assert [p.path for p in made.errors] == ["pages"]
    assert [p.message for p in made.warnings] == ["computed"]
    assert Loaded.from_bytes(made.to_bytes()) == made


def test_a_text_where_a_list_belongs_is_said():
    made = described({"fields": "a", "actions": {"id": "x"}, "name": ["n"]})
    assert [p.path for p in made.warnings] == ["name", "fields", "actions"]
