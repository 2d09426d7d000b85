"""The text formats of field values: each function returns what is wrong, or None."""

import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](([01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d{1,9})?([Zz]|[+-]00:00)", re.ASCII
)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\.]+(\.[^\s@<>\"(),:;\[\]\\.]+)+")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*", re.ASCII)
_SCRIPTS = frozenset({"javascript", "data", "vbscript"})


def date_problem(text: str) -> str | None:
    """`YYYY-MM-DD`, a day that exists."""
    if _DATE.fullmatch(text) is None:
        return "must be a date as YYYY-MM-DD"
    try:
        date.fromisoformat(text)
    except ValueError:
        return "is no day of the calendar"
    return None


def time_problem(text: str) -> str | None:
    """`HH:MM`, 00:00 to 23:59."""
    return None if _TIME.fullmatch(text) else "must be a time as HH:MM"


def datetime_problem(text: str) -> str | None:
    """RFC 3339 in UTC: `2030-01-31T18:00:00Z`."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return "must be a time in UTC as YYYY-MM-DDTHH:MM:SSZ"
    try:
        datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        return "is no day of the calendar"
    return None


def color_problem(text: str) -> str | None:
    """`#rrggbb`."""
    return None if _COLOR.fullmatch(text) else "must be a colour as #rrggbb"


def email_problem(text: str) -> str | None:
    """`name@host.domain`, at most 254 characters."""
    return None if len(text) <= 254 and _EMAIL.fullmatch(text) else "must be an e-mail address"


def url_problem(text: str) -> str | None:
    """An absolute URL with a host; any scheme but those that carry scripts (`webcal:`, `rtsp:` … occur)."""
    message = "must be a URL such as https://example.com/path"
    if any(character.isspace() for character in text):
        return message
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return message
    if not host or _SCHEME.fullmatch(parts.scheme) is None or parts.scheme in _SCRIPTS:
        return message
    return None


FORMATS: dict[str, Callable[[str], str | None]] = {
    "date": date_problem,
    "time": time_problem,
    "datetime": datetime_problem,
    "color": color_problem,
    "email": email_problem,
    "url": url_problem,
}
"""The check of each field type whose value is text of a fixed form."""
