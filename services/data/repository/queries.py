"""Lists of plugin data as aggregations: filter, search, sort and page happen in the database.

- A field is a dotted path (`a.b`); a document's own key with dots in it (`"a.b"`) goes before the path. Keys
  with `$` are read by `$getField`, which takes any. `_id` is the item's id.
- Filters come from URLs as text: `"5"` also matches the number 5, `"true"` also true. Order compares numbers
  with numbers and strings with strings. Of an array, any element may match.
- Sorting puts numbers before strings before objects, arrays and booleans, and what has no value last in
  either direction. Strings sort as people read them: regardless of case, `Episode 2` before `Episode 10`.
- Search looks through one text that is stored beside each document (`services.data.models.search_text`).
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from services.data.models import folded
from shared import errors
from shared.contracts.data import Filter, ListItems

Expression = Any
Stage = dict[str, Any]

COLLATION: Final = {"locale": "en", "strength": 5, "numericOrdering": True}
"""Strength 5: strings that differ at all are different, so that equality stays exact."""
_MAX_PARTS: Final = 32
_MAX_SORTS: Final = 8
_ORDER: Final = {"lt": "$lt", "lte": "$lte", "gt": "$gt", "gte": "$gte"}
_NO: Final = frozenset({"false", "0", "no"})
_SHOWN: Final = {"d": 1, "rev": 1, "created_at": 1, "updated_at": 1}


def needs_collation(query: ListItems) -> bool:
    """Whether strings are put in order anywhere in the query."""
    return any(name.lstrip("-") != "_id" for name in query.sort) or any(
        one.op in _ORDER for one in query.filters
    )


def counting(query: ListItems) -> list[Stage]:
    """Yields one document `{"n": total}`, or none where nothing matches."""
    return [*_matching(query), {"$count": "n"}]


def listing(query: ListItems) -> list[Stage]:
    """Yields the documents of the page in order. Raises Invalid for what no list can be asked for."""
    sorts, keys = _sorting(query.sort)
    stages = _matching(query)
    if keys:
        stages.append({"$project": {**_SHOWN, "k": keys}})
    stages.append({"$sort": sorts})
    if query.offset:
        stages.append({"$skip": query.offset})
    if query.limit is not None:
        stages.append({"$limit": query.limit})
    stages.append({"$project": _SHOWN})
    return stages


def _matching(query: ListItems) -> list[Stage]:
    wanted = [_filter(one, f"filters[{index}]") for index, one in enumerate(query.filters)]
    if query.search:
        found = {"$indexOfBytes": ["$s", {"$literal": folded(query.search)}]}
        wanted.append({"$gte": [found, 0]})
    return [{"$match": {"$expr": {"$and": wanted}}}] if wanted else []


def _sorting(names: tuple[str, ...]) -> tuple[dict[str, int], dict[str, Expression]]:
    """The `$sort` stage, and the keys that it needs computed before."""
    if len(names) > _MAX_SORTS:
        raise errors.Invalid(f"sort: at most {_MAX_SORTS} fields", path="sort")
    sorts: dict[str, int] = {}
    keys: dict[str, Expression] = {}
    for index, name in enumerate(names):
        direction = -1 if name.startswith("-") else 1
        field = name.removeprefix("-")
        if field == "_id":
            # Ids are unique: what would come after them decides nothing any more.
            return {**sorts, "_id": direction}, keys
        value = _value(field, f"sort[{index}]")
        keys[f"e{index}"] = {"$in": [{"$type": value}, ["missing", "null"]]}
        # An array as a sort key would sort by its least element, and two such cannot be sorted by at all.
        keys[f"v{index}"] = {"$cond": [{"$isArray": [value]}, {"a": value}, value]}
        sorts |= {f"k.e{index}": 1, f"k.v{index}": direction}
    return {**sorts, "_id": 1}, keys


def _value(field: str, path: str) -> Expression:
    """The value of a field; missing where the document has none."""
    if field == "_id":
        return "$_id"
    parts = field.split(".")
    if "\0" in field or not field or len(parts) > _MAX_PARTS:
        raise errors.Invalid(f"{path}: no field is called {field[:80]!r}", path=path)
    whole = _member("$d", field)
    if len(parts) == 1:
        return whole
    deep: Expression = "$d"
    for part in parts:
        deep = _member(deep, part)
    return {
        "$let": {
            "vars": {"whole": whole},
            "in": {"$cond": [{"$eq": [{"$type": "$$whole"}, "missing"]}, deep, "$$whole"]},
        }
    }


def _member(of: Expression, name: str) -> Expression:
    return {"$getField": {"field": {"$literal": name}, "input": of}}


def _filter(one: Filter, path: str) -> Expression:
    value = _value(one.field, f"{path}.field")
    if one.op == "exists":
        wanted = not (one.value is False or str(one.value).lower() in _NO)
        return {"$ne" if wanted else "$eq": [{"$type": value}, "missing"]}
    # For a filter, what is missing is null.
    value = {"$ifNull": [value, None]}
    match one.op:
        case "eq":
            test = _is_one_of(_readings([one.value]))
        case "ne":
            test = {"$not": [_is_one_of(_readings([one.value]))]}
        case "in":
            listed = one.value.split(",") if isinstance(one.value, str) else one.value
            if not isinstance(listed, list):
                raise errors.Invalid(f"{path}.value: a list is needed", path=f"{path}.value")
            test = _is_one_of(_readings(listed))
        case "contains":
            test = _contains(one.value, f"{path}.value")
        case op:
            test = _ordered(_ORDER[op], one.value, f"{path}.value")
    return {"$let": {"vars": {"v": value}, "in": test}}


def _readings(values: Iterable[Any]) -> list[Any]:
    """Each value, and beside a text what it says in JSON where that is a number or a boolean."""
    found = []
    for value in values:
        found.append(value)
        if isinstance(value, str):
            try:
                read = orjson.loads(value)
            except orjson.JSONDecodeError:
                continue
            if isinstance(read, bool | int | float):
                found.append(read)
    for value in found:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise errors.Invalid("filters: an integer of more than 64 bit")
    return found


def _is_one_of(values: list[Any]) -> Expression:
    wanted = {"$literal": values}
    shared_ones = {"$size": {"$setIntersection": ["$$v", wanted]}}
    inside = {"$cond": [{"$isArray": ["$$v"]}, {"$gt": [shared_ones, 0]}, False]}
    return {"$or": [{"$in": ["$$v", wanted]}, inside]}


def _contains(value: Any, path: str) -> Expression:
    tests: list[Expression] = [_is_one_of(_readings([value]))]
    if isinstance(value, str):
        if "\0" in value:
            raise errors.Invalid(f"{path}: NUL", path=path)
        text = {"$cond": [{"$isNumber": "$$v"}, {"$toString": "$$v"}, "$$v"]}
        matches = {"$regexMatch": {"input": text, "regex": re.escape(value), "options": "i"}}
        is_text = {"$or": [{"$eq": [{"$type": "$$v"}, "string"]}, {"$isNumber": "$$v"}]}
        tests.append({"$cond": [is_text, matches, False]})
    return {"$or": tests}


def _ordered(operator: str, value: Any, path: str) -> Expression:
    tests: list[Expression] = []
    for reading in _readings([value]):
        compared = {operator: ["$$v", {"$literal": reading}]}
        if isinstance(reading, str):
            tests.append({"$and": [{"$eq": [{"$type": "$$v"}, "string"]}, compared]})
        elif isinstance(reading, int | float) and not isinstance(reading, bool):
            tests.append({"$and": [{"$isNumber": "$$v"}, compared]})
    if not tests:
        raise errors.Invalid(f"{path}: a number or a text is needed", path=path)
    return {"$or": tests}
