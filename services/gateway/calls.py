"""One request on its way through an operation: who asks, path, query, body."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.bodies import SMALL, parse_json, read_body
from services.gateway.problems import BadRequest, faults_of
from services.gateway.view import Body
from shared import errors
from shared.contracts.users import User

M = TypeVar("M", bound=BaseModel)

_LONGEST_NAME = 255


class Call:
    """A request of a user who may make it."""

    __slots__ = ("_user", "request")

    def __init__(self, request: Request, user: User | None) -> None:
        self.request = request
        self._user = user

    @property
    def user(self) -> User:
        """Who asks; never on an anonymous operation."""
        assert self._user is not None
        return self._user

    def name(self, part: str) -> str:
        """A name in the path: a plugin's key, a collection, a page. Raises Invalid where it is too long."""
        value: str = self.request.path_params[part]
        if len(value) > _LONGEST_NAME:
            raise errors.Invalid(f"must have at most {_LONGEST_NAME} characters", path=part)
        return value

    def query(self, model: type[M]) -> M:
        """The query's parameters. Raises Invalid with the parameter's name."""
        try:
            return model.model_validate(dict(self.request.query_params))
        except ValidationError as error:
            raise faults_of(error) from error

    async def body(self, model: type[M], limit: int = SMALL) -> M:
        """The JSON body. Raises BadRequest, Invalid with the path, TooLarge."""
        value = await self.json(limit)
        if not isinstance(value, dict):
            raise BadRequest("must be a JSON object", path="body")
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise faults_of(error) from error

    async def json(self, limit: int) -> Any:
        """The JSON body, whatever it is. Raises BadRequest, Invalid with the path, TooLarge."""
        return await parse_json(await read_body(self.request, limit))

    def base_url(self, public_url: str) -> str:
        """`https://host` as the browser knows it."""
        if public_url:
            return public_url
        return f"{self.request.url.scheme}://{self.request.headers.get('host', 'localhost')}"

    def cached(self, body: Body) -> Response:
        """The body, or 304 where the client has it already."""
        headers = {
            "ETag": body.etag,
            "Cache-Control": "private, no-cache",
            "Vary": "Authorization, X-API-Key",
        }
        if _matches(self.request.headers.get("if-none-match"), body.etag):
            return Response(status_code=304, headers=headers)
        return json_response(body.data, headers=headers)


def json_response(data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Encoded JSON as a response."""
    return Response(data, status, headers, "application/json")


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in header.split(","))
