"""What names stand for in a plugin's modules, classes and functions."""

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.manifests.bindings import Binding, Bindings, Imported
from shared.manifests.literals import Evaluator
from shared.manifests.names import Names, NotKnown
from shared.manifests.sources import Module, Sources

if TYPE_CHECKING:
    from shared.manifests.classes import PluginClass


class World:
    """One plugin's modules, one budget, and what is being worked out just now."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.evaluator = Evaluator()
        self._scopes: dict[Module, ModuleScope] = {}
        self.classes: dict[ast.ClassDef, PluginClass] = {}
        self._busy: set[tuple[int, str]] = set()

    def scope(self, module: Module) -> "ModuleScope":
        if module not in self._scopes:
            self._scopes[module] = ModuleScope(self, module)
        return self._scopes[module]

    @contextmanager
    def working_out(self, owner: object, name: str) -> Iterator[None]:
        """Guard against names that are defined by themselves."""
        token = (id(owner), name)
        if token in self._busy or len(self._busy) > 60:
            raise NotKnown
        self._busy.add(token)
        try:
            yield
        finally:
            self._busy.discard(token)

    def agreed(self, alternatives: Sequence[Binding], value: "Callable[[Binding], Any]") -> Any:
        """The value that every alternative has; raises `NotKnown` where they differ."""
        if not alternatives:
            raise NotKnown
        first, *others = [value(alternative) for alternative in alternatives]
        if not all(self.evaluator.same(first, other) for other in others):
            raise NotKnown
        return first


class ModuleScope:
    """The names of a module."""

    def __init__(self, world: World, module: Module) -> None:
        self.world = world
        self.module = module
        self._known: dict[str, Any] = {}

    def name(self, name: str) -> Any:
        if name not in self._known:
            with self.world.working_out(self, name):
                self._known[name] = self._find(name)
        return self._known[name]

    def attribute(self, owner: str, attribute: str) -> Any:
        for binding in self.module.bindings.names.get(owner, ()):
            if isinstance(binding, Imported) and (module := self.submodule(binding)) is not None:
                return module.name(attribute)
        found = self.class_named(owner)
        if found is None:
            raise NotKnown
        return found.attribute(attribute)

    def is_free(self, name: str) -> bool:
        bindings = self.module.bindings
        return name not in bindings.names and not bindings.stars

    def is_module(self, name: str, module: str) -> bool:
        return self.module.bindings.names.get(name) == [Imported(module, 0, None)]

    def written(self, name: str) -> tuple[ast.expr, Names] | None:
        match self.module.bindings.names.get(name):
            case [ast.expr() as node]:
                return node, self
            case _:
                return None

    def class_named(self, name: str) -> "PluginClass | None":
        """The class that the name stands for, if it is one of the plugin's own; raises `NotKnown`."""
        from shared.manifests.classes import find_class  # noqa: PLC0415 - classes and scopes need each other

        return find_class(self, name)

    def submodule(self, imported: Imported) -> "ModuleScope | None":
        """The plugin's module that the name of an import stands for, where it is a module."""
        whole = imported.module
        if imported.name is not None:
            whole = f"{whole}.{imported.name}" if whole else imported.name
        return self.imported(Imported(whole, imported.level, None))

    def imported(self, imported: Imported) -> "ModuleScope | None":
        """The plugin's module that an import takes its name from."""
        module = self.world.sources.imported(self.module.file, imported)
        return None if module is None else self.world.scope(module)

    def _find(self, name: str) -> Any:
        alternatives = self.module.bindings.names.get(name)
        if alternatives is not None:
            return self.world.agreed(alternatives, self._value)
        for star in self.module.bindings.stars:
            scope = self.imported(star)
            if scope is None:
                raise NotKnown
            if name in scope.module.bindings.names:
                return scope.name(name)
        raise NotKnown

    def _value(self, binding: Binding) -> Any:
        if isinstance(binding, ast.expr):
            return self.world.evaluator.value(binding, self)
        if isinstance(binding, Imported) and binding.name is not None:
            scope = self.imported(binding)
            if scope is not None:
                return scope.name(binding.name)
        raise NotKnown


class BodyScope:
    """The names of a class's or function's body, then those around it."""

    def __init__(
        self,
        world: World,
        bindings: Bindings,
        outer: Names,
        *,
        owner: "tuple[str, PluginClass] | None" = None,
    ) -> None:
        self._world = world
        self._bindings = bindings
        self._outer = outer
        self._owner = owner
        """What `self` is called here, and whose it is."""

    def name(self, name: str) -> Any:
        alternatives = self._bindings.names.get(name)
        if alternatives is None:
            return self._outer.name(name)
        with self._world.working_out(self, name):
            return self._world.agreed(alternatives, self._value)

    def attribute(self, owner: str, attribute: str) -> Any:
        if self._owner is not None and owner == self._owner[0]:
            return self._owner[1].attribute(attribute)
        if owner in self._bindings.names:
            raise NotKnown
        return self._outer.attribute(owner, attribute)

    def is_free(self, name: str) -> bool:
        return name not in self._bindings.names and self._outer.is_free(name)

    def is_module(self, name: str, module: str) -> bool:
        return name not in self._bindings.names and self._outer.is_module(name, module)

    def written(self, name: str) -> tuple[ast.expr, Names] | None:
        match self._bindings.names.get(name):
            case None:
                return self._outer.written(name)
            case [ast.expr() as node]:
                return node, self
            case _:
                return None

    def _value(self, binding: Binding) -> Any:
        if isinstance(binding, ast.expr):
            return self._world.evaluator.value(binding, self)
        raise NotKnown
