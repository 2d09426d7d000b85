"""Operations: every endpoint declared once, with its level, its documents and its handler."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.gateway import metrics
from services.gateway.access import require
from services.gateway.calls import Call
from services.gateway.identity import Identity
from services.gateway.problems import faults_of, problem, problem_of
from shared import errors
from shared.contracts.users import Level
from shared.logging import get_logger

Handler = Callable[[Call], Awaitable[Response]]
Answers = Mapping[int, type[BaseModel] | str | None]
"""Status → model of the JSON, media type of anything else, or None for an empty body."""

JSON: Final = "application/json"

log = get_logger(__name__)


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    answers: Answers
    problems: tuple[int, ...]
    handler: Handler
    query: type[BaseModel] | None = None
    body: type[BaseModel] | str | None = None
    """Model of the JSON, or the name of a schema of `openapi.SCHEMAS`."""
    body_type: str = JSON
    headers: tuple[str, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Examples of the body."""
    hidden: bool = False
    """Not in the documents: another path of an operation that is."""


class Operations:
    """Declares operations of one noun."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.declared: list[Operation] = []

    def __call__(
        self,
        method: str,
        path: str,
        op: str,
        answers: Answers,
        *,
        problems: Sequence[int] = (),
        also: Sequence[str] = (),
        **more: Any,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated handler; `also` names further paths of it."""

        def declare(handler: Handler) -> Handler:
            text = (handler.__doc__ or op).strip()
            summary, _, description = text.partition("\n")
            for number, where in enumerate((path, *also)):
                self.declared.append(
                    Operation(
                        id=op,
                        method=method,
                        path=where,
                        tag=self._tag,
                        summary=summary.rstrip("."),
                        description=" ".join(description.split()),
                        answers=answers,
                        problems=tuple(problems),
                        handler=handler,
                        hidden=number > 0,
                        **more,
                    )
                )
            return handler

        return declare


class OperationRoute(APIRoute):
    """A route of FastAPI whose handler does everything itself: no dependency is solved, no answer validated.

    That is what the documents say of it that is checked here, by the operation's own models, and it costs a
    third of what FastAPI's own request handling does.
    """

    def __init__(self, operation: Operation, identity: Identity, levels: Mapping[str, Level | None]) -> None:
        self.operation = operation
        self._handle = bound(operation, identity, levels[operation.id])
        super().__init__(
            operation.path,
            self._handle,
            methods=[operation.method],
            name=operation.id,
            operation_id=operation.id,
            tags=[operation.tag],
            summary=operation.summary,
            description=operation.description,
            include_in_schema=not operation.hidden,
            response_class=Response,
            status_code=min(operation.answers),
        )

    def get_route_handler(self) -> Callable[[Request], Any]:
        return self._handle


def bound(
    operation: Operation, identity: Identity, level: Level | None
) -> Callable[[Request], Awaitable[Response]]:
    """The operation's handler behind its level; expected failures become problems."""
    handler = operation.handler
    observe = metrics.observer(operation.id)

    async def handle(request: Request) -> Response:
        began = time.perf_counter()
        try:
            user = None
            if level is not None:
                headers = request.headers
                user = await identity.of(headers.get("authorization"), headers.get("x-api-key"))
                require(user, level)
            response = await handler(Call(request, user))
        except errors.PlugarrError as error:
            response = problem_of(error)
            if error.code == "internal":
                log.exception("operation_failed", operation=operation.id)
        except ValidationError as error:
            # A command that could not be made of what was given.
            response = problem_of(faults_of(error))
        except Exception:
            log.exception("operation_crashed", operation=operation.id)
            response = problem(500, "internal", "a fault of the gateway; its log says more")
        observe(response.status_code, time.perf_counter() - began)
        return response

    return handle
