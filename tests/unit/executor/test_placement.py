"""Rendezvous hashing and sites."""

from hypothesis import given
from hypothesis import strategies as st

from services.executor.placement import HomeEntry, Member, home_of, leads, other_site, winner

NAMES = st.sets(st.text("abcdef0123456789", min_size=1, max_size=8), min_size=1, max_size=6)


def members(names: set[str], site: str = "here") -> dict[str, Member]:
    return {name: Member(epoch=number, site=site) for number, name in enumerate(sorted(names), 1)}


@given(NAMES, st.text(min_size=1, max_size=20))
def test_every_executor_names_the_same_winner(names: set[str], plugin: str) -> None:
    assert [home_of(plugin, name, members(names), None) for name in names].count("here") == 1
    assert [leads(plugin, name, members(names)) for name in names].count(True) == 1


@given(NAMES, st.text("xyz", min_size=3, max_size=6))
def test_a_joining_executor_moves_only_what_it_wins(names: set[str], joining: str) -> None:
    for number in range(20):
        before, after = winner(f"p{number}", names), winner(f"p{number}", names | {joining})
        assert after in {before, joining}


def test_two_executors_share_about_evenly() -> None:
    wins = [winner(f"plugin_{number}", ["one", "two"]) for number in range(1000)]
    assert 400 < wins.count("one") < 600


def test_a_living_executor_keeps_its_plugin_until_it_gives_it_back() -> None:
    both = members({"a", "b"})
    for me, other in (("a", "b"), ("b", "a")):
        kept = HomeEntry(other, both[other].epoch, "here", 1)
        assert home_of("p", me, both, kept) == "elsewhere"
        given_back = HomeEntry(other, 0, "here", 2)
        dead = HomeEntry(other, both[other].epoch + 7, "here", 2)
        expected = "here" if winner("p", both) == me else "elsewhere"
        assert home_of("p", me, both, given_back) == home_of("p", me, both, dead) == expected


def test_a_home_stays_in_its_site_even_when_nobody_is_left_there() -> None:
    far = members({"far"}, "there")
    assert home_of("p", "far", far, None) == "here"
    assert home_of("p", "far", far, HomeEntry("near", 3, "here", 1)) == "elsewhere"


def test_another_site_is_known_by_its_executors_and_by_its_homes() -> None:
    assert other_site("a", "here", members({"a", "b"}), []) is None
    assert other_site("a", "here", {"b": Member(1, "there")}, []) == "there"
    assert other_site("a", "here", {}, [HomeEntry("b", 0, "there", 1)]) == "there"
    # What an executor of this name left behind under another site is no other site.
    assert other_site("a", "here", {"a": Member(1, "there")}, []) is None
