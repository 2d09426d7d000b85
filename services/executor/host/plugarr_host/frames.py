"""Frames of the sockets inside a plugin's process: four bytes of length, then msgpack.

`services/executor/hosts/protocol.py` is the other end, which trusts nothing that arrives; this end does.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgpack

MAX_FRAME: Final = 64 * 1024 * 1024
_LENGTH: Final = struct.Struct(">I")


def pack(message: Mapping[str, Any]) -> bytes:
    """One frame."""
    body: bytes = msgpack.packb(message, use_bin_type=True)
    return _LENGTH.pack(len(body)) + body


class FrameDecoder:
    """Turns a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take what was read and give the messages that are complete."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            body = bytes(memoryview(buffer)[_LENGTH.size : end])
            del buffer[:end]
            yield msgpack.unpackb(body, raw=False)
