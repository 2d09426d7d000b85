"""The UI schema is a promise to plugin authors and to the UI's types: a diff is a decision."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from shared.contracts.ui import COMPONENTS, FIELDS, ui_schema

GOLDEN = Path(__file__).with_name("ui_schema.json")


def test_the_ui_schema_is_the_golden_file():
    assert ui_schema() == json.loads(GOLDEN.read_text()), (
        "`make golden` writes it anew, if the change is meant"
    )


def test_the_schema_is_valid_and_names_each_component_and_field_once():
    schema = ui_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]["Component"]["discriminator"]["mapping"]) == {*COMPONENTS, "invalid"}
    assert set(schema["$defs"]["FieldSpec"]["discriminator"]["mapping"]) == set(FIELDS)


def test_pages_that_nest_refer_to_the_union_instead_of_repeating_it():
    assert ui_schema()["$defs"]["Stack"]["properties"]["components"]["items"] == {"$ref": "#/$defs/Component"}
