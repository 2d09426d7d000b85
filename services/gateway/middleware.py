"""What holds for every answer: sane requests only, and headers that keep browsers from harm."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.problems import problem

PAGE_POLICY: Final = (
    # Mantine sets styles on elements. Plugins show images by URL, such as channels' logos; nothing else may
    # come from, or go, elsewhere (`'self'` includes the WebSocket of the same host).
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https: http:; "
    "connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
_LONGEST_PATH: Final = 8 * 1024
_LARGEST_HEADERS: Final = 32 * 1024
_MOST_HEADERS: Final = 100
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FILES: Final = (b"text/html", b"text/javascript", b"application/javascript", b"text/css")

_COMMON: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_OF_PAGES: Final = (*_COMMON, (b"content-security-policy", PAGE_POLICY.encode()))
_OF_DATA: Final = (*_COMMON, (b"content-security-policy", _DATA_POLICY.encode()))


class Guard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                kind = next((value for name, value in headers if name == b"content-type"), b"")
                message["headers"] = [*headers, *(_OF_PAGES if kind.startswith(_FILES) else _OF_DATA)]
            await send(message)

        refused = self._refused(scope)
        if refused is not None:
            status, detail = refused
            await problem(status, "invalid", detail)(scope, receive, guarded)
            return
        path: str = scope["path"]
        if path.startswith("/api/") and not path.endswith("/"):
            # Both forms work; a redirect would cost a round trip, and some clients drop the body then.
            scope["path"] = path + "/"
        await self._app(scope, receive, guarded)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = scope["headers"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_PATH:
            return 414, f"the URL is longer than {_LONGEST_PATH} bytes"
        if len(headers) > _MOST_HEADERS or sum(len(n) + len(v) for n, v in headers) > _LARGEST_HEADERS:
            return 431, f"the headers are larger than {_LARGEST_HEADERS} bytes"
        found = Headers(raw=headers)
        host = found.get("host", "")
        if host and not _HOST.fullmatch(host):
            return 400, "the Host header is no host"
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if self._hosts and name.lower() not in self._hosts:
            return 400, f"requests to {name!r} are not taken; PLUGARR_ALLOWED_HOSTS names those that are"
        origin = found.get("origin")
        if origin is not None and scope["method"] not in _SAFE and not self._same(origin, host):
            return 403, f"requests from pages of {origin[:200]!r} are not taken"
        return None

    def _same(self, origin: str, host: str) -> bool:
        if origin in self._origins or "*" in self._origins:
            return True
        try:
            return urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            return False
