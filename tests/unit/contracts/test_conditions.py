import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.contracts.ui import COMPONENTS, Condition, validate_values
from shared.contracts.ui.conditions import holds
from shared.contracts.ui.fields import SelectField, StringField

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "conditions.json").read_text())
"""The UI decides by the same cases."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['condition']}-{case['values']}")
def test_a_condition_holds_as_the_ui_decides_it(case):
    assert holds(Condition.model_validate(case["condition"]), case["values"]) is case["holds"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"data_source": "jobs", "eq": 0}, None),
        ({"all": [{"data_source": "jobs", "eq": 0}, {"field": "a", "eq": 2}]}, False),
        ({"any": [{"data_source": "jobs", "eq": 0}, {"field": "a", "eq": 1}]}, True),
        ({"any": [{"data_source": "jobs", "eq": 0}, {"field": "a", "eq": 2}]}, None),
        ({"none": [{"data_source": "jobs", "eq": 0}]}, None),
    ],
)
def test_what_a_collection_decides_is_not_known_here(condition, found):
    assert holds(Condition.model_validate(condition), {"a": 1}) is found


@pytest.mark.parametrize(
    "condition", [{}, {"field": "a"}, {"eq": 1}, {"all": [{}]}, {"any": [{"eq": 1}] * 21}]
)
def test_a_condition_that_says_nothing_is_refused(condition):
    with pytest.raises(ValidationError):
        Condition.model_validate(condition)


def string(**keys):
    return StringField.model_validate({"type": "string", "label": "L", **keys})


def test_a_field_that_is_not_shown_is_not_missed():
    mode = SelectField.model_validate({"id": "mode", "type": "select", "label": "M", "default": "simple"})
    extra = string(id="extra", required=True, visible_if={"field": "mode", "eq": "expert"})
    assert validate_values([mode, extra], {}) == []
    assert validate_values([mode, extra], {"mode": "expert"}) == [("extra", "is required")]
    by_data = string(id="x", required=True, visible_if={"data_source": "jobs", "gt": 0})
    assert validate_values([by_data], {}) == []


def test_every_component_says_what_it_is_for():
    for kind, model in COMPONENTS.items():
        assert model.model_fields["type"].annotation is not None, kind
