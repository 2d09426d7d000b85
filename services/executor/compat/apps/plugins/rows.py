"""A query set over rows that are already here: the calls that plugins chain on one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

R = TypeVar("R")

_LOOKUPS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "exact": lambda value, wanted: bool(value == wanted),
    "iexact": lambda value, wanted: str(value).lower() == str(wanted).lower(),
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: wanted in value,
    "icontains": lambda value, wanted: str(wanted).lower() in str(value).lower(),
    "startswith": lambda value, wanted: str(value).startswith(wanted),
    "istartswith": lambda value, wanted: str(value).lower().startswith(str(wanted).lower()),
    "endswith": lambda value, wanted: str(value).endswith(wanted),
    "isnull": lambda value, wanted: (value is None) == wanted,
    "has_key": lambda value, wanted: wanted in value,
}


class Rows(Sequence[R], Generic[R]):
    """Rows in order; each call gives new ones."""

    fields: ClassVar[Sequence[str]] = ()
    DoesNotExist: ClassVar[type[Exception]] = LookupError
    MultipleObjectsReturned: ClassVar[type[Exception]] = LookupError

    def __init__(self, rows: Iterable[R]) -> None:
        self._rows = list(rows)

    def filter(self, *conditions: Any, **wanted: Any) -> Self:
        """Those that match all of it."""
        return type(self)(row for row in self._rows if self._matches(row, conditions, wanted))

    def exclude(self, *conditions: Any, **wanted: Any) -> Self:
        """Those that do not match all of it."""
        return type(self)(row for row in self._rows if not self._matches(row, conditions, wanted))

    def all(self) -> Self:
        return type(self)(self._rows)

    def select_for_update(self, **_options: Any) -> Self:
        """The same: a row's settings are stored as a whole."""
        return self.all()

    def using(self, _alias: str | None) -> Self:
        return self.all()

    def only(self, *_fields: str) -> Self:
        return self.all()

    defer = select_related = prefetch_related = distinct = only

    def none(self) -> Self:
        return type(self)([])

    def order_by(self, *names: str) -> Self:
        """Sorted by these fields, `-` before one for descending."""
        rows = list(self._rows)
        for name in reversed(names):
            field = name.lstrip("-")
            rows.sort(key=lambda row: _sortable(_value(row, field)), reverse=name.startswith("-"))
        return type(self)(rows)

    def get(self, *conditions: Any, **wanted: Any) -> R:
        """The one row. Raises `DoesNotExist` or `MultipleObjectsReturned`."""
        found = self.filter(*conditions, **wanted)
        if len(found) == 1:
            return found[0]
        if not found:
            raise self.DoesNotExist("PluginConfig matching query does not exist.")
        raise self.MultipleObjectsReturned(f"get() returned {len(found)} rows")

    def first(self) -> R | None:
        return self._rows[0] if self._rows else None

    def last(self) -> R | None:
        return self._rows[-1] if self._rows else None

    def exists(self) -> bool:
        return bool(self._rows)

    def count(self, *value: Any) -> int:
        return self._rows.count(*value) if value else len(self._rows)

    def values(self, *names: str) -> list[dict[str, Any]]:
        """The fields as dicts."""
        return [{name: _value(row, name) for name in names or self.fields} for row in self._rows]

    def values_list(self, *names: str, flat: bool = False) -> list[Any]:
        """The fields as tuples, or of one field the values."""
        wanted = names or self.fields
        if flat:
            return [_value(row, wanted[0]) for row in self._rows]
        return [tuple(_value(row, name) for name in wanted) for row in self._rows]

    def iterator(self, **_options: Any) -> Iterator[R]:
        return iter(self._rows)

    def __getitem__(self, index: Any) -> Any:
        found = self._rows[index]
        return type(self)(found) if isinstance(index, slice) else found

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<QuerySet {self._rows!r}>"

    def _matches(self, row: R, conditions: Sequence[Any], wanted: dict[str, Any]) -> bool:
        return all(_holds(row, condition) for condition in conditions) and all(
            _compare(row, name, value) for name, value in wanted.items()
        )


def _holds(row: Any, condition: Any) -> bool:
    """Whether one of Django's `Q` holds."""
    parts = (
        _compare(row, *child) if isinstance(child, tuple) else _holds(row, child)
        for child in condition.children
    )
    found = any(parts) if condition.connector == "OR" else all(parts)
    return found is not condition.negated


def _compare(row: Any, name: str, wanted: Any) -> bool:
    path, _, lookup = name.rpartition("__")
    if lookup not in _LOOKUPS or not path:
        path, lookup = name, "exact"
    try:
        value = _value(row, path)
    except KeyError:
        return lookup == "isnull" and bool(wanted)
    try:
        return _LOOKUPS[lookup](value, wanted)
    except TypeError:
        return False


def _value(row: Any, path: str) -> Any:
    """A field, or what its JSON holds behind `__`. Raises KeyError, or AttributeError for no such field."""
    field, *keys = path.split("__")
    value = getattr(row, field)
    for key in keys:
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value[key]
        else:
            raise KeyError(key)
    return value


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if isinstance(value, int | float | str | bool) else str(value))
