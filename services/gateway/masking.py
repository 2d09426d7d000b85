"""Passwords: shown as a placeholder, kept where the placeholder comes back, named where a run gets them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from shared.contracts.manifest import PluginView
from shared.contracts.ui.fields import FieldBase, TableField
from shared.plugin_items import PLACEHOLDER

MASK: Final = PLACEHOLDER
"""What stands for a password that is set. An empty one is shown as it is."""


def is_secret(field: Any) -> bool:
    """Whether a field's value is a password."""
    return str(getattr(field, "input_type", None) or "").lower() == "password"


def masked(fields: Sequence[FieldBase], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with every password replaced by the placeholder."""
    shown = dict(settings)
    for field in fields:
        if field.id not in shown:
            continue
        if is_secret(field):
            shown[field.id] = MASK if shown[field.id] not in (None, "") else shown[field.id]
        elif isinstance(field, TableField) and isinstance(shown[field.id], list):
            shown[field.id] = [
                masked(field.columns, row) if isinstance(row, Mapping) else row for row in shown[field.id]
            ]
    return shown


def unmasked(
    fields: Sequence[FieldBase], settings: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings with every placeholder that came back replaced by what is stored."""
    meant = dict(settings)
    for field in fields:
        if field.id not in meant:
            continue
        if is_secret(field) and meant[field.id] == MASK:
            if field.id in stored:
                meant[field.id] = stored[field.id]
            else:
                del meant[field.id]
        elif isinstance(field, TableField) and isinstance(meant[field.id], list):
            before = stored.get(field.id)
            rows = before if isinstance(before, list) else []
            meant[field.id] = _rows(field, meant[field.id], rows)
    return meant


def _rows(field: TableField, rows: list[Any], stored: list[Any]) -> list[Any]:
    """Rows have no ids: a row's passwords are those of the stored row that shows the same, else of its place."""
    left = {index: row for index, row in enumerate(stored) if isinstance(row, Mapping)}
    found: dict[int, Mapping[str, Any]] = {}
    for index, row in enumerate(rows):
        if isinstance(row, Mapping):
            same = [place for place, old in left.items() if masked(field.columns, old) == dict(row)]
            if same:
                found[index] = left.pop(index if index in same else same[0])
    return [
        unmasked(field.columns, row, found.get(index) or left.get(index, {}))
        if isinstance(row, Mapping)
        else row
        for index, row in enumerate(rows)
    ]


def secret_params(view: PluginView, action: str) -> tuple[str, ...]:
    """The names of an action's params that are passwords: those of its forms, and the settings' own."""
    names = _names(view.fields)
    for declared in view.actions:
        if declared.id == action:
            names |= _raw_names((declared.model_extra or {}).get("fields"))
    for page in view.pages.values():
        for form in forms(page.components):
            if form.submit_action == action:
                names |= _names(form.fields)
    return tuple(sorted(names))


def forms(components: Iterable[Any]) -> Iterable[Any]:
    """Every form among components, however deep; a stepper that submits is one in several steps."""
    for component in components:
        if getattr(component, "submit_action", None) is not None:
            yield component
        yield from forms(getattr(component, "components", None) or ())
        for item in getattr(component, "items", None) or ():
            yield from forms(getattr(item, "components", None) or ())


def _names(fields: Iterable[Any]) -> set[str]:
    return {
        field.id
        for field in fields
        if is_secret(field)
        or (isinstance(field, TableField) and any(is_secret(column) for column in field.columns))
    }


def _raw_names(fields: Any) -> set[str]:
    if not isinstance(fields, list):
        return set()
    return {
        field["id"]
        for field in fields
        if isinstance(field, Mapping)
        and str(field.get("input_type") or "").lower() == "password"
        and isinstance(field.get("id"), str)
    }
