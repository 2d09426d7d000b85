"""Operations on plain builtins: what an expression may do with values that are known."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from shared.manifests.names import NotKnown

PLAIN: Final = (str, int, float, bool, type(None))
Charge = Callable[[int], None]
"""Takes so much of the budget of size; raises `NotKnown` when it is spent."""

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_STR_METHODS = frozenset({"strip", "lstrip", "rstrip", "upper", "lower", "title", "capitalize"})


def arithmetic(op: ast.operator, left: Any, right: Any, charge: Charge) -> Any:
    """Numbers with numbers, and a text or list so many times."""
    apply = _ARITHMETIC.get(type(op))
    if apply is None:
        raise NotKnown
    if isinstance(left, int | float) and isinstance(right, int | float):
        return apply(left, right)
    if isinstance(op, ast.Mult) and isinstance(left, str | list) and isinstance(right, int):
        charge(len(left) * max(right, 0))
        return left * right
    raise NotKnown


def unary(op: ast.unaryop, value: Any) -> Any:
    """`not`, `-` and `+`."""
    if isinstance(op, ast.Not):
        return not value
    if isinstance(value, int | float) and isinstance(op, ast.USub | ast.UAdd):
        return -value if isinstance(op, ast.USub) else +value
    raise NotKnown


def compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    """A plain value with anything: two structures could take for ever to compare."""
    if not isinstance(left, PLAIN):
        raise NotKnown
    return bool(_COMPARE[type(op)](left, right))


def merged(left: Any, right: Any) -> dict[Any, Any]:
    """`left | right` of dicts."""
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    raise NotKnown


def iterable(value: Any) -> Iterable[Any]:
    """The value, if a loop over it is harmless."""
    if isinstance(value, str | list | dict):
        return value
    raise NotKnown


def plain(value: Any) -> Any:
    """The value, if it is neither list nor dict."""
    if not isinstance(value, PLAIN):
        raise NotKnown
    return value


def builtin(name: str, arguments: list[Any], charge: Charge) -> Any:
    """A builtin function of at most one argument."""
    match name, arguments:
        case (("list" | "tuple"), []):
            return []
        case (("list" | "tuple"), [value]):
            return list(iterable(value))
        case "sorted", [value]:
            return sorted(plain(entry) for entry in iterable(value))
        case "str", [str() | int() | float() as value]:
            return str(value)
        case "len", [value]:
            return len(value)
        case "range", [int(value)]:
            charge(max(value, 0))
            return list(range(value))
        case _:
            raise NotKnown


def method(owner: Any, name: str, arguments: list[Any], charge: Charge) -> Any:
    """A method of a builtin type that changes nothing."""
    match owner, name, arguments:
        case str(), "join", [value]:
            parts = [str.__str__(part) for part in iterable(value)]
            charge(sum(map(len, parts)) + len(owner) * len(parts))
            return owner.join(parts)
        case str(), _, ([] | [str()]) if name in _STR_METHODS:
            return getattr(owner, name)(*arguments)
        case ((list() | dict()), "copy", []):
            return owner.copy()
        case dict(), "items", []:
            return [[key, value] for key, value in owner.items()]
        case dict(), ("keys" | "values"), []:
            return list(owner) if name == "keys" else list(owner.values())
        case dict(), "get", [key, *default] if len(default) <= 1:
            return owner.get(key, *default)
        case _:
            raise NotKnown
