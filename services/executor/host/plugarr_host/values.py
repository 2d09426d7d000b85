"""What of a plugin's values JSON can hold, and the words for what it cannot.

A value leaves the process as JSON text inside a frame: the encoder in C checks it at full speed, and the
executor's parser checks it again, since this process belongs to the plugin.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

MAX_JSON: Final = 64 * 1024 * 1024 - 64 * 1024
"""Bytes; a frame's limit, less what surrounds the value."""
MAX_DEPTH: Final = 200
"""The executor's encoder stops at 254 levels, and envelopes need some."""

MAX_VALUES: Final = 4_000_000
"""Values in one text; the executor reads no more."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_DIGITS: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG_NUMBER: Final = b"0" * 19
"""Looked for in a text whose digits are all 0, which is ten times quicker than by expression."""
_WRITE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""Taken before the plugin is loaded: some put a `json.dumps` of their own in place."""
_INT64: Final = (-(2**63), 2**64 - 1)


class Unserialisable(TypeError):
    """JSON cannot hold a value; the message says where and what."""


def encode(value: object, root: str) -> bytes:
    """The value as JSON text. Raises `Unserialisable`; `root` is what the value's path begins with."""
    try:
        text = _WRITE(value).encode()
    except Exception as error:  # noqa: BLE001 - the border: methods of a plugin's own dicts and lists run here
        fault = _fault(value, root, ())
        raise Unserialisable(fault or f"{root} cannot be written as JSON: {error}") from None
    if len(text) > MAX_JSON:
        raise Unserialisable(f"{root} is {len(text):,} bytes of JSON, more than {MAX_JSON:,}")
    if _parts(text) > MAX_VALUES and _parts(_STRING.sub(b"", text)) > MAX_VALUES:
        raise Unserialisable(f"{root} holds more than {MAX_VALUES:,} values")
    suspicious = text.count(b"[") + text.count(b"{") > MAX_DEPTH or _LONG_NUMBER in text.translate(_DIGITS)
    if suspicious and (fault := _fault(value, root, ())):
        raise Unserialisable(fault)
    return text


def _parts(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _fault(value: object, path: str, above: tuple[int, ...]) -> str | None:  # noqa: PLR0911 - one return for each kind of value
    """What JSON, as the platform reads it, cannot hold in this value."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return f"{path} holds a lone surrogate, which JSON cannot hold" if _has_surrogate(value) else None
    if isinstance(value, int):
        return None if _INT64[0] <= value <= _INT64[1] else f"{path} is an integer of more than 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{path} is {value}, which JSON cannot hold"
    if not isinstance(value, dict | list | tuple):
        return f"{path} is {_kind(value)}, which JSON cannot hold"
    if id(value) in above:
        return f"{path} contains itself"
    if len(above) >= MAX_DEPTH:
        return f"{path} is nested deeper than {MAX_DEPTH} levels"
    return _fault_inside(value, path, (*above, id(value)))


def _fault_inside(
    value: dict[Any, Any] | list[Any] | tuple[Any, ...], path: str, above: tuple[int, ...]
) -> str | None:
    if not isinstance(value, dict):
        faults = (_fault(item, f"{path}[{index}]", above) for index, item in enumerate(list(value)))
        return next((fault for fault in faults if fault), None)
    for key, item in list(dict.items(value)):  # what it holds, not what it says
        if not isinstance(key, str | int | float | None):
            return f"{path} has a key that is {_kind(key)}, which JSON cannot hold"
        if isinstance(key, str) and _has_surrogate(key):
            return f"{path} has a key with a lone surrogate, which JSON cannot hold"
        if fault := _fault(item, f"{path}.{key}", above):
            return fault
    return None


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: object) -> str:
    name = type(value).__name__
    if name == "bytes":
        return "bytes"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def shaped(value: object, path: str, warnings: list[str], depth: int = 0) -> Any:  # noqa: PLR0911 - one return for each kind of value
    """The nearest JSON value, for what a plugin says of itself: one odd default does not lose the others."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value).encode(errors="replace").decode()
    if isinstance(value, int) and _INT64[0] <= value <= _INT64[1]:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | PurePath):
        return str(value)
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            return {str(k): shaped(v, f"{path}.{k}", warnings, depth + 1) for k, v in list(value.items())}
        if isinstance(value, list | tuple | set | frozenset):
            return [shaped(v, f"{path}[{i}]", warnings, depth + 1) for i, v in enumerate(list(value))]
    warnings.append(f"{path} is {_kind(value)}, which JSON cannot hold; left out")
    return None
