"""A running Dispatcharr, asked over its REST API for what only it can do."""

import os
from typing import Any, Final

from plugarr_host.failures import PlatformError

_TIMEOUT_S: Final = 60.0


def ask(method: str, path: str, body: Any = None, *, parsed: bool = False) -> Any:
    """The answer's text, or what it holds. Raises PlatformError with what is to be done."""
    import requests  # noqa: PLC0415 - only where a Dispatcharr is asked

    base = os.environ.get("PLUGARR_DISPATCHARR_URL", "").rstrip("/")
    if not base:
        raise PlatformError(
            "only a running Dispatcharr can do this: set PLUGARR_DISPATCHARR_URL and PLUGARR_DISPATCHARR_API_KEY"
        )
    headers = {"X-API-Key": os.environ.get("PLUGARR_DISPATCHARR_API_KEY", "")}
    try:
        answer = requests.request(method, f"{base}{path}", json=body, headers=headers, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise PlatformError(f"Dispatcharr at {base} cannot be reached: {error}", "unavailable") from error
    if not answer.ok:
        raise PlatformError(f"Dispatcharr answered {answer.status_code} to {path}: {answer.text[:500]}")
    return answer.json() if parsed else answer.text
