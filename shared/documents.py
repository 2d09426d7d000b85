"""What a plugin's document may hold: JSON that every database and language can carry.

At most 1 MiB of JSON and 64 levels; no NUL in keys, no integer over 64 bit, no NaN or infinity, no lone
surrogate. Whatever is refused is refused with its path: `data.items[3].url`.
"""

import json
import math
import re
from typing import Any, Final

import orjson
import pydantic_core

from shared import errors

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_INT: Final = 2**63 - 1

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch


def check_document(document: dict[str, Any], path: str) -> None:
    """Raise Invalid, with the path, for a document that cannot be stored."""
    _check(document, path, 1)
    size = len(orjson.dumps(document))
    if size > MAX_BYTES:
        raise errors.Invalid(
            f"{path}: {size:,} bytes are more than the {MAX_BYTES:,} of a document", path=path
        )


def read_json(data: bytes, path: str) -> Any:
    """JSON as Python reads it: with what `check_document` then refuses by its path. Raises Invalid."""
    try:
        return pydantic_core.from_json(data)
    except ValueError:
        pass
    try:
        # Lone surrogates stop the quick reader; this one lets them through, to be named by their path.
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise errors.Invalid(f"{path}: not JSON: {error}", path=path) from error


def _check(value: Any, path: str, depth: int) -> None:
    match value:
        case dict():
            _bounded(depth, path)
            for key, inner in value.items():
                _check_key(key, path)
                _check(inner, _member(path, key), depth + 1)
        case list() | tuple():
            _bounded(depth, path)
            for index, inner in enumerate(value):
                _check(inner, f"{path}[{index}]", depth + 1)
        case _:
            fault = _fault(value)
            if fault:
                raise errors.Invalid(f"{path}: {fault}", path=path)


def _fault(value: Any) -> str | None:
    """What is wrong with a value that holds no others."""
    match value:
        case str():
            return "a lone surrogate is no text" if not value.isascii() and _has_surrogate(value) else None
        case None | bool():
            return None
        case int():
            return None if -MAX_INT - 1 <= value <= MAX_INT else "an integer of more than 64 bit"
        case float():
            return None if math.isfinite(value) else f"{value} is no number that JSON has"
        case _:
            return f"{type(value).__name__} is nothing that JSON has"


def _bounded(depth: int, path: str) -> None:
    if depth > MAX_DEPTH:
        raise errors.Invalid(f"{path}: nested deeper than {MAX_DEPTH} levels", path=path)


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise errors.Invalid(f"{path}: the key {key!r} is no text", path=path)
    if "\0" in key or (not key.isascii() and _has_surrogate(key)):
        where = _member(path, key)
        raise errors.Invalid(f"{where}: a key must hold neither NUL nor a lone surrogate", path=where)


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if _WORD(key) else f"{path}[{json.dumps(key)}]"


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
