"""What the statements of a body bind, without running them: one pass, in order, branches apart."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

_MUTATORS: Final = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem add discard __setitem__".split()  # noqa: SIM905 - words
)


@dataclass(frozen=True, slots=True)
class Imported:
    """`from module import name`, or `import module` where `name` is None."""

    module: str
    level: int
    name: str | None


class Opaque:
    """Bound to something that cannot be known."""


OPAQUE: Final = Opaque()

K = TypeVar("K")
Binding = ast.expr | ast.ClassDef | ast.FunctionDef | Imported | Opaque


@dataclass(slots=True)
class Bindings:
    """Names, and attributes of names, with every alternative that may hold at the end of the body."""

    names: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[tuple[str, str], list[Binding]] = field(default_factory=dict)
    stars: list[Imported] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)
    """Calls that stand as statements, wherever: they may change what they are given."""


def collect(body: Iterable[ast.stmt], into: Bindings | None = None) -> Bindings:
    """What a body binds when it has run."""
    collector = _Collector(into if into is not None else Bindings())
    collector.block(body, certain=True)
    return collector.made


class _Collector:
    def __init__(self, made: Bindings) -> None:
        self.made = made

    def block(self, body: Iterable[ast.stmt], *, certain: bool) -> None:
        for statement in body:
            self._statement(statement, certain=certain)

    def _statement(  # noqa: C901, PLR0912 - one case per kind of statement
        self, statement: ast.stmt, *, certain: bool
    ) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._target(target, value, certain=certain)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._target(target, value, certain=certain)
            case ast.AugAssign(target=target, op=op, value=value):
                self._augmented(target, op, value, certain=certain)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                self._bind(name, statement, certain=certain)
            case ast.AsyncFunctionDef(name=name):
                self._bind(name, OPAQUE, certain=certain)
            case ast.Import(names=names):
                for alias in names:
                    module = alias.name if alias.asname else alias.name.split(".", 1)[0]
                    self._bind(alias.asname or module, Imported(module, 0, None), certain=certain)
            case ast.ImportFrom(module=module, names=names, level=level):
                self._imports(module or "", level, names, certain=certain)
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._target(target, OPAQUE, certain=False)
            case _:
                self._branches(statement, certain=certain)

    def _branches(  # noqa: C901 - one case per kind of statement
        self, statement: ast.stmt, *, certain: bool
    ) -> None:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                skipped = _never_true(test)
                if not skipped:
                    self.block(body, certain=False)
                self.block(orelse, certain=certain and skipped)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                self.block(body, certain=False)
                for handler in handlers:
                    self.block(handler.body, certain=False)
                self.block(orelse, certain=False)
                self.block(finalbody, certain=certain)
            case ast.With(items=items, body=body):
                for item in items:
                    if item.optional_vars is not None:
                        self._target(item.optional_vars, OPAQUE, certain=certain)
                self.block(body, certain=False)
            case ast.For(target=target, body=body, orelse=orelse):
                self._target(target, OPAQUE, certain=False)
                self.block([*body, *orelse], certain=False)
            case ast.While(body=body, orelse=orelse):
                self.block([*body, *orelse], certain=False)
            case ast.Match(cases=cases):
                for case in cases:
                    self.block(case.body, certain=False)
            case _:
                return

    def _target(self, target: ast.expr, value: Binding, *, certain: bool) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(name, value, certain=certain)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                self._set(owner, attribute, value, certain=certain)
            case ast.Subscript(value=inner):
                self._spoil(inner)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values: Sequence[Binding] = [OPAQUE] * len(targets)
                if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
                    values = value.elts
                for part, bound in zip(targets, values, strict=True):
                    self._target(part, bound, certain=certain)
            case ast.Starred(value=inner):
                self._target(inner, OPAQUE, certain=certain)
            case _:
                return

    def _augmented(self, target: ast.expr, op: ast.operator, value: ast.expr, *, certain: bool) -> None:
        """`X += more` is `X = X + more` where X is known by one expression."""
        if isinstance(target, ast.Name) and certain:
            match self.made.names.get(target.id, []):
                case [ast.expr() as before]:
                    total = ast.copy_location(ast.BinOp(left=before, op=op, right=value), value)
                    self._bind(target.id, total, certain=True)
                    return
                case _:
                    pass
        self._spoil(target)

    def _imports(self, module: str, level: int, names: Iterable[ast.alias], *, certain: bool) -> None:
        for alias in names:
            imported = Imported(module, level, alias.name)
            if alias.name == "*":
                self.made.stars.append(imported)
            else:
                self._bind(alias.asname or alias.name, imported, certain=certain)

    def _call(self, call: ast.Call) -> None:
        self.made.calls.append(call)
        match call.func:
            case ast.Attribute(value=owner, attr=method) if method in _MUTATORS:
                self._spoil(owner)
            case ast.Name(id="setattr"):
                match call.args:
                    case [ast.Name(id=changed), ast.Constant(value=str(attribute)), *_]:
                        self._set(changed, attribute, OPAQUE, certain=False)
                    case [ast.Name(id=changed), *_]:
                        self._set(changed, "*", OPAQUE, certain=False)
                    case _:
                        pass
            case _:
                return

    def _spoil(self, node: ast.expr) -> None:
        """What the expression names is changed in a way that is not followed."""
        while isinstance(node, ast.Subscript):
            node = node.value
        match node:
            case ast.Name(id=name):
                self._bind(name, OPAQUE, certain=False)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                every = attribute == "__dict__"
                self._set(owner, "*" if every else attribute, OPAQUE, certain=False)
            case _:
                return

    def _bind(self, name: str, value: Binding, *, certain: bool) -> None:
        self._put(self.made.names, name, value, certain=certain)

    def _set(self, owner: str, attribute: str, value: Binding, *, certain: bool) -> None:
        """An attribute that only a branch sets may be something else that stands elsewhere."""
        if not certain:
            self.made.attributes.setdefault((owner, attribute), [OPAQUE])
        self._put(self.made.attributes, (owner, attribute), value, certain=certain)

    @staticmethod
    def _put(table: dict[K, list[Binding]], key: K, value: Binding, *, certain: bool) -> None:
        if certain:
            table[key] = [value]
        else:
            table.setdefault(key, []).append(value)


def _never_true(test: ast.expr) -> bool:
    """Whether a plugin that is imported by a host never takes the branch."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case _:
            return False
