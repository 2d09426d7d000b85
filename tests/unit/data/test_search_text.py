"""What a search of plugin data looks through."""

from services.data.models import Place, folded, search_text


def test_strings_and_numbers_are_found_and_keys_and_booleans_are_not() -> None:
    text = search_text({"Key": ["One", {"deep": 2.5}], "yes": True, "none": None, "n": -7})
    assert text.split("\0") == ["one", "2.5", "-7"]


def test_case_and_form_of_characters_do_not_matter() -> None:
    assert folded("STRASSE") in search_text({"a": "Straße"})
    assert folded("ﬁne Ｗｉｄｅ") in search_text({"a": "FINE WIDE"})
    assert folded("e\u0301") == folded("É")


def test_no_search_reaches_over_the_border_of_two_values() -> None:
    assert folded("one two") not in search_text({"a": "one", "b": " two"})


def test_places_of_different_names_lie_apart() -> None:
    names = [Place("a", "b.c"), Place("a.b", "c"), Place("a", "bc"), Place("ab", "c"), Place("a\0b", "c")]
    assert len({place.physical for place in names}) == len(names)
    assert all(len(place.physical) < 64 for place in names)
    operations = {
        place.operation(verb, "op", item).key
        for place in names
        for verb in ("add", "patch")
        for item in (None, 1)
    }
    assert len(operations) == len(names) * 4
