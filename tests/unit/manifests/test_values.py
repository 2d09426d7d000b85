"""Values are checked against their fields, each problem with its path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.ui import validate_values
from shared.contracts.ui.fields import FIELDS
from shared.manifests.normalise import described


def field(kind, **keys):
    made = described({"fields": [{"id": "f", "label": "F", "type": kind, **keys}]}).fields
    assert made, "the field itself is good"
    return made


OPTIONS = {"options": ["a", 5]}
COLUMNS = {
    "columns": [{"id": "n", "label": "N", "type": "number"}, {"id": "u", "type": "url", "required": True}]
}
FILE = {"name": "a.png", "size": 3, "type": "image/png", "id": "1"}


@pytest.mark.parametrize(
    ("kind", "keys", "value"),
    [
        ("boolean", {}, False),
        ("number", {"min": 0, "max": 1, "step": 0.1}, 0.3),
        ("number", {"min": 1, "step": 2}, 7),
        ("number", {"default": "ten"}, "ten"),
        ("string", {"max_length": 3}, "abc"),
        ("text", {}, "a\nb"),
        ("select", OPTIONS, "a"),
        ("select", OPTIONS, 5),
        ("select", OPTIONS, "5"),
        ("select", {}, "anything"),
        ("multiselect", OPTIONS, ["a", 5]),
        ("info", {"required": True}, {"never": "looked at"}),
        ("url", {}, "https://example.com/a?b#c"),
        ("url", {}, "webcal://example.com/x.ics"),
        ("email", {}, "a.b+c@example.co.uk"),
        ("date", {}, "2024-02-29"),
        ("time", {}, "23:59"),
        ("datetime", {}, "2030-01-31T18:00:00.123Z"),
        ("color", {}, "#00fFaA"),
        ("file", {}, FILE),
        ("table", COLUMNS, [{"n": 1, "u": "http://x"}]),
        *[(kind, {}, None) for kind in FIELDS],
    ],
)
def test_a_good_value_passes(kind, keys, value):
    assert validate_values(field(kind, **keys), {"f": value}) == []


@pytest.mark.parametrize(
    ("kind", "keys", "value", "path", "message"),
    [
        ("boolean", {}, "true", "f", "must be true or false"),
        ("boolean", {}, 1, "f", "must be true or false"),
        ("number", {}, "5", "f", "must be a number"),
        ("number", {}, True, "f", "must be a number"),
        ("number", {}, float("inf"), "f", "must be a finite number"),
        ("number", {"min": 2}, 1, "f", "must be at least 2"),
        ("number", {"max": 2.5}, 3, "f", "must be at most 2.5"),
        ("number", {"min": 1, "step": 2}, 2, "f", "must be a multiple of 2 from 1"),
        ("string", {"max_length": 3}, "abcd", "f", "must have at most 3 characters, not 4"),
        ("string", {}, 5, "f", "must be text"),
        ("text", {}, [], "f", "must be text"),
        ("select", OPTIONS, "c", "f", "must be one of the options"),
        ("select", OPTIONS, ["a"], "f", "must be one of the options"),
        ("multiselect", OPTIONS, "a", "f", "must be a list of options"),
        ("multiselect", OPTIONS, ["a", "z"], "f[1]", "must be one of the options"),
        ("multiselect", {**OPTIONS, "required": True}, [], "f", "is required"),
        ("url", {}, "example.com", "f", "must be a URL"),
        ("url", {}, "javascript://x/%0aalert(1)", "f", "must be a URL"),
        ("url", {}, "http://[", "f", "must be a URL"),
        ("url", {}, "http://a:b:c/", "f", "must be a URL"),
        ("email", {}, "a@b", "f", "must be an e-mail address"),
        ("date", {}, "2023-02-29", "f", "is no day of the calendar"),
        ("date", {}, "1.2.2023", "f", "must be a date as YYYY-MM-DD"),
        ("time", {}, "24:00", "f", "must be a time as HH:MM"),
        ("datetime", {}, "2030-01-31T18:00:00+02:00", "f", "must be a time in UTC"),
        ("datetime", {}, "2030-02-31T18:00:00Z", "f", "is no day of the calendar"),
        ("color", {}, "red", "f", "must be a colour as #rrggbb"),
        ("file", {}, "a.png", "f", "must be a file"),
        ("file", {}, {**FILE, "size": 64 * 1024**2 + 1}, "f.size", "must be at most"),
        ("file", {"max_size": 2}, FILE, "f.size", "must be at most 2 bytes"),
        ("file", {}, {**FILE, "id": ""}, "f.id", "must be text"),
        ("table", COLUMNS, {"n": 1}, "f", "must be a list of rows"),
        ("table", COLUMNS, [{"u": "http://x"}, 5], "f[1]", "must be an object"),
        ("table", COLUMNS, [{"n": "x", "u": "http://x"}], "f[0].n", "must be a number"),
        ("table", COLUMNS, [{}], "f[0].u", "is required"),
        *[(kind, {"required": True}, "", "f", "is required") for kind in FIELDS if kind != "info"],
    ],
)  # fmt: skip
def test_a_bad_value_is_named_by_its_path(kind, keys, value, path, message):
    problems = validate_values(field(kind, **keys), {"f": value})
    assert [where for where, _ in problems] == [path]
    assert problems[0][1].startswith(message)


def test_an_absent_value_is_its_default():
    assert validate_values(field("string", required=True, default="d"), {}) == []
    assert validate_values(field("string", required=True, default=""), {}) == [("f", "is required")]
    assert validate_values(field("boolean", required=True), {}) == [("f", "is required")]


def test_keys_that_no_field_has_are_left_alone():
    assert validate_values(field("string"), {"other": object()}) == []


def test_problems_are_bounded():
    rows = [{} for _ in range(10_000)]
    assert len(validate_values(field("table", **COLUMNS), {"f": rows})) == 100


@given(
    kind=st.sampled_from(sorted(FIELDS)),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_no_value_makes_the_check_itself_fail(kind, value):
    keys = {"columns": COLUMNS["columns"]} if kind == "table" else {}
    if kind == "number":
        keys = {"min": -1e308, "step": 1e-308}
    for path, message in validate_values(field(kind, **keys), {"f": value}):
        assert path
        assert message
