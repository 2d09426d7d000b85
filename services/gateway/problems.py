"""Errors over HTTP: RFC 9457 problem documents, and the one table of codes and statuses.

`success` and `error` stand in every problem too: that is where Dispatcharr's tools look.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from shared import errors

STATUS: Final[dict[str, int]] = {
    "invalid": 422,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "unauthenticated": 401,
    "permission_denied": 403,
    "plugin_disabled": 403,
    "rate_limited": 429,
    "unavailable": 503,
    "timed_out": 504,
    "run_failed": 500,
    "internal": 500,
}
"""Code of `shared.errors` → HTTP status."""

RETRY_AFTER_S: Final = {"rate_limited": 60, "unavailable": 2, "timed_out": 2}
MEDIA_TYPE: Final = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with the input."""

    path: str
    message: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:plugarr:problem:not_found",
                "title": "Not Found",
                "status": 404,
                "detail": "no plugin 'weather'",
                "success": False,
                "error": "no plugin 'weather'",
            }
        },
    )

    type: str
    """`urn:plugarr:problem:<code>`."""
    title: str
    status: int
    detail: str
    path: str | None = None
    """Where in the input the fault lies."""
    errors: list[Fault] | None = None
    """All faults, where there are several."""
    run_id: str | None = None
    success: bool = Field(default=False, description="Always false.")
    error: str
    """The same as `detail`."""


class Faults(errors.Invalid):
    """Several things wrong with one input; the first speaks for all."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        path, message = faults[0]
        super().__init__(f"{path}: {message}", path=path)
        self.faults = faults


class BadRequest(errors.Invalid):
    """Bad input for which 400 is promised, where other bad input is 422."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    path: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem document as a response."""
    body: dict[str, Any] = {
        "type": f"urn:plugarr:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "success": False,
        "error": detail,
    }
    if path is not None:
        body["path"] = path
    body.update((key, value) for key, value in more.items() if value is not None)
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def problem_of(error: errors.PlugarrError, *, run_id: str | None = None) -> Response:
    """The response to an expected failure."""
    status = 400 if isinstance(error, BadRequest) else STATUS.get(error.code, 500)
    headers: dict[str, str] = {}
    if error.code in RETRY_AFTER_S:
        headers["Retry-After"] = str(RETRY_AFTER_S[error.code])
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    faults = (
        [{"path": path, "message": message} for path, message in error.faults]
        if isinstance(error, Faults)
        else None
    )
    detail = error.message
    return problem(status, error.code, detail, path=error.path, headers=headers, errors=faults, run_id=run_id)


def faults_of(error: ValidationError) -> Faults:
    """What pydantic found, each with its path; inputs are not repeated, since they may be secret."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:100]
    return Faults([(dotted(fault["loc"]) or "body", fault["msg"]) for fault in found])


def dotted(location: Sequence[str | int]) -> str:
    """`("data", "items", 3)` → `data.items[3]`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")
