"""The UI schema is a promise to plugin authors and to the UI's types: a diff is a decision."""

import ast
import re

from jsonschema import Draft202012Validator

from shared.contracts.ui import COMPONENTS, FIELDS, ui_schema
from shared.manifests.normalise import described
from tests.golden.ui_docs import PAGE, page


def test_the_ui_schema_is_the_golden_file(golden):
    golden("ui_schema.json", ui_schema())


def test_the_schema_is_valid_and_names_each_component_and_field_once():
    schema = ui_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]["Component"]["discriminator"]["mapping"]) == {*COMPONENTS, "invalid"}
    assert set(schema["$defs"]["FieldSpec"]["discriminator"]["mapping"]) == set(FIELDS)


def test_pages_that_nest_refer_to_the_union_instead_of_repeating_it():
    assert ui_schema()["$defs"]["Stack"]["properties"]["components"]["items"] == {"$ref": "#/$defs/Component"}


def test_the_docs_of_components_are_the_schemas_words(request):
    text = page()
    if request.config.getoption("--write-golden"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "docs/ui-components.md differs; `make golden` writes it"


def test_every_example_of_the_docs_is_understood_without_a_finding():
    blocks = re.findall(r"```python\n(.*?)```", page(), re.DOTALL)
    examples = [ast.literal_eval(block) for block in blocks[1:]]
    assert {one["type"] for one in examples} == set(COMPONENTS)
    made = described({"pages": {"main": {"components": examples}}})
    assert (made.errors, made.warnings) == ([], [])
