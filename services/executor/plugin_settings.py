"""Settings as a plugin sees them, and which values must never be shown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import orjson

from shared.contracts.base import JsonObject
from shared.contracts.ui import FieldSpec
from shared.contracts.ui.fields import FieldBase, TableField

HIDDEN: Final = "***"
_SHORTEST: Final = 3
"""Characters: masking anything shorter would blacken words that are no secret."""
_LONG: Final = 6
"""Characters from which on a secret is masked inside of a result's texts, too."""


def with_defaults(stored: Mapping[str, Any], fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """The stored settings, plus the `default` of each field that is absent; unknown stored keys stay."""
    defaults = {f.id: f.default for f in fields if "default" in f.model_fields_set and f.type != "info"}
    return {**defaults, **stored}


def secrets_of(settings: Mapping[str, Any], fields: Sequence[FieldSpec]) -> list[str]:
    """The values of password fields, of password columns of table fields too."""
    found: list[Any] = []
    for spec in fields:
        value = settings.get(spec.id)
        if _is_password(spec):
            found.append(value)
        elif isinstance(spec, TableField) and isinstance(value, list):
            columns = [column.id for column in spec.columns if _is_password(column)]
            found.extend(row.get(name) for row in value if isinstance(row, dict) for name in columns)
    return [str(value) for value in found if value is not None and not isinstance(value, bool | dict | list)]


def hidden(settings: Mapping[str, Any], fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """Settings with every password that is set shown as `***`."""
    shown = dict(settings)
    for spec in fields:
        value = shown.get(spec.id)
        if _is_password(spec) and value:
            shown[spec.id] = HIDDEN
        elif isinstance(spec, TableField) and isinstance(value, list):
            columns = {column.id for column in spec.columns if _is_password(column)}
            shown[spec.id] = [
                {name: HIDDEN if name in columns and cell else cell for name, cell in row.items()}
                if isinstance(row, dict)
                else row
                for row in value
            ]
    return shown


def _is_password(spec: FieldBase) -> bool:
    return (spec.input_type or "").lower() == "password"


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if forms else None


class Mask:
    """Replaces secrets in text, as they are and as URLs carry them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        given = {secret for secret in secrets if len(secret) >= _SHORTEST}
        self.secrets = frozenset(given)
        self._pattern = _pattern(given)
        self._long = _pattern(secret for secret in given if len(secret) >= _LONG)
        written = (orjson.dumps(secret).decode()[1:-1] for secret in given)
        self._written = {*written, *(quote(secret, safe="") for secret in given)}

    @property
    def empty(self) -> bool:
        return self._pattern is None

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:
        """A result without its secrets: texts that are one, and long ones inside of texts.

        A short one inside of a longer text is left: results are data, and `user` may well be somebody's password.
        """
        if self._pattern is None or not self._alike(value):
            return value
        return self._hidden(value)

    def _alike(self, value: Any) -> bool:
        """Whether there may be something to hide; over the JSON, which is many times quicker than over the value."""
        try:
            text = orjson.dumps(value).decode()
        except TypeError:
            return True  # what is no JSON is refused later, by whoever stores it
        return any(form in text for form in self._written)

    def _hidden(self, value: Any) -> Any:
        match value:
            case str() if value in self.secrets:
                return HIDDEN
            case str():
                return value if self._long is None else self._long.sub(HIDDEN, value)
            case dict():
                return {key: self._hidden(inner) for key, inner in value.items()}
            case list() | tuple():
                return [self._hidden(inner) for inner in value]
            case int() | float() if not isinstance(value, bool) and str(value) in self.secrets:
                return HIDDEN
            case _:
                return value

    def lines(self, lines: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
        """Log lines with their messages masked."""
        if self._pattern is None:
            return [dict(line) for line in lines]
        return [{**line, "message": self.text(str(line.get("message", "")))} for line in lines]


class Masks:
    """What must be masked in the log of each plugin, and of each run on top of it."""

    def __init__(self) -> None:
        self._plugins: dict[str, Mask] = {}
        self._runs: dict[str, Mask] = {}
        self._none = Mask()

    def set_plugin(self, key: str, secrets: Iterable[str]) -> None:
        """Replace what is secret of a plugin."""
        self._plugins[key] = Mask(secrets)

    def drop_plugin(self, key: str) -> None:
        self._plugins.pop(key, None)

    def add_run(self, key: str, run_id: str, names: Sequence[str], params: Mapping[str, Any]) -> Mask:
        """Mask these params of a run too; the whole mask of its log."""
        plugin = self._plugins.get(key, self._none)
        values = [params.get(name) for name in names]
        given = [str(v) for v in values if v is not None and not isinstance(v, bool | dict | list)]
        if not given:
            return plugin
        mask = self._runs[run_id] = Mask([*plugin.secrets, *given])
        return mask

    def drop_run(self, run_id: str) -> None:
        self._runs.pop(run_id, None)

    def of(self, key: str, run_id: str | None) -> Mask:
        """What to mask in a line of this log."""
        run = self._runs.get(run_id) if run_id is not None else None
        return run or self._plugins.get(key, self._none)
