"""Whether what a user entered fits the fields: one rule for settings and for every form."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.ui.conditions import holds
from shared.contracts.ui.fields import (
    FieldBase,
    FileField,
    InfoField,
    InvalidField,
    MultiselectField,
    NumberField,
    SelectField,
    TableField,
)
from shared.contracts.ui.formats import FORMATS

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PROBLEMS = 100
"""Nobody reads more; a table of a million bad rows must not make an answer of as many lines."""

ValueProblem = tuple[str, str]
"""Path below the values (`name`, `rows[2].url`) and what is wrong there."""

_ABSENT: Any = object()


def validate_values(
    fields: Sequence[FieldBase | InvalidField], values: Mapping[str, Any]
) -> list[ValueProblem]:
    """Say what is wrong with the values, at most 100 problems; an empty list means nothing.

    A value that equals its field's default is always right: saving an untouched form never fails.
    Keys that no field has are left alone, null and empty text count as absent. A field that `visible_if`
    hides is not looked at.
    """
    problems: list[ValueProblem] = []
    shown = {field.id: field.default for field in fields if isinstance(field, FieldBase)} | dict(values)
    for field in fields:
        if not isinstance(field, InvalidField | InfoField) and not _hidden(field, shown):
            problems += _field(field, values.get(field.id, _ABSENT), field.id)
        if len(problems) >= MAX_PROBLEMS:
            break
    return problems[:MAX_PROBLEMS]


def _hidden(field: FieldBase, values: Mapping[str, Any]) -> bool:
    """Whether the form does not show it; where a collection decides that, the plugin has to look itself."""
    return field.visible_if is not None and holds(field.visible_if, values) is not True


def _field(field: FieldBase, value: Any, path: str) -> list[ValueProblem]:
    if value is _ABSENT:
        value = field.default
    if value is None or value == "" or (value == [] and _is_list(field)):
        return [(path, "is required")] if field.required else []
    if _same(value, field.default):
        return []
    match field:
        case MultiselectField():
            return _choices(field, value, path)
        case TableField():
            return _rows(field, value, path)
        case FileField():
            return _file(field, value, path)
        case SelectField():
            problem = None if _is_option(field, value) else "must be one of the options"
        case NumberField():
            problem = _number_problem(field, value)
        case _:
            problem = _plain_problem(field, value)
    return [(path, problem)] if problem else []


def _is_list(field: FieldBase) -> bool:
    return isinstance(field, MultiselectField | TableField)


def _same(value: Any, default: Any) -> bool:
    """Equal and of one type: True is not 1."""
    return type(value) is type(default) and bool(value == default)


def _plain_problem(field: FieldBase, value: Any) -> str | None:
    kind = getattr(field, "type", "string")
    if kind == "boolean":
        return None if isinstance(value, bool) else "must be true or false"
    if not isinstance(value, str):
        return "must be text"
    longest = getattr(field, "max_length", None)
    if longest is not None and len(value) > longest:
        return f"must have at most {longest} characters, not {len(value)}"
    check = FORMATS.get(kind)
    return check(value) if check else None


def _number_problem(field: NumberField, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if field.min is not None and value < field.min:
        return f"must be at least {field.min:g}"
    if field.max is not None and value > field.max:
        return f"must be at most {field.max:g}"
    if field.step is not None and not _on_step(value, field.min or 0.0, field.step):
        start = f" from {field.min:g}" if field.min else ""
        return f"must be a multiple of {field.step:g}{start}"
    return None


def _on_step(value: float, base: float, step: float) -> bool:
    """Whether `value` is `base + n * step`, within what floats can tell (0.3 is three steps of 0.1)."""
    try:
        steps = (value - base) / step
        return math.isfinite(steps) and abs(steps - round(steps)) <= 1e-9 * max(1.0, abs(steps))
    except OverflowError:
        return False


def _is_option(field: SelectField | MultiselectField, value: Any) -> bool:
    """Without options anything goes: they may be known only when the plugin runs.

    A browser's select knows texts only, so "5" is accepted for 5.
    """
    if isinstance(value, list | dict):
        return False
    return not field.options or any(
        _same(value, option.value) or value == str(option.value) for option in field.options
    )


def _choices(field: MultiselectField, value: Any, path: str) -> list[ValueProblem]:
    if not isinstance(value, list):
        return [(path, "must be a list of options")]
    return [
        (f"{path}[{index}]", "must be one of the options")
        for index, chosen in enumerate(value)
        if not _is_option(field, chosen)
    ]


def _rows(field: TableField, value: Any, path: str) -> list[ValueProblem]:
    if not isinstance(value, list):
        return [(path, "must be a list of rows")]
    if field.min_rows is not None and len(value) < field.min_rows:
        return [(path, f"must have at least {field.min_rows} rows")]
    if field.max_rows is not None and len(value) > field.max_rows:
        return [(path, f"must have at most {field.max_rows} rows")]
    problems: list[ValueProblem] = []
    for index, row in enumerate(value):
        if len(problems) >= MAX_PROBLEMS:
            break
        if not isinstance(row, Mapping):
            problems.append((f"{path}[{index}]", "must be an object"))
            continue
        problems += [
            (f"{path}[{index}].{below}", message) for below, message in validate_values(field.columns, row)
        ]
    return problems


def _file(field: FileField, value: Any, path: str) -> list[ValueProblem]:
    if not isinstance(value, Mapping):
        return [(path, "must be a file as {name, size, type, id}")]
    problems = [
        (f"{path}.{key}", "must be text")
        for key in ("name", "type", "id")
        if not isinstance(value.get(key), str) or (key != "type" and not value[key])
    ]
    size, most = value.get("size"), min(field.max_size or MAX_FILE_BYTES, MAX_FILE_BYTES)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        problems.append((f"{path}.size", "must be a number of bytes"))
    elif size > most:
        problems.append((f"{path}.size", f"must be at most {most} bytes"))
    return problems
