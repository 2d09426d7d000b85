"""Request bodies: bounded, and JSON that every other part of the platform can hold."""

import asyncio
import json
import math
import re
from typing import Any, Final, NoReturn

import orjson
from starlette.requests import ClientDisconnect, Request

from services.gateway.problems import BadRequest
from shared import errors

MIB: Final = 1024 * 1024
SMALL: Final = MIB // 4
"""Log-ins, flags, users."""
DOCUMENT: Final = 8 * MIB
"""Settings and documents; the data service takes documents of at most 1 MiB."""
LARGE: Final = 64 * MIB
"""Params and whole collections: what may travel by reference."""
MAX_DEPTH: Final = 64

_IN_THREAD: Final = 2 * MIB
_UNUSUAL = re.compile(rb"\d{19}|[eE]\+?\d{3}")
"""Numbers that could be too large; everything else is read by the quick parser alone."""


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLarge before more than that is held."""
    announced = request.headers.get("content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect as error:
        raise BadRequest("the body was cut off") from error
    return b"".join(parts)


async def parse_json(data: bytes) -> Any:
    """The JSON value of a body.

    Raises BadRequest for what is no JSON, Invalid with the path for what is but cannot be held: nesting over
    64, integers over 64 bit, numbers that are not finite, lone surrogates.
    """
    if len(data) > _IN_THREAD:
        return await asyncio.to_thread(_parse, data)
    return _parse(data)


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(f"the body is larger than {limit:,} bytes")


def _parse(data: bytes) -> Any:
    if data.count(b"{") + data.count(b"[") <= MAX_DEPTH and not _UNUSUAL.search(data):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
    return _parse_exactly(data)


def _parse_exactly(data: bytes) -> Any:
    if not data.strip():
        raise BadRequest("a JSON body is needed")
    if _deepest(data) > 16 * MAX_DEPTH:
        raise errors.Invalid(f"is nested more than {MAX_DEPTH} deep", path="body")
    try:
        value = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        detail = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise BadRequest(f"the body is no JSON: {detail}", path="body") from error
    _check(value)
    return value


def _deepest(data: bytes) -> int:
    """An upper bound of the nesting, without parsing: brackets in texts count too."""
    depth = deepest = 0
    for match in re.finditer(rb"[\[{]+|[\]}]+", data):
        run = match[0]
        depth += len(run) if run[0] in b"[{" else -len(run)
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise errors.Invalid(f"{name} is no number that JSON knows", path="body")


def _check(value: Any) -> None:
    # Iterative: the path is made only where something is wrong.
    todo: list[tuple[Any, tuple[Any, ...] | None, int]] = [(value, None, 0)]
    while todo:
        node, path, depth = todo.pop()
        fault = _fault(node, depth)
        if fault:
            raise errors.Invalid(fault, path=_text(path))
        if isinstance(node, dict):
            for key, below in node.items():
                if not _encodable(key):
                    raise errors.Invalid("a key holds a lone surrogate", path=_text(path))
                todo.append((below, (path, key), depth + 1))
        elif isinstance(node, list):
            todo.extend((below, (path, index), depth + 1) for index, below in enumerate(node))


def _fault(node: Any, depth: int) -> str | None:
    match node:
        case dict() | list():
            return f"is nested more than {MAX_DEPTH} deep" if depth >= MAX_DEPTH else None
        case str():
            return None if _encodable(node) else "holds a lone surrogate"
        case bool():
            return None
        case int():
            return None if -(2**63) <= node < 2**63 else "is an integer of more than 64 bits"
        case float():
            return None if math.isfinite(node) else "is not a finite number"
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(path: tuple[Any, ...] | None) -> str:
    parts: list[str] = []
    while path is not None:
        path, name = path
        parts.append(f"[{name}]" if isinstance(name, int) else f".{str(name)[:100]}")
    shown = "".join(reversed(parts)).lstrip(".")
    return shown.encode(errors="replace").decode() or "body"
