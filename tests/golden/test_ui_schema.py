"""The UI schema is a promise to plugin authors and to the UI's types: a diff is a decision."""

from jsonschema import Draft202012Validator

from shared.contracts.ui import COMPONENTS, FIELDS, ui_schema


def test_the_ui_schema_is_the_golden_file(golden):
    golden("ui_schema.json", ui_schema())


def test_the_schema_is_valid_and_names_each_component_and_field_once():
    schema = ui_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]["Component"]["discriminator"]["mapping"]) == {*COMPONENTS, "invalid"}
    assert set(schema["$defs"]["FieldSpec"]["discriminator"]["mapping"]) == set(FIELDS)


def test_pages_that_nest_refer_to_the_union_instead_of_repeating_it():
    assert ui_schema()["$defs"]["Stack"]["properties"]["components"]["items"] == {"$ref": "#/$defs/Component"}
