"""Plugins' documents from and to BSON, with nothing of the driver's own in between."""

from collections.abc import Mapping
from typing import Any, Final

import bson
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

_REF: Final = b"$ref\0"


def stored(item_id: int, data: dict[str, Any], text: str, now: str) -> dict[str, Any]:
    """A new item as MongoDB holds it."""
    return {
        "_id": Int64(item_id),
        "rev": 1,
        "created_at": now,
        "updated_at": now,
        "s": text,
        "d": data,
    }


def decoded(raw: RawBSONDocument) -> dict[str, Any]:
    """A document as plain Python.

    The driver makes DBRefs of a plugin's `{"$ref": …, "$id": …}`; documents that have such keys are read member
    by member instead.
    """
    if _REF in raw.raw:
        return {key: _plain(inner) for key, inner in raw.items()}
    found: dict[str, Any] = bson.decode(raw.raw)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
