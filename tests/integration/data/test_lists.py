"""Sorting, filtering, searching and paging of collections, on a real mongod."""

import asyncio
from typing import Any

import orjson
import pytest

from services.data.main import App
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as m
from shared.messaging.bus import Bus
from tests.integration.data.talk import add, documents, listed, replaced


async def fill(bus: Bus, *values: Any) -> None:
    await replaced(bus, [{"v": value} for value in values])


async def order(bus: Bus, *sort: str) -> list[Any]:
    return [document.get("v", "absent") for document in await documents(bus, sort=sort)]


async def found(bus: Bus, field: str, op: str, value: Any) -> list[int]:
    filters = (m.Filter(field=field, op=op, value=value),)  # type: ignore[arg-type]
    total, records = await listed(bus, filters=filters)
    assert total == len(records)
    return [record["id"] for record in records]


async def test_values_of_every_kind_have_an_order_and_the_empty_come_last(gateway: Bus) -> None:
    await replaced(
        gateway,
        [
            {"v": v}
            for v in ["Zoe", 10, None, "anna", 2.5, {"a": 1}, "Anna", [3], True, -1, [1, 2], "episode 10"]
        ]
        + [{}, {"v": "Episode 2"}],
    )
    rising = await order(gateway, "v")
    assert rising[:9] == [-1, 2.5, 10, "anna", "Anna", "Episode 2", "episode 10", "Zoe", {"a": 1}]
    assert rising[-2:] == [None, "absent"]
    falling = await order(gateway, "-v")
    assert falling[:12] == rising[:12][::-1]
    assert falling[-2:] == [None, "absent"]


async def test_dates_as_text_sort_by_time(gateway: Bus) -> None:
    dates = ["2024-01-09T10:00:00Z", "2024-01-10T09:00:00Z", "2023-12-31", "2024-01-10T09:00:00.500Z"]
    await fill(gateway, *dates)
    assert await order(gateway, "v") == sorted(dates)


async def test_ties_are_parted_by_the_next_field_and_then_by_id(gateway: Bus) -> None:
    await replaced(gateway, [{"a": n % 2, "b": n % 3} for n in range(12)])
    records = (await listed(gateway, sort=("a", "-b")))[1]
    keys = [(one["data"]["a"], -one["data"]["b"], one["id"]) for one in records]
    assert keys == sorted(keys)
    assert [one["id"] for one in (await listed(gateway, sort=("-_id",)))[1]] == list(range(12, 0, -1))


async def test_paths_lead_into_documents_and_keys_with_dots_go_before_them(gateway: Bus) -> None:
    await replaced(
        gateway,
        [{"a": {"b": 3}}, {"a.b": 1, "a": {"b": 9}}, {"a": {"b": 2}}, {"a": 5}, {"$x": 1}],
    )
    assert [one["id"] for one in (await listed(gateway, sort=("a.b",)))[1]] == [2, 3, 1, 4, 5]
    assert await found(gateway, "a.b", "eq", 1) == [2]
    assert await found(gateway, "$x", "eq", 1) == [5]
    assert await found(gateway, "a.b", "exists", True) == [1, 2, 3]
    assert await found(gateway, "a.b", "exists", "false") == [4, 5]


@pytest.mark.parametrize(
    ("op", "value", "ids"),
    [
        ("eq", 5, [1, 8]),
        ("eq", "5", [1, 2, 8]),
        ("eq", "true", [3]),
        ("eq", None, [5, 9]),
        ("eq", "Rugby", [4]),
        ("eq", "rugby", []),
        ("eq", "x", [6]),
        ("eq", {"a": 1}, [7]),
        ("ne", "5", [3, 4, 5, 6, 7, 9]),
        ("lt", 6, [1, 8]),
        ("gte", "5", [1, 2, 4, 8]),
        ("gt", "5", [4]),
        ("lte", 5, [1, 8]),
        ("in", ["5", None], [1, 2, 5, 8, 9]),
        ("in", "Rugby,x", [4, 6]),
        ("contains", "UGB", [4]),
        ("contains", "x", [6]),
        ("contains", "5", [1, 2, 8]),
        ("contains", ".*", []),
        ("exists", None, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("exists", False, [9]),
    ],
)
async def test_filters_find_what_they_name(gateway: Bus, op: str, value: Any, ids: list[int]) -> None:
    values = [5, "5", True, "Rugby", None, ["x", 7], {"a": 1}, 5.0]
    await replaced(gateway, [{"v": one} for one in values] + [{}])
    assert await found(gateway, "v", op, value) == ids


async def test_ids_are_found_as_numbers_and_as_digits(gateway: Bus) -> None:
    await fill(gateway, "a", "b", "c")
    assert await found(gateway, "_id", "eq", "2") == [2]
    assert await found(gateway, "_id", "gt", 1) == [2, 3]


async def test_search_looks_into_all_values_whatever_their_case(gateway: Bus) -> None:
    await replaced(
        gateway,
        [
            {"a": {"b": ["Große STRASSE", 1]}},
            {"n": 4711.5},
            {"key named strasse": True},
            {"x": "Ünïted"},
            {"x": "$ref .* \\"},
        ],
    )
    for text, ids in (
        ("grosse", [1]),
        ("stra", [1]),
        ("711.", [2]),
        ("true", []),
        ("ÜNÏ", [4]),
        (".*", [5]),
        ("$ref", [5]),
        ("named", []),
    ):
        assert [one["id"] for one in (await listed(gateway, search=text))[1]] == ids, text
    await add(gateway, {"q": "later"})
    assert (await listed(gateway, search="LATER"))[0] == 1


async def test_a_page_says_how_many_there_are_in_all(gateway: Bus) -> None:
    await replaced(gateway, [{"n": n, "even": n % 2 == 0} for n in range(50)])
    filters = (m.Filter(field="even", value=True),)
    total, records = await listed(gateway, filters=filters, sort=("-n",), limit=3, offset=2)
    assert (total, [one["data"]["n"] for one in records]) == (25, [44, 42, 40])
    assert await listed(gateway, offset=60) == (50, [])


@pytest.mark.parametrize(
    "query",
    [
        {"sort": ("a\0b",)},
        {"sort": ("-",)},
        {"sort": tuple("abcdefghi")},
        {"sort": (".".join("a" * 33),)},
        {"filters": (m.Filter(field="v", op="lt", value=[1]),)},
        {"filters": (m.Filter(field="v", op="in", value=3),)},
        {"filters": (m.Filter(field="v", value=2**70),)},
        {"filters": (m.Filter(field="v", op="contains", value="\0"),)},
    ],
)
async def test_a_query_that_cannot_be_is_refused(gateway: Bus, query: dict[str, Any]) -> None:
    await fill(gateway, 1)
    with pytest.raises(errors.Invalid):
        await listed(gateway, **query)


async def test_a_list_is_one_moment_however_slowly_it_is_read(gateway: Bus, data: App) -> None:
    await replaced(gateway, [{"old": n, "fill": "x" * 2000} for n in range(3000)])
    head, chunks = await gateway.stream(
        c.LIST_ITEMS, m.ListItems(plugin="sports calendar", collection="events")
    )
    first = orjson.loads(await anext(chunks))
    await replaced(gateway, [{"new": True}])
    await asyncio.sleep(0)
    rest = [one async for chunk in chunks for one in orjson.loads(chunk)]
    assert len(first) + len(rest) == head.total == 3000
    assert all("old" in one["data"] for one in rest)
    assert await documents(gateway) == [{"new": True}]


async def test_a_reader_that_goes_away_holds_nothing(gateway: Bus, data: App) -> None:
    await replaced(gateway, [{"fill": "x" * 5000} for _ in range(2000)])
    for _ in range(20):
        _, chunks = await gateway.stream(
            c.LIST_ITEMS, m.ListItems(plugin="sports calendar", collection="events")
        )
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
    assert len(await documents(gateway, limit=5)) == 5
    await data.handlers.drained(5)
