"""Frames between the executor and a plugin's processes: four bytes of length, then msgpack.

What arrives was sent by a process that belongs to a plugin: nothing in it is believed. Values of the plugin
(results, arguments) travel as JSON text inside a frame, so that parsing proves them to be JSON.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgpack
import orjson

MAX_FRAME: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 200
MAX_VALUES: Final = 4_000_000
"""Of one JSON text: an empty list takes two bytes there and some sixty in memory."""
_MAX_FIELDS: Final = 16
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A JSON string, also one that never ends: matching anything from a quote on keeps the search linear."""
_LENGTH: Final = struct.Struct(">I")


class ProtocolViolation(Exception):
    """The other side sent what it never should; nothing more is read from it."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One frame. Raises ValueError when the message is too large, TypeError or OverflowError for odd values."""
    body: bytes = msgpack.packb(message, use_bin_type=True)
    if len(body) > MAX_FRAME:
        raise ValueError(f"{len(body):,} bytes are more than a frame holds ({MAX_FRAME:,})")
    return _LENGTH.pack(len(body)) + body


class FrameDecoder:
    """Turns a stream of bytes into messages; holds at most one frame and what was read last."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max_frame = max_frame

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take what was read and give the messages that are complete. Raises `ProtocolViolation`."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > self._max_frame:
                raise ProtocolViolation(f"a frame of {length:,} bytes, more than {self._max_frame:,}")
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            body = bytes(memoryview(buffer)[_LENGTH.size : end])
            del buffer[:end]
            yield _decode(body)


def _decode(body: bytes) -> dict[str, Any]:
    """One flat map: anything nested could be a thousand times larger in memory than it is here."""
    maps = 0

    def one_map(pairs: dict[str, Any]) -> dict[str, Any]:
        nonlocal maps
        maps += 1
        if maps > 1:
            raise ProtocolViolation("maps inside maps")
        return pairs

    try:
        message = msgpack.unpackb(
            body, object_hook=one_map, max_map_len=_MAX_FIELDS, max_array_len=0, max_ext_len=0
        )
    except Exception as error:
        # msgpack raises a dozen kinds for bytes that are none of its own, ValueError being only one base.
        raise ProtocolViolation(f"a frame that is no message ({type(error).__name__})") from error
    if not isinstance(message, dict):
        raise ProtocolViolation("a frame that holds no map")
    return message


def decode_json(text: object) -> Any:
    """A plugin's value. Raises `ProtocolViolation` for what is no JSON, or larger or deeper than can be sent on."""
    if not isinstance(text, bytes):
        raise ProtocolViolation("a value that is no JSON text")
    if too_many_values(text):
        raise ProtocolViolation(f"a value of more than {MAX_VALUES:,} parts")
    try:
        value = orjson.loads(text)
        # Parsing allows more levels than encoding does; counting brackets keeps flat values cheap.
        if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ProtocolViolation(f"a value that is no JSON ({error})") from error
    return value


def too_many_values(text: bytes) -> bool:
    """Whether the JSON text has more parts than `MAX_VALUES`, found without parsing it."""
    return _parts(text) > MAX_VALUES and _parts(_STRING.sub(b"", text)) > MAX_VALUES


def _parts(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
