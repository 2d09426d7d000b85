"""One function makes a subject token of any name; used for subjects, KV keys and topics."""

import re
from typing import Final

RESERVED_PLUGIN_KEYS: Final = frozenset({"plugins", "navigation", "repos", "runs", "schedules"})
"""Keys that would collide with the gateway's own paths."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")
_ENCODED = [chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in range(256)]
_IS_PLAIN = re.compile(r"[a-z0-9_-]+").fullmatch
_TOKEN = re.compile(r"(?:[a-z0-9_-]|=[0-9A-F]{2})+").fullmatch


def token(name: str) -> str:
    """Encode a name: `[a-z0-9_-]` stays, every other UTF-8 byte is `=XX` in upper-case hex.

    Raises ValueError for the empty name and for lone surrogates, which no subject can carry.
    """
    if _IS_PLAIN(name):
        return name
    if not name:
        raise ValueError("a name must not be empty")
    try:
        return "".join(_ENCODED[byte] for byte in name.encode())
    except UnicodeEncodeError as error:
        raise ValueError("a name must not hold lone surrogates") from error


def untoken(encoded: str) -> str:
    """Decode what `token` made. Raises ValueError for anything that `token` does not make."""
    if not _TOKEN(encoded):
        raise ValueError(f"not a token: {encoded!r}")
    parts = encoded.split("=")
    raw = parts[0].encode() + b"".join(bytes([int(p[:2], 16)]) + p[2:].encode() for p in parts[1:])
    name = raw.decode()
    if token(name) != encoded:
        raise ValueError(f"not a token: {encoded!r}")
    return name
