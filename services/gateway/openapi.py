"""The OpenAPI document: what the operations declare, with every schema named once."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from services.gateway.operations import JSON, Operation
from services.gateway.problems import MEDIA_TYPE, ProblemDocument
from shared.contracts.ui import UiDocument
from shared.contracts.users import Level

VERSION: Final = "1.0.0"
_REF: Final = "#/components/schemas/{model}"
_PART = re.compile(r"\{(\w+)\}")
_DESCRIPTION: Final = """\
Plugins for Dispatcharr, run in processes of their own.

Log in at `POST /api/accounts/token/` and send `Authorization: Bearer <access>`, or send an API key as
`X-API-Key`. Errors are problem documents (RFC 9457). Paths work with and without their last slash.
"""
_TAGS: Final = {
    "plugins": "What plugins there are, what they draw, and how they are administered.",
    "runs": "An action of a plugin is a run: it has a state, a log, a result and a history.",
    "schedules": "What is run when: by cron, by interval, or at one time.",
    "events": "What happens around the platform, and has actions run that follow it.",
    "files": "What users hand to plugins.",
    "data": "What plugins store: collections of JSON documents with integer ids.",
    "accounts": "Logging in, the first administrator, oneself.",
    "users": "Users and API keys.",
    "probes": "For who watches the gateway.",
    "documents": "What describes the platform.",
}

SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "DocumentIn": {"type": "object", "additionalProperties": True, "description": "Any JSON object."},
    "Upload": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "A ZIP of at most 64 MiB."},
            "overwrite": {"type": "boolean", "default": False},
        },
    },
    "FileUpload": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "A file of at most 64 MiB."},
            "plugin": {"type": "string", "maxLength": 255, "description": "Whose file it is to be."},
        },
    },
}
_BODIES: Final[dict[str, dict[str, Any]]] = {
    "Upload": {"$ref": _REF.format(model="Upload")},
    "FileUpload": {"$ref": _REF.format(model="FileUpload")},
    "Document": {"$ref": _REF.format(model="DocumentIn")},
    "Documents": {
        "anyOf": [
            {"type": "array", "items": {"$ref": _REF.format(model="DocumentIn")}},
            {
                "type": "object",
                "required": ["data"],
                "additionalProperties": False,
                "properties": {"data": {"type": "array", "items": {"$ref": _REF.format(model="DocumentIn")}}},
            },
        ]
    },
}
_HEADERS: Final = {
    "Idempotency-Key": "A repeated request with the same key is the same request, for 24 h.",
    "If-None-Match": "The ETag of what is there already: 304 if it is still so.",
}
_STATUS_TEXT: Final = {
    200: "Done.",
    201: "Made.",
    202: "Taken; it goes on.",
    304: "What the client has is still right.",
    400: "Bad input.",
    401: "Credentials are missing, wrong or withdrawn.",
    403: "The user's level is too low, or the plugin is disabled.",
    404: "There is no such thing.",
    409: "It exists already, or is in a state that forbids this.",
    413: "The body is too large.",
    422: "Bad input; `path` says where.",
    429: "Too many attempts; Retry-After says when to go on.",
    500: "The run failed.",
    503: "A part of the platform is not there, or the bus is full; Retry-After says when to try again.",
    504: "A part of the platform did not answer in time; it may have done it.",
}


def document(
    operations: Iterable[Operation], routes: Iterable[BaseRoute], levels: Mapping[str, Level | None]
) -> dict[str, Any]:
    """The whole document, the same whatever this installation holds."""
    shown = [operation for operation in operations if not operation.hidden]
    found = get_openapi(
        title="Plugarr",
        version=VERSION,
        description=_DESCRIPTION,
        routes=list(routes),
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    models = sorted({model for operation in shown for model in _models(operation)}, key=lambda m: m.__name__)
    wanted: list[type[BaseModel]] = [*models, ProblemDocument, UiDocument]
    _, schemas = models_json_schema([(model, "validation") for model in wanted], ref_template=_REF)
    found["components"] = {
        "schemas": dict(sorted({**schemas["$defs"], **SCHEMAS}.items())),
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        },
    }
    for operation in shown:
        entry = found["paths"][operation.path][operation.method.lower()]
        _describe(entry, operation, levels[operation.id])
    return found


def _models(operation: Operation) -> set[type[BaseModel]]:
    found = {model for model in operation.answers.values() if inspect.isclass(model)}
    if inspect.isclass(operation.body):
        found.add(operation.body)
    return found


def _describe(entry: dict[str, Any], operation: Operation, level: Level | None) -> None:
    entry["parameters"] = [*_parameters(operation)]
    if not entry["parameters"]:
        del entry["parameters"]
    if level is None:
        entry["security"] = []
    else:
        entry["security"] = [{"bearer": []}, {"apiKey": []}]
        entry["x-level"] = level
    if not entry.get("description"):
        entry.pop("description", None)
    if operation.body is not None:
        content: dict[str, Any] = {"schema": _body_schema(operation.body)}
        if operation.examples:
            content["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
        entry["requestBody"] = {"required": True, "content": {operation.body_type: content}}
    entry["responses"] = dict(sorted(_responses(operation, level).items()))


def _body_schema(body: type[BaseModel] | str) -> dict[str, Any]:
    return _BODIES[body] if isinstance(body, str) else {"$ref": _REF.format(model=body.__name__)}


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in _PART.findall(operation.path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
        if name == "id" and operation.tag == "data":
            schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
        elif name in {"run_id", "schedule_id", "file_id"}:
            schema = {"type": "string", "format": "uuid"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if operation.query is not None:
        schema = operation.query.model_json_schema(ref_template=_REF)
        required = schema.get("required", [])
        for name, found in schema["properties"].items():
            shape = {key: value for key, value in found.items() if key not in {"title", "description"}}
            parameter = {"name": name, "in": "query", "required": name in required, "schema": shape}
            if "description" in found:
                parameter["description"] = found["description"]
            yield parameter
    for name in operation.headers:
        schema = {"type": "string", "maxLength": 255}
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": _HEADERS[name],
            "schema": schema,
        }


def _responses(operation: Operation, level: Level | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, model in operation.answers.items():
        answer: dict[str, Any] = {"description": _STATUS_TEXT[status]}
        if isinstance(model, str):
            answer["content"] = {model: {"schema": {"type": "object" if model == JSON else "string"}}}
        elif model is not None:
            answer["content"] = {JSON: {"schema": {"$ref": _REF.format(model=model.__name__)}}}
        found[str(status)] = answer
    statuses = set(operation.problems)
    if level is not None:
        statuses |= {401, 403}
    if operation.tag not in {"probes", "documents"}:
        statuses |= {422, 503, 504}
    for status in sorted(statuses):
        problem = {"schema": {"$ref": _REF.format(model=ProblemDocument.__name__)}}
        if str(status) in found:
            continue
        found[str(status)] = {"description": _STATUS_TEXT[status], "content": {MEDIA_TYPE: problem}}
        if status in {429, 503, 504}:
            found[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    # A run that was refused answers 403 in the run's own shape.
    return found
