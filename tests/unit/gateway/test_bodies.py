"""JSON that the platform can hold comes out as it went in; everything else is refused with its path."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.bodies import parse_json
from services.gateway.problems import BadRequest
from shared import errors

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(VALUES, st.booleans())
async def test_what_json_holds_comes_out_as_it_went_in(value, ascii_only):
    found = await parse_json(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert found == value
    assert type(found) is type(value)


@given(st.binary(max_size=200))
async def test_any_bytes_are_a_value_or_a_refusal(data):
    with contextlib.suppress(errors.Invalid):
        await parse_json(data)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a": [1, {"b": 9223372036854775808}]}', "a[1].b"),
        ('{"a": -9223372036854775809}', "a"),
        ('{"a": {"b": "\\udc00"}}', "a.b"),
        ('{"a": {"\\ud800": 1}}', "a"),
        ('{"a": 1e400}', "a"),
        ('{"a": -1e400}', "a"),
        ("[Infinity]", "body"),
    ],
)
async def test_what_cannot_be_held_is_refused_with_its_path(text, path):
    with pytest.raises(errors.Invalid) as caught:
        await parse_json(text.encode())
    assert not isinstance(caught.value, BadRequest)
    assert caught.value.path == path


@pytest.mark.parametrize("depth", [64, 65])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_nesting_ends_at_64(depth, opening, closing):
    text = (opening * depth + "1" + closing * depth).encode()
    if depth == 64:
        await parse_json(text)
    else:
        with pytest.raises(errors.Invalid, match="64 deep"):
            await parse_json(text)


async def test_brackets_in_texts_are_no_nesting():
    text = "[" * 500
    assert await parse_json(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize("text", ["", " ", "{", "nul", "[1,]", "{'a': 1}", "\ufeff{}", '"\x01"', "1" * 5000])
async def test_what_is_no_json_is_a_bad_request(text):
    with pytest.raises(errors.Invalid):
        await parse_json(text.encode())


async def test_large_bodies_are_read_the_same():
    value = {"items": [{"n": number, "t": "é" * 10} for number in range(60_000)]}
    assert await parse_json(json.dumps(value).encode()) == value


async def test_exact_floats_and_integers():
    found = await parse_json(b'{"a": 9223372036854775807, "b": -9223372036854775808, "c": 1e300, "d": 0.1}')
    assert found == {"a": 2**63 - 1, "b": -(2**63), "c": 1e300, "d": 0.1}
    assert math.isfinite(found["c"])
