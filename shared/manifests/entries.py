"""Fields and actions: bad entries are left out one by one, the others kept."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from shared.contracts.ui.actions import Action, RowAction
from shared.contracts.ui.fields import CELL_FIELDS, FIELDS, FieldBase, InvalidField
from shared.manifests.findings import Findings, Path, dotted
from shared.manifests.validation import build, build_dropping, unknown_keys

T = TypeVar("T")
Shaped = dict[str, Any]
_SCALARS = (str, int, float, bool)


class Entries:
    """Makes fields, actions and row actions of shaped values."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def fields(self, raw: Any, path: Path) -> list[FieldBase]:
        """The fields of the settings; a bad one is left out with a warning."""
        return self._each(raw, path, lambda entry, at: self._field_or_warn(entry, at, FIELDS))

    def form_fields(self, raw: Any, path: Path, root: int) -> list[FieldBase | InvalidField]:
        """The fields of a form; a notice stands for a bad one. `root` parts of the path name the page."""

        def one(entry: Any, at: Path) -> FieldBase | InvalidField:
            field, why, remedy = self._field(entry, at, FIELDS)
            if field is not None:
                return field
            self._findings.error(at, why, remedy)
            given = entry.get("id") if isinstance(entry, dict) else None
            name = given if isinstance(given, str) and given else f"invalid-{at[-1]}"
            return InvalidField(type="invalid", id=name, errors=[f"{dotted(at[root:])}: {why}"])

        return self._each(raw, path, one)

    def actions(self, raw: Any, path: Path) -> list[Action]:
        """The plugin's actions; an entry without id or label is left out with a warning."""
        return self._each(raw, path, self._action)

    def row_actions(self, raw: Any, path: Path) -> list[RowAction]:
        """The buttons of a row; a bad one is left out with an error."""
        return self._each(raw, path, self._row_action)

    def _each(self, raw: Any, path: Path, one: Callable[[Any, Path], T | None]) -> list[T]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            self._findings.warning(path, f"must be a list, not {_kind(raw)}", "write a list of dicts")
            return []
        made = (one(entry, (*path, index)) for index, entry in enumerate(raw))
        kept = [entry for entry in made if entry is not None]
        self._repeated(kept, path)
        return kept

    def _repeated(self, entries: Iterable[Any], path: Path) -> None:
        seen: set[str] = set()
        for entry in entries:
            if entry.id in seen:
                self._findings.hint(path, f'has more than one entry with id "{entry.id}"', "rename one")
            seen.add(entry.id)

    def _field_or_warn(self, entry: Any, path: Path, kinds: dict[str, type[FieldBase]]) -> FieldBase | None:
        field, why, remedy = self._field(entry, path, kinds)
        if field is None:
            self._findings.warning(path, f"{why}; the field is left out", remedy)
        return field

    def _field(
        self, entry: Any, path: Path, kinds: dict[str, type[FieldBase]]
    ) -> tuple[FieldBase | None, str, str | None]:
        """The field, or why there is none and what to do."""
        if not isinstance(entry, dict):
            return None, f"must be an object, not {_kind(entry)}", 'write {"id": …, "label": …, "type": …}'
        values = dict(entry)
        if (name := _identifier(values.get("id"))) is None:
            return None, "has no id", 'give it an "id", which is its key in the settings'
        kind = values.get("type")
        model = kinds.get(kind) if isinstance(kind, str) else None
        if model is None:
            return None, _unknown_type(kind, kinds), f"one of: {', '.join(kinds)}"
        values["id"], values["label"] = name, self._label(values, name, path)
        if "options" in values and "options" in model.model_fields:
            options = _options(values["options"])
            if options is None:
                return None, "has bad options", 'a list of texts or of {"value": …, "label": …}'
            values["options"] = options
        if kind == "table":
            values["columns"] = self._each(
                values.get("columns"),
                (*path, "columns"),
                lambda column, at: self._field_or_warn(column, at, CELL_FIELDS),
            )
        field, faults = build_dropping(model, values, path, self._findings)
        if field is None:
            return None, "; ".join(fault.at(()) for fault in faults), None
        unknown_keys(field, path, self._findings)
        return field, "", None

    def _label(self, values: Shaped, name: str, path: Path) -> str:
        """The label, or the id where there is none."""
        label = _text(values.get("label"))
        if label is None and values.get("label") is not None:
            self._findings.warning((*path, "label"), f"must be text, not {_kind(values['label'])}; left out")
        return label or name

    def _action(self, entry: Any, path: Path) -> Action | None:
        if not isinstance(entry, dict):
            self._findings.warning(path, f"must be an object, not {_kind(entry)}; the action is left out")
            return None
        values = confirming(entry)
        name, label = _identifier(values.get("id")), _text(values.get("label"))
        if name is None or not label:
            lacks = "id" if name is None else "label"
            self._findings.warning(
                path, f"has no {lacks}; the action is left out", f'give it "id" and "label", here "{lacks}"'
            )
            return None
        values["id"], values["label"] = name, label
        if isinstance(values.get("events"), str):
            values["events"] = [values["events"]]
        action, faults = build_dropping(Action, values, path, self._findings)
        if action is None:
            self._findings.warning(path, "; ".join(fault.at(()) for fault in faults))
            return None
        unknown_keys(action, path, self._findings)
        return action

    def _row_action(self, entry: Any, path: Path) -> RowAction | None:
        if not isinstance(entry, dict):
            self._findings.error(path, f"must be an object, not {_kind(entry)}; the button is left out")
            return None
        values = confirming(entry)
        name = _identifier(values.get("id"))
        if name is None:
            name = _identifier(values.get("action")) or f"action-{path[-1]}"
            if values.get("id") is not None:
                self._findings.warning((*path, "id"), f"must be text, not {_kind(values['id'])}; left out")
        values["id"], values["label"] = name, self._label(values, name, path)
        button, faults = build(RowAction, values)
        if button is None:
            for fault in faults:
                self._findings.error((*path, *fault.below), f"{fault.message}; the button is left out")
            return None
        unknown_keys(button, path, self._findings)
        return button


def confirming(entry: Shaped) -> Shaped:
    """A copy whose `confirm`, given as a text, is the dialog's message."""
    values = dict(entry)
    if isinstance(values.get("confirm"), str):
        values["confirm"] = {"message": values["confirm"]}
    return values


def _unknown_type(kind: Any, kinds: dict[str, type[FieldBase]]) -> str:
    if kind is None:
        return "has no type"
    near = difflib.get_close_matches(str(kind)[:40], kinds, n=1)
    return f'has the unknown type "{str(kind)[:40]}"' + (f' (did you mean "{near[0]}"?)' if near else "")


def _options(raw: Any) -> list[Shaped] | None:
    """`{value, label}` of each option, or None where one cannot be one."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        return None
    options: list[Shaped] = []
    for entry in raw:
        if isinstance(entry, _SCALARS):
            options.append({"value": entry, "label": str(entry)})
        elif isinstance(entry, dict) and isinstance(entry.get("value", ...), (*_SCALARS, type(None))):
            if (label := _text(entry.get("label", entry["value"]))) is None:
                return None
            options.append({**entry, "label": label})
        else:
            return None
    return options


def _identifier(raw: Any) -> str | None:
    text = _text(raw)
    return text.strip() or None if text else None


def _text(raw: Any) -> str | None:
    """A text or a number as text; None for anything else."""
    if isinstance(raw, str):
        return raw
    return str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def _kind(raw: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(raw), "a number")
