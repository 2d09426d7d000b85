"""The web UI's files, or the page that says how to get them."""

import re
from collections.abc import Awaitable, Callable
from mimetypes import guess_type
from pathlib import Path

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from services.gateway import pages
from shared.service import Check, readiness

_YEAR = "public, max-age=31536000, immutable"
_CODINGS = {"br": ".br", "gzip": ".gz"}
_REFUSED = re.compile(r"q=0(\.0*)?")
_NEVER_PAGES = ("api", "ws", "asyncapi", "docs", "metrics", "livez", "readyz", "openapi.json")
"""First parts of paths that are never the UI's."""


def route(folder: Path, checks: dict[str, Check]) -> Route:
    """What is left: files of the built UI, its index for its own deep links, problems for everything else."""
    return Route("/{path:path}", _serve(folder, checks), methods=["GET", "HEAD"], include_in_schema=False)


def _serve(folder: Path, checks: dict[str, Check]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        path: str = request.path_params["path"]
        if path.partition("/")[0] in _NEVER_PAGES:
            raise HTTPException(404)
        found = await anyio.to_thread.run_sync(_find, folder, path)
        if found is None:
            if path:
                raise HTTPException(404)
            status, body = await readiness(checks)
            shown = {str(name): str(value) for name, value in dict(body["checks"]).items()}  # type: ignore[call-overload]
            return Response(
                pages.home(status == 200, shown),
                media_type="text/html",
                headers={"Cache-Control": "no-store"},
            )
        sent, coding = await anyio.to_thread.run_sync(_packed, found, request.headers)
        response = FileResponse(sent, media_type=guess_type(found.name)[0])
        if coding:
            response.headers["Content-Encoding"] = coding
        response.headers["Vary"] = "Accept-Encoding"
        # Vite names what lies in assets/ by its content.
        hashed = path.startswith("assets/")
        response.headers["Cache-Control"] = _YEAR if hashed else "no-cache"
        if not hashed and _fresh(request, response):
            # A browser takes these over into what it keeps: with the policy of data, a reload would draw nothing.
            kept = ("etag", "content-type", "cache-control", "vary")
            return Response(status_code=304, headers={name: response.headers[name] for name in kept})
        return response

    return serve


def _find(folder: Path, path: str) -> Path | None:
    """The file of that path; the index for pages of the UI; None where there is neither."""
    root = folder.resolve()
    index = root / "index.html"
    if not index.is_file():
        return None
    if path and "\0" not in path and not any(part.startswith(".") for part in path.split("/")):
        wanted = (root / path).resolve()
        # Resolved on both sides: neither `..` nor a link leads out of the folder.
        if wanted.is_relative_to(root) and wanted.is_file():
            return wanted
    last = path.rpartition("/")[2]
    return None if path.startswith("assets/") or "." in last else index


def _packed(file: Path, headers: Headers) -> tuple[Path, str | None]:
    """The smallest form that the build left of a file and that the browser reads, and its coding."""
    if "range" in headers:  # counts bytes of the file itself
        return file, None
    accepted = {
        coding.strip().lower()
        for coding, _, weight in (
            part.partition(";") for part in headers.get("accept-encoding", "").split(",")
        )
        if not _REFUSED.fullmatch(weight.strip())
    }
    for coding, suffix in _CODINGS.items():
        packed = file.with_name(file.name + suffix)
        if coding in accepted and packed.is_file():
            return packed, coding
    return file, None


def _fresh(request: Request, response: FileResponse) -> bool:
    if response.stat_result is None and "etag" not in response.headers:
        response.set_stat_headers(Path(response.path).stat())
    return request.headers.get("if-none-match") == response.headers.get("etag")
