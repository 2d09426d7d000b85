"""Structured logs: one JSON object a line, or columns for people."""

import logging
import re
import sys
from typing import Any, Literal

import structlog

_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_SECRET_WORDS = ("password", "secret", "token", "authorization", "api_key", "cookie")


def _mask(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in event.items():
        event[key] = _masked(key, value)
    return event


def _masked(key: object, value: Any) -> Any:
    if any(word in str(key).lower() for word in _SECRET_WORDS):
        return "***"
    match value:
        case dict():
            return {name: _masked(name, inner) for name, inner in value.items()}
        case list() | tuple():
            return [_masked("", inner) for inner in value]
        case str():
            return _URL_PASSWORD.sub(r"\1***@", value)
        case _:
            return value


def configure(service: str, instance: str, *, form: Literal["json", "console"], level: str) -> None:
    """Send everything that is logged in this process to stderr, in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mask,
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if form == "json"
        else [
            structlog.dev.ConsoleRenderer(
                # Plain: the rich one prints local variables, and with them secrets.
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "nats", "pymongo", "watchfiles"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.contextvars.bind_contextvars(service=service, instance=instance)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
