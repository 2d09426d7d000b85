"""Frames between the executor and a plugin's processes: four bytes of length, then msgpack.

What arrives was sent by a process that belongs to a plugin: nothing in it is believed. Values of the plugin
(results, arguments) travel as JSON text inside a frame, so that parsing proves them to be JSON.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgpack
import orjson

MAX_FRAME: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 200
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
    try:
        message = msgpack.unpackb(body, raw=False, ext_hook=_no_extension)
    except Exception as error:
        # msgpack raises a dozen kinds for bytes that are none of its own, ValueError being only one base.
        raise ProtocolViolation(f"a frame that is no message ({type(error).__name__})") from error
    if not isinstance(message, dict):
        raise ProtocolViolation("a frame that holds no map")
    return message


def _no_extension(code: int, _data: bytes) -> Any:
    raise ProtocolViolation(f"an extension type ({code})")


def decode_json(text: object) -> Any:
    """A plugin's value. Raises `ProtocolViolation` for what is no JSON or nested too deeply to be sent on."""
    if not isinstance(text, bytes):
        raise ProtocolViolation("a value that is no JSON text")
    try:
        value = orjson.loads(text)
        # Parsing allows more levels than encoding does; counting brackets keeps flat values cheap.
        if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ProtocolViolation(f"a value that is no JSON ({error})") from error
    return value
