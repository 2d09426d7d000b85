"""What a document may hold, and where it is said to be wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import errors
from shared.documents import MAX_DEPTH, check_document, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def storable(value: object) -> bool:
    """The rules once more, in other words."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, UnicodeEncodeError):
        return False
    return all(-(2**63) <= number < 2**63 for number in numbers(value)) and all(
        "\0" not in key for key in keys(value)
    )


def numbers(value: object) -> list[int]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in numbers(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in numbers(inner)]
    return [value] if isinstance(value, int) else []


def keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in keys(inner))]
    return [key for inner in value for key in keys(inner)] if isinstance(value, list) else []


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_a_document_is_refused_exactly_where_it_cannot_be_stored(document: dict[str, object]) -> None:
    if storable(document):
        check_document(document, "data")
        return
    with pytest.raises(errors.Invalid) as caught:
        check_document(document, "data")
    assert (caught.value.path or "").startswith("data")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"items": [0, {"url": float("nan")}]}, "data.items[1].url"),
        ({"a b": {"c.d": 2**63}}, 'data["a b"]["c.d"]'),
        ({"x": {"\0": 1}}, 'data.x["\\u0000"]'),
        ({"x": "\ud800"}, "data.x"),
        ({"\udfff": 1}, 'data["\\udfff"]'),
        ({"x": object()}, "data.x"),
    ],
)
def test_the_path_leads_to_the_fault(document: dict[str, object], path: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        check_document(document, "data")
    assert caught.value.path == path


def test_depth_is_bounded_on_both_sides() -> None:
    def nested(levels: int) -> dict[str, object]:
        document: dict[str, object] = {}
        for _ in range(levels - 1):
            document = {"a": document}
        return document

    check_document(nested(MAX_DEPTH), "data")
    with pytest.raises(errors.Invalid, match="deeper"):
        check_document(nested(MAX_DEPTH + 1), "data")


def test_json_is_read_with_what_is_then_refused_by_its_path() -> None:
    assert read_json(b'{"a": "\\ud800", "b": 1}', "data") == {"a": "\ud800", "b": 1}
    assert read_json(b"123456789012345678901234567890", "data") == 123456789012345678901234567890
    for broken in (b"{", b"[" * 100_000, b"\xff"):
        with pytest.raises(errors.Invalid):
            read_json(broken, "data")
