"""A plugin's logo: a PNG of a size that a list of plugins can afford."""

from typing import Final

LOGO: Final = "logo.png"
LOGO_BYTES: Final = 256 * 1024
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def is_png(data: bytes) -> bool:
    """Whether the bytes begin as a PNG does: nothing else is ever served as one."""
    return data.startswith(_PNG)
