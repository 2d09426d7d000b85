"""What describes the platform: OpenAPI, AsyncAPI, and a rendering for people.

They are the same in every installation and hold nothing of it, so they are public like the UI's own files.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from starlette.responses import Response

from services.gateway import pages
from services.gateway.calls import Call
from services.gateway.operations import JSON, Operations
from services.gateway.view import Body
from shared import errors
from shared.contracts import asyncapi

_HTML = "text/html"


def operations(openapi: Callable[[], dict[str, Any]]) -> Operations:
    """The operations that serve documents; `openapi` makes the document when it is first asked for."""
    ops = Operations("documents")

    @cache
    def openapi_body() -> Body:
        return Body.of(orjson.dumps(openapi()))

    @cache
    def asyncapi_body(service: str | None) -> Body:
        found = asyncapi.public_document() if service is None else asyncapi.document(service)
        return Body.of(orjson.dumps(found))

    @cache
    def docs_body() -> Body:
        return Body.of(pages.docs(openapi(), asyncapi.SERVICES))

    @ops("GET", "/openapi.json", "get_openapi", {200: JSON, 304: None})
    async def get_openapi(call: Call) -> Response:
        """Get this document."""
        return call.cached(await asyncio.to_thread(openapi_body))

    @ops("GET", "/asyncapi", "get_asyncapi", {200: JSON, 304: None}, also=("/asyncapi/",))
    async def get_asyncapi(call: Call) -> Response:
        """Get the AsyncAPI document for outside publishers."""
        return call.cached(await asyncio.to_thread(asyncapi_body, None))

    @ops("GET", "/asyncapi/{service}", "get_asyncapi_of_service", {200: JSON, 304: None}, problems=(404,))
    async def get_asyncapi_of_service(call: Call) -> Response:
        """Get the AsyncAPI document of one service."""
        service = str(call.request.path_params["service"])
        if service not in asyncapi.SERVICES:
            raise errors.NotFound(f"no service {service[:100]!r}; there are {', '.join(asyncapi.SERVICES)}")
        return call.cached(await asyncio.to_thread(asyncapi_body, service))

    @ops("GET", "/docs", "get_docs", {200: _HTML, 304: None}, also=("/docs/",))
    async def get_docs(call: Call) -> Response:
        """Read this document as a page."""
        response = call.cached(await asyncio.to_thread(docs_body))
        if response.status_code != 304:
            response.headers["Content-Type"] = f"{_HTML}; charset=utf-8"
        return response

    return ops
