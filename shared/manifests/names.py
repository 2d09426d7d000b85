"""What an expression may ask of the place where it stands."""

import ast
from collections.abc import Mapping
from typing import Any, Protocol


class NotKnown(Exception):
    """The value cannot be known without running the plugin."""


class Names(Protocol):
    """What names and attributes stand for where the expression stands. Both raise `NotKnown`."""

    def name(self, name: str) -> Any: ...

    def attribute(self, owner: str, attribute: str) -> Any: ...

    def is_free(self, name: str) -> bool:
        """Whether nothing in sight binds the name, so that it is the builtin."""

    def is_module(self, name: str, module: str) -> bool:
        """Whether the name is `import module`."""

    def written(self, name: str) -> "tuple[ast.expr, Names] | None":
        """The one expression that the name is bound to, and the names that it sees."""


class Bound:
    """Names with a comprehension's own in front."""

    def __init__(self, outer: Names, own: Mapping[str, Any]) -> None:
        self._outer = outer
        self._own = own

    def name(self, name: str) -> Any:
        return self._own[name] if name in self._own else self._outer.name(name)

    def attribute(self, owner: str, attribute: str) -> Any:
        if owner in self._own:
            raise NotKnown
        return self._outer.attribute(owner, attribute)

    def is_free(self, name: str) -> bool:
        return name not in self._own and self._outer.is_free(name)

    def is_module(self, name: str, module: str) -> bool:
        return name not in self._own and self._outer.is_module(name, module)

    def written(self, name: str) -> tuple[ast.expr, Names] | None:
        return None if name in self._own else self._outer.written(name)


def unpacked(target: ast.expr, value: Any) -> dict[str, Any]:
    """What `target = value` binds."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, list | str):
        if len(target.elts) != len(value):
            raise NotKnown
        bound: dict[str, Any] = {}
        for part, entry in zip(target.elts, value, strict=True):
            bound |= unpacked(part, entry)
        return bound
    raise NotKnown
