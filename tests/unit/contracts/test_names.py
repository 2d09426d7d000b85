"""Tokens: any name becomes one, and only what `token` makes is read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.names import token, untoken

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@given(NAMES)
def test_a_token_is_read_back_as_the_name_and_fits_a_subject(name: str) -> None:
    made = token(name)
    assert untoken(made) == name
    assert re.fullmatch(r"[a-z0-9_=A-F-]+", made)


@given(NAMES, NAMES)
def test_two_names_never_share_a_token(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


@given(st.text(max_size=60))
def test_what_is_no_token_is_refused_and_never_read_as_another_name(text: str) -> None:
    try:
        name = untoken(text)
    except ValueError:
        return
    assert token(name) == text


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("sports_calendar", "sports_calendar"),
        ("my-plug", "my-plug"),
        ("My Plug", "=4Dy=20=50lug"),
        ("é", "=C3=A9"),
        ("a.b*c>", "a=2Eb=2Ac=3E"),
        ("=", "=3D"),
    ],
)
def test_tokens_are_as_the_documents_say(name: str, made: str) -> None:
    assert token(name) == made


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_a_name_that_no_subject_can_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name must not"):
        token(name)
