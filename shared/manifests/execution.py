"""`execution`: how a plugin wants to be run, from `plugin.json` or a literal of its class."""

import re
from typing import Any, Final

from pydantic import ValidationError

from shared.contracts.manifest import Execution
from shared.manifests.findings import Findings

_SPELLINGS: Final = {"timeout": "timeout_s", "tasks": "task_concurrency", "backoff": "backoff_s"}
_UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_MEMORY: Final = re.compile(r"\s*(\d{1,12})\s*([kmg]?)(?:i?b)?\s*", re.IGNORECASE | re.ASCII)


def execution(raw: Any, findings: Findings) -> Execution:
    """The bounds that are said, with the defaults for the rest; a bad one is left out with a warning.

    `timeout` (seconds), `concurrency`, `tasks`, `memory` (bytes, or a text such as `512 MB`), `retries`,
    `backoff` (seconds), `placement`.
    """
    if raw is None:
        return Execution()
    if not isinstance(raw, dict):
        findings.warning("execution", "must be an object; it is left out", 'write {"placement": "any"}')
        return Execution()
    said: dict[str, Any] = {}
    for key, value in raw.items():
        name = _SPELLINGS.get(key, key)
        if name not in Execution.model_fields:
            findings.warning(("execution", key), "is not known", f"one of: {', '.join(_KEYS)}")
        elif (problem := _problem(name, _bytes(value) if name == "memory" else value)) is not None:
            findings.warning(("execution", key), f"{problem}; left out")
        else:
            said[name] = _bytes(value) if name == "memory" else value
    return Execution.model_validate(said)


def _problem(name: str, value: Any) -> str | None:
    if isinstance(value, bool):
        return "must not be true or false"
    try:
        Execution.model_validate({name: value})
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Input ")
    return None


def _bytes(value: Any) -> Any:
    """`512 MB` as bytes; what is no such text stays as it is."""
    match = _MEMORY.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[match[2].lower()] if match else value


_KEYS: Final = ("placement", "timeout", "concurrency", "tasks", "memory", "retries", "backoff")
