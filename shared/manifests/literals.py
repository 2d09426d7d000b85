"""The value of an expression, worked out from its text and never by running it.

Constants, collections, concatenation, f-strings, comprehensions and a few harmless builtins over names
that are bound once; anything else raises `NotKnown`. Operands are only ever plain builtins made here, so
that no operator runs a plugin's code, and a budget bounds time and size.
"""

import ast
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared.manifests import operations
from shared.manifests.names import Bound, Names, NotKnown, unpacked
from shared.manifests.operations import iterable, merged, plain

_MAX_NESTING: Final = 120
_STEPS: Final = 200_000
_SIZE: Final = 2_000_000
_INT64: Final = 2**63


class Evaluator:
    """Works out expressions of one plugin, within one budget for all of them."""

    def __init__(self) -> None:
        self._steps = _STEPS
        self._size = _SIZE
        self._nesting = 0

    def value(self, node: ast.expr, names: Names) -> Any:
        """The expression's value, of builtin types; raises `NotKnown`."""
        try:
            return self._value(node, names)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            MemoryError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise NotKnown from error

    def same(self, left: Any, right: Any) -> bool:
        """Whether two values are one, within the budget: lists may hold one another many times."""
        self._charge(0)
        if left is right:
            return True
        if type(left) is not type(right):
            return False
        if isinstance(left, list):
            return len(left) == len(right) and all(map(self.same, left, right))
        if isinstance(left, dict):
            return left.keys() == right.keys() and all(self.same(left[key], right[key]) for key in left)
        return bool(left == right)

    def _value(self, node: ast.expr, names: Names) -> Any:
        if isinstance(node, ast.Constant):
            value = node.value  # nine in ten expressions are constants: this line is the hot one
            self._charge(len(value) if isinstance(value, str) else 0)
            return value if isinstance(value, str) else self._charged(plain(value))
        self._charge(0)
        self._nesting += 1
        try:
            if self._nesting > _MAX_NESTING:
                raise NotKnown
            return self._charged(self._dispatch(node, names))
        finally:
            self._nesting -= 1

    def _dispatch(self, node: ast.expr, names: Names) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case per kind
        match node:
            case ast.Name(id=name):
                return names.name(name)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                return names.attribute(owner, attribute)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return list(self._elements(elements, names))
            case ast.Set(elts=elements):
                return list(dict.fromkeys(self._elements(elements, names)))
            case ast.Dict():
                return self._dict(node, names)
            case ast.JoinedStr(values=parts):
                return "".join(self._formatted(part, names) for part in parts)
            case ast.BinOp(op=ast.Add()):
                return self._sum(node, names)
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return merged(self._value(left, names), self._value(right, names))
            case ast.BinOp(op=op, left=left, right=right):
                return operations.arithmetic(
                    op, self._value(left, names), self._value(right, names), self._charge
                )
            case ast.UnaryOp(op=op, operand=operand):
                return operations.unary(op, self._value(operand, names))
            case ast.BoolOp(op=op, values=values):
                return self._boolean(isinstance(op, ast.And), values, names)
            case ast.Compare():
                return self._compare(node, names)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._value(test, names) else orelse, names)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(self._value(value, names), index, names)
            case (
                ast.ListComp(elt=elt, generators=generators)
                | ast.GeneratorExp(elt=elt, generators=generators)
            ):
                return [self._value(elt, inner) for inner in self._loops(generators, names)]
            case ast.DictComp(key=key, value=value, generators=generators):
                return {
                    plain(self._value(key, inner)): self._value(value, inner)
                    for inner in self._loops(generators, names)
                }
            case ast.Call():
                return self._call(node, names)
            case _:
                raise NotKnown

    def _charge(self, size: int) -> None:
        self._steps -= 1
        self._size -= size
        if self._steps < 0 or self._size < 0:
            raise NotKnown

    def _charged(self, value: Any) -> Any:
        if isinstance(value, (str, list, dict)):  # a tuple: twice as fast as a union
            self._charge(len(value))
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise NotKnown  # JSON could not carry it, and growing it takes time
        return value

    def _elements(self, elements: Iterable[ast.expr], names: Names) -> Iterator[Any]:
        for element in elements:
            if isinstance(element, ast.Starred):
                yield from iterable(self._value(element.value, names))
            else:
                yield self._value(element, names)

    def _dict(self, node: ast.Dict, names: Names) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made = merged(made, self._value(value, names))
            else:
                made[plain(self._value(key, names))] = self._value(value, names)
        return made

    def _formatted(self, part: ast.expr, names: Names) -> str:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion not in (-1, ord("s")):
                raise NotKnown
            value = self._value(part.value, names)
            return str(plain(value))
        value = self._value(part, names)
        return value if isinstance(value, str) else str(value)

    def _sum(self, node: ast.expr, names: Names) -> Any:
        """`a + b + c …` without one level of nesting per term: long texts are written so."""
        terms: list[ast.expr] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            terms.append(node.right)
            node = node.left
        values = [self._value(term, names) for term in (node, *reversed(terms))]
        if all(isinstance(value, str) for value in values):
            return "".join(values)
        if all(isinstance(value, list) for value in values):
            return [entry for value in values for entry in value]
        total = values[0]
        for value in values[1:]:
            total = operations.arithmetic(ast.Add(), total, value, self._charge)
        return total

    def _boolean(self, is_and: bool, values: Iterable[ast.expr], names: Names) -> Any:
        value = None
        for node in values:
            value = self._value(node, names)
            if bool(value) is not is_and:
                break
        return value

    def _compare(self, node: ast.Compare, names: Names) -> bool:
        left = self._value(node.left, names)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._value(comparator, names)
            if not operations.compare(op, left, right):
                return False
            left = right
        return True

    def _subscript(self, value: Any, index: ast.expr, names: Names) -> Any:
        if isinstance(index, ast.Slice):
            bounds = [
                None if bound is None else self._value(bound, names)
                for bound in (index.lower, index.upper, index.step)
            ]
            return value[slice(*bounds)]
        return value[self._value(index, names)]

    def _loops(self, generators: list[ast.comprehension], names: Names) -> Iterator[Names]:
        """The names inside a comprehension, once per turn."""
        first, rest = generators[0], generators[1:]
        if first.is_async:
            raise NotKnown
        for entry in iterable(self._value(first.iter, names)):
            self._charge(0)
            inner = Bound(names, unpacked(first.target, entry))
            if all(self._value(test, inner) for test in first.ifs):
                yield from self._loops(rest, inner) if rest else (inner,)

    def _call(self, node: ast.Call, names: Names) -> Any:
        match node.func:
            case ast.Name(id=name) if names.is_free(name):
                return self._builtin(name, node, names)
            case ast.Attribute(value=ast.Name(id=owner), attr="dedent") if names.is_module(owner, "textwrap"):
                (text,) = self._elements(node.args, names)
                return textwrap.dedent(text)
            case ast.Attribute(value=owner_node, attr=method) if not node.keywords:
                owner = self._value(owner_node, names)
                return operations.method(owner, method, list(self._elements(node.args, names)), self._charge)
            case _:
                raise NotKnown

    def _builtin(self, name: str, node: ast.Call, names: Names) -> Any:
        arguments = list(self._elements(node.args, names))
        if name == "dict":
            made = dict(arguments[0]) if arguments else {}
            for keyword in node.keywords:
                value = self._value(keyword.value, names)
                made |= value if keyword.arg is None else {keyword.arg: value}
            return made
        if node.keywords or len(arguments) > 1:
            raise NotKnown
        return operations.builtin(name, arguments, self._charge)
