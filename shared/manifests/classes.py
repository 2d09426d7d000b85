"""A class of a plugin, read without executing it: its own attributes, its bases', its `__init__`'s."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from shared.manifests.bindings import OPAQUE, Binding, Bindings, Imported, collect
from shared.manifests.names import Names, NotKnown
from shared.manifests.scopes import BodyScope, ModuleScope

_EMPTY_BASES: Final = frozenset({"object", "ABC", "Protocol", "Generic"})
_PROPERTIES: Final = frozenset({"property", "cached_property"})
_MAX_BASES: Final = 30


@dataclass(frozen=True, slots=True)
class Located:
    """The expression that an attribute has at the end, and the names it sees."""

    node: ast.expr
    names: Names


@dataclass(frozen=True, slots=True)
class Init:
    """An `__init__` and what it sets."""

    function: ast.FunctionDef
    me: str
    """What it calls `self`."""
    bindings: Bindings
    helpers: Sequence[tuple[Bindings, str]]
    """What the methods that it calls on itself set, and what they call `self`."""
    calls_base: bool


class PluginClass:
    """A class statement of the plugin.

    A base from outside the plugin is trusted not to overwrite in its `__init__` what the class states as
    a literal; whatever else could come from it is not known.
    """

    def __init__(self, scope: ModuleScope, node: ast.ClassDef) -> None:
        self.node = node
        self.scope = scope
        self._world = scope.world
        self._body = collect(node.body)

    @cached_property
    def names(self) -> Names:
        return BodyScope(self._world, self._body, self.scope)

    def attribute(self, name: str) -> Any:
        """The attribute's value on a fresh instance; raises `NotKnown`, also where there is none."""
        with self._world.working_out(self, f".{name}"):
            located = self.locate(name)
            if located is None:
                raise NotKnown
            return self._world.evaluator.value(located.node, located.names)

    def locate(self, name: str) -> Located | None:
        """Where the attribute comes from; None where there is none; raises `NotKnown`."""
        try:
            stated, known = self._stated(name), True
        except NotKnown:
            stated, known = None, False
        if stated is not None and stated[1] is not None:
            return stated[1]  # a property: nothing that __init__ could assign stands before it
        set_later = self._attributes_set(self.scope.module.bindings, self.node.name, name)
        if set_later is not None:
            return self._one(set_later, self.scope)
        found = self._set_in_init(name)
        if found is not None:
            return found
        if not known:
            raise NotKnown
        if stated is None:
            return None
        owner = stated[0]
        return self._one(owner._body.names[name], owner.names)  # noqa: SLF001 - a class of the same lineage

    def _set_in_init(self, name: str) -> Located | None:
        for kind in self.lineage:
            if kind is None:
                return None
            init = kind.init
            if init is not None:
                found = kind._from_init(init, name, self)  # noqa: SLF001 - a class of the same lineage
                if found is not None or not init.calls_base:
                    return found
        return None

    def has(self, name: str) -> bool | None:
        """Whether the class binds the name; None where an unknown base might."""
        for kind in self.lineage:
            if kind is None:
                return None
            if name in kind._body.names:  # noqa: SLF001 - a class of the same lineage
                return True
        return False

    @cached_property
    def lineage(self) -> "Sequence[PluginClass | None]":
        """The class and its bases in the order in which attributes are looked up; None is unknown."""
        ordered: list[PluginClass | None] = []
        for kind in self._walk(0):
            if kind is not None and kind in ordered:
                ordered.remove(kind)
            ordered.append(kind)
            if len(ordered) > _MAX_BASES:
                return [*ordered[:_MAX_BASES], None]
        return ordered

    def _walk(self, depth: int) -> "Iterator[PluginClass | None]":
        yield self
        for base in self.node.bases:
            inner = base.value if isinstance(base, ast.Subscript) else base
            last = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
            found = self._base(inner)
            if found is not None and depth < 8:
                yield from found._walk(depth + 1)  # noqa: SLF001 - a class of the same lineage
            elif found is not None or last not in _EMPTY_BASES:
                yield None

    def _base(self, node: ast.expr) -> "PluginClass | None":
        try:
            return resolve(self.scope, node)
        except NotKnown:
            return None

    def _stated(self, name: str) -> "tuple[PluginClass, Located | None] | None":
        """The first class of the lineage that states the attribute, and its property if it is one."""
        for kind in self.lineage:
            if kind is None:
                raise NotKnown
            bound = kind._body.names.get(name)  # noqa: SLF001 - a class of the same lineage
            if bound is None:
                continue
            if any(isinstance(binding, ast.FunctionDef) for binding in bound):
                return kind, kind._property(bound, self)  # noqa: SLF001 - a class of the same lineage
            return kind, None
        return None

    def _property(self, bound: Sequence[Binding], of: "PluginClass") -> Located:
        """What a property of one `return` returns."""
        match bound:
            case [ast.FunctionDef(decorator_list=[decorator]) as function] if _is_property(decorator):
                body = function.body[1:] if ast.get_docstring(function) is not None else function.body
                match body:
                    case [ast.Return(value=ast.expr() as value)]:
                        return Located(value, self._inside(function, Bindings(), of))
        raise NotKnown

    @cached_property
    def init(self) -> "Init | None":
        """The class's own `__init__`, looked through once."""
        function = self._function("__init__")
        if function is None:
            return None
        me = _first_parameter(function)
        helpers = [
            (collect(method.body), _first_parameter(method)) for method in self._methods_called(function, me)
        ]
        return Init(function, me, collect(function.body), helpers, _calls_base(function))

    def _from_init(self, init: "Init", name: str, of: "PluginClass") -> Located | None:
        for bindings, me in init.helpers:
            if self._attributes_set(bindings, me, name) is not None:
                raise NotKnown
        assigned = self._attributes_set(init.bindings, init.me, name)
        if assigned is None:
            return None
        return self._one(assigned, self._inside(init.function, init.bindings, of))

    def _methods_called(self, init: ast.FunctionDef, me: str) -> Iterator[ast.FunctionDef]:
        """The methods that `__init__` calls on itself, and those that they call."""
        seen: set[str] = {"__init__"}
        pending = [(init, me)]
        while pending:
            function, owner = pending.pop()
            for name in _called_on(function, owner) - seen:
                seen.add(name)
                method = self._inherited(name)
                if method is not None:
                    pending.append((method, _first_parameter(method)))
                    yield method

    def _inherited(self, name: str) -> ast.FunctionDef | None:
        for kind in self.lineage:
            if kind is not None and (function := kind._function(name)) is not None:  # noqa: SLF001 - same lineage
                return function
        return None

    def _function(self, name: str) -> ast.FunctionDef | None:
        for binding in self._body.names.get(name, ()):
            if isinstance(binding, ast.FunctionDef):
                return binding
        return None

    def _inside(self, function: ast.FunctionDef, bindings: Bindings, of: "PluginClass") -> Names:
        """The names inside a method: its parameters can be anything."""
        spec = function.args
        for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg):
            if argument is not None and OPAQUE not in bindings.names.setdefault(argument.arg, []):
                bindings.names[argument.arg].append(OPAQUE)
        me = _first_parameter(function)
        return BodyScope(self._world, bindings, self.scope, owner=(me, of))

    def _one(self, bound: Sequence[Binding], names: Names) -> Located:
        """The expression that all alternatives agree on."""
        match bound:
            case [ast.expr() as node]:
                return Located(node, names)
            case [ast.expr() as node, *others] if all(isinstance(other, ast.expr) for other in others):
                self._world.agreed(bound, lambda other: self._world.evaluator.value(_expr(other), names))
                return Located(node, names)
            case [Imported(name=str(name)) as imported]:
                scope = self.scope.imported(imported)
                if scope is not None:
                    return Located(ast.Name(id=name, ctx=ast.Load(), lineno=1, col_offset=0), scope)
        raise NotKnown

    @staticmethod
    def _attributes_set(bindings: Bindings, owner: str, name: str) -> list[Binding] | None:
        if (owner, "*") in bindings.attributes:
            raise NotKnown
        return bindings.attributes.get((owner, name))


def find_class(scope: ModuleScope, name: str) -> PluginClass | None:
    """The class that a module's name stands for; None where the name is not bound there.

    Raises `NotKnown` where it is bound to something that cannot be followed.
    """
    with scope.world.working_out(scope, f"class {name}"):
        alternatives = scope.module.bindings.names.get(name)
        if alternatives is not None:
            return _first_class(scope, alternatives)
        unseen = False
        for star in scope.module.bindings.stars:
            inner = scope.imported(star)
            found = find_class(inner, name) if inner is not None else None
            if found is not None:
                return found
            unseen = unseen or inner is None
        if unseen:
            raise NotKnown
        return None


def resolve(scope: ModuleScope, node: ast.expr) -> PluginClass | None:
    """The class that `Name` or `module.Name` stands for; None where it is not the plugin's own."""
    match node:
        case ast.Name(id=name):
            return find_class(scope, name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            for binding in scope.module.bindings.names.get(owner, ()):
                if isinstance(binding, Imported) and (inner := scope.submodule(binding)) is not None:
                    return find_class(inner, name)
    return None


def _first_class(scope: ModuleScope, alternatives: Sequence[Binding]) -> PluginClass:
    """`try: from .impl import Plugin` and `except: from impl import Plugin` are one class."""
    found: list[PluginClass] = []
    for binding in alternatives:
        kind = None
        if isinstance(binding, ast.ClassDef):
            kind = scope.world.classes.setdefault(binding, PluginClass(scope, binding))
        elif isinstance(binding, Imported) and binding.name is not None:
            inner = scope.imported(binding)
            kind = find_class(inner, binding.name) if inner is not None else None
        elif isinstance(binding, ast.expr):
            kind = resolve(scope, binding)
        if kind is not None:
            found.append(kind)
    if not found or any(kind.node is not found[0].node for kind in found):
        raise NotKnown
    return found[0]


def _expr(binding: Binding) -> ast.expr:
    if isinstance(binding, ast.expr):
        return binding
    raise NotKnown


def _first_parameter(function: ast.FunctionDef) -> str:
    parameters = [*function.args.posonlyargs, *function.args.args]
    return parameters[0].arg if parameters else ""


def _called_on(function: ast.FunctionDef, owner: str) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == owner
    }


def _is_property(decorator: ast.expr) -> bool:
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name in _PROPERTIES


def _calls_base(init: ast.FunctionDef) -> bool:
    """Whether an `__init__` calls another one: `super().__init__()` or `Base.__init__(self)`."""
    return any(isinstance(node, ast.Attribute) and node.attr == "__init__" for node in ast.walk(init))
