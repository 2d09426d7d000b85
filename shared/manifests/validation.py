"""From values to one model, with every fault named by its path in the author's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.contracts.ui import UiModel
from shared.manifests.findings import Findings, Path, dotted

M = TypeVar("M", bound=UiModel)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a model refused, below the model's own path."""

    below: Path
    message: str

    def at(self, path: Path) -> str:
        """`components[2].data_source: is missing`."""
        where = dotted((*path, *self.below))
        return f"{where}: {self.message}" if where else self.message


def build(model: type[M], values: Mapping[str, Any]) -> tuple[M | None, list[Fault]]:
    """The model, or what it refused. Children that are models already are taken as they are."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, _faults(error, values)


def build_dropping(
    model: type[M], values: Mapping[str, Any], path: Path, findings: Findings
) -> tuple[M | None, list[Fault]]:
    """The model without the keys that it refuses, each dropped with a warning; None where it needs one."""
    built, faults = build(model, values)
    if built is not None:
        return built, []
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    bad = {str(fault.below[0]) for fault in faults if fault.below}
    if not bad or bad & required:
        return None, faults
    built, still = build(model, {key: value for key, value in values.items() if key not in bad})
    if built is not None:
        for fault in faults:
            findings.warning((*path, *fault.below), f"{fault.message}; left out")
    return built, still


def unknown_keys(model: UiModel, path: Path, findings: Findings) -> None:
    """Hint at keys that the schema does not name: they pass through, but nobody may read them."""
    for key in model.__pydantic_extra__ or {}:
        if not key.startswith("_"):
            findings.hint(
                (*path, key), "is a key that Plugarr does not know", "it is passed on; look for a typo"
            )


def _faults(error: ValidationError, values: Mapping[str, Any]) -> list[Fault]:
    """One fault per place: a union reports each of its members, which only the first of them tells."""
    faults: dict[Path, Fault] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=True):
        below = _real_path(detail["loc"], values, missing=detail["type"] == "missing")
        if below not in faults:
            faults[below] = Fault(below, _message(detail["type"], detail["msg"], detail["input"]))
    return list(faults.values())


def _real_path(loc: tuple[int | str, ...], values: Any, *, missing: bool) -> Path:
    """Pydantic's location without the names of union members, which are not in the document."""
    path: list[str | int] = []
    node = values
    for index, part in enumerate(loc):
        in_list = isinstance(node, list) and isinstance(part, int) and part < len(node)
        if in_list or (isinstance(node, Mapping) and part in node):
            node = node[part]
        elif not (missing and index == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _message(kind: str, text: str, given: Any) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return text.removeprefix("Value error, ")
    plain = text.removeprefix("Input ").removeprefix("String ").removeprefix("Value ")
    return f"{plain[:200]}, not {_shown(given)}"


def _shown(value: Any) -> str:  # noqa: PLR0911 - one return per kind of value
    """A value as short as a message can bear."""
    match value:
        case None:
            return "null"
        case str():
            return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return "that"
