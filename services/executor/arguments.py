"""Reading what a plugin's host sent: nothing in it is believed."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared import errors

M = TypeVar("M", bound=BaseModel)


def text(args: Mapping[str, Any], name: str) -> str:
    """A text that is given. Raises Invalid."""
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise errors.Invalid(f"{name} must be a text", path=name)
    return value


def mapping(args: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object; None is an empty one. Raises Invalid."""
    value = args.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.Invalid(f"{name} must be an object", path=name)
    return value


def item_id(args: Mapping[str, Any]) -> int:
    """An item's id: `"123"` is accepted for 123. Raises Invalid."""
    value = args.get("id")
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise errors.Invalid(f"{value!r} is no id: ids are whole numbers from 1", path="id")
    return value


def command(kind: type[M], /, **values: Any) -> M:
    """A command of the plugin's values. Raises Invalid with the path of what is wrong."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise errors.Invalid(f"{path.lstrip('.')}: {first['msg']}", path=path.lstrip(".") or None) from error
