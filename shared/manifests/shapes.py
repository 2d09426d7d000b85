"""Any value made JSON-shaped and bounded, before anything looks at what it means."""

import math
from collections.abc import Mapping
from typing import Any

from shared.manifests.findings import Findings, Path

MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_TEXT = 4 * 1024 * 1024
"""Characters of all texts together."""
_INT64 = 2**63


class Shaper:
    """Copies values into plain dicts, lists, texts, numbers, booleans and None.

    One shaper serves one plugin: depth is bounded for each value, number and length for all together,
    so that a list which holds itself, or one that repeats itself a billion times, ends.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._values = MAX_VALUES
        self._text = MAX_TEXT
        self._full = False
        self._deep = False

    def shape(self, value: Any, path: Path) -> Any:
        """A bounded JSON-shaped copy; what cannot be one becomes None, with a warning."""
        if value is None or value is True or value is False:
            self._values -= 1
            return value
        if type(value) is str and self._values > 0 and len(path) <= MAX_DEPTH:
            self._values -= 1  # most values are texts: the short way for them
            return self._string(value, path)
        if len(path) > MAX_DEPTH:
            return self._cut(path)
        if self._values <= 0:
            return self._refuse(path)
        self._values -= 1
        return self._copy(value, path)

    def _copy(self, value: Any, path: Path) -> Any:  # noqa: PLR0911 - one return per kind of value
        if isinstance(value, str):
            return self._string(value, path)
        if isinstance(value, int):
            return self._integer(value, path)
        if isinstance(value, float):
            if math.isfinite(value):
                return float(value)
            self._findings.warning(path, "is not a finite number", "use a number that JSON can hold")
            return None
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._sequence(value, path)
        self._findings.warning(
            path, f"is a {type(value).__name__}, which JSON cannot hold", "use text, numbers, lists and dicts"
        )
        return None

    def _sequence(self, value: Any, path: Path) -> list[Any]:
        shaped = []
        for index, entry in enumerate(value):
            if self._values <= 0:
                self._refuse(path)
                break
            shaped.append(self.shape(entry, (*path, index)))
        return shaped

    def _mapping(self, value: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        shaped = {}
        for key, entry in value.items():
            if self._values <= 0:
                self._refuse(path)
                break
            if not isinstance(key, str | float) and not (isinstance(key, int) and -_INT64 <= key < _INT64):
                self._findings.warning(path, f"has a {type(key).__name__} as key", "use text as keys")
                continue
            name = self._string(key if isinstance(key, str) else str(key), path)
            shaped[name] = self.shape(entry, (*path, name))
        return shaped

    def _string(self, value: str, path: Path) -> str:
        text = str.__str__(value)
        if len(text) > self._text:
            self._refuse(path)
            return ""
        self._text -= len(text)
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            self._findings.warning(path, "holds half a character (a lone surrogate)", "write the text anew")
            return text.encode("utf-8", "replace").decode()
        return text

    def _integer(self, value: int, path: Path) -> int | None:
        if -_INT64 <= value < _INT64:
            return int(value)
        self._findings.warning(path, "is an integer of more than 64 bits", "use a smaller number, or text")
        return None

    def _cut(self, path: Path) -> None:
        if not self._deep:
            self._deep = True
            self._findings.error(path[:8], f"is nested deeper than {MAX_DEPTH} levels", "nest it less deeply")

    def _refuse(self, path: Path) -> None:
        if not self._full:
            self._full = True
            self._findings.error(
                path[:8], "is too large: the rest of the plugin's description is left out", "say less"
            )
