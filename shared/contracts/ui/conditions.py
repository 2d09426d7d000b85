"""Conditions: when something is shown or can be used, decided from the values around it.

The UI decides what is drawn; `holds` decides the same here, so that a field which a form does not show is
not missed when the form is sent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from shared.contracts.ui.base import Name, UiModel

_ABSENT: Final[Any] = object()


class Condition(UiModel):
    """`{"field": "status", "eq": "open"}`; all comparisons that it makes must be true.

    `field` is looked up in the form's values, the row, or the result around it. With `data_source` it is a
    key of the collection's first document; without `field`, the number of the collection's documents.
    """

    field: Name | None = Field(default=None, description="A key, or `a.b`.")
    data_source: Name | None = Field(default=None, description="Decide by a collection instead.")
    eq: Any = Field(default=None, description="Is equal.")
    ne: Any = Field(default=None, description="Is not equal.")
    lt: int | float | str | None = None
    lte: int | float | str | None = None
    gt: int | float | str | None = None
    gte: int | float | str | None = None
    one_of: list[Any] | None = Field(default=None, max_length=100)
    contains: int | float | bool | str | None = Field(
        default=None, description="A part of a text, or a member of a list."
    )
    exists: bool | None = Field(default=None, description="Whether it has a value; null and '' are none.")
    all: "list[Condition] | None" = Field(default=None, max_length=20)
    any: "list[Condition] | None" = Field(default=None, max_length=20)
    none: "list[Condition] | None" = Field(default=None, max_length=20)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        given = self.model_fields_set
        if not given & COMPARISONS and not given & GROUPS:
            raise ValueError(f"a condition needs one of {', '.join(sorted(COMPARISONS | GROUPS))}")
        if given & COMPARISONS and self.field is None and self.data_source is None:
            raise ValueError("a comparison needs `field` or `data_source`")
        return self


COMPARISONS: Final = frozenset({"eq", "ne", "lt", "lte", "gt", "gte", "one_of", "contains", "exists"})
GROUPS: Final = frozenset({"all", "any", "none"})


def holds(condition: Condition, values: Mapping[str, Any]) -> bool | None:
    """Whether it is true of these values; None where that depends on a collection."""
    parts: list[bool | None] = []
    if condition.data_source is not None:
        parts.append(None)
    elif condition.field is not None:
        value = _value(values, condition.field)
        parts += [
            compare(value, getattr(condition, name))
            for name, compare in _COMPARE.items()
            if name in condition.model_fields_set
        ]
    parts += [holds(one, values) for one in condition.all or ()]
    if condition.any:
        parts.append(_either(condition.any, values))
    if condition.none:
        found = _either(condition.none, values)
        parts.append(None if found is None else not found)
    if False in parts:
        return False
    return None if None in parts else True


def _either(conditions: list[Condition], values: Mapping[str, Any]) -> bool | None:
    found = [holds(one, values) for one in conditions]
    if True in found:
        return True
    return None if None in found else False


def _value(values: Mapping[str, Any], path: str) -> Any:
    """The value of a key that is written so, else of the path that it may be."""
    if path in values:
        return values[path]
    node: Any = values
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return _ABSENT
        node = node[part]
    return node


def _exists(value: Any, wanted: Any) -> bool:
    return (value is not _ABSENT and value is not None and value not in ("", [])) == bool(wanted)


def _same(value: Any, wanted: Any) -> bool:
    """Equal; true is not 1, absent is null."""
    value = None if value is _ABSENT else value
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Numbers with numbers, texts with texts; nothing else is before or after anything."""

    def decide(value: Any, wanted: Any) -> bool:
        if isinstance(value, bool):
            return False
        both_numbers = isinstance(value, int | float) and isinstance(wanted, int | float)
        both_texts = isinstance(value, str) and isinstance(wanted, str)
        return (both_numbers or both_texts) and compare(value, wanted)

    return decide


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    return isinstance(value, list) and any(_same(one, wanted) for one in value)


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": _same,
    "ne": lambda value, wanted: not _same(value, wanted),
    "lt": _ordered(lambda value, wanted: bool(value < wanted)),
    "lte": _ordered(lambda value, wanted: bool(value <= wanted)),
    "gt": _ordered(lambda value, wanted: bool(value > wanted)),
    "gte": _ordered(lambda value, wanted: bool(value >= wanted)),
    "one_of": lambda value, wanted: any(_same(value, one) for one in wanted or ()),
    "contains": _contains,
    "exists": _exists,
}
