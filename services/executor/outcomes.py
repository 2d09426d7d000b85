"""What a host's answer means for the run: state, outcome, cause."""

from typing import Any, Final

from services.executor.claims import RunEnd
from services.executor.ports import HostEnd, HostResult
from shared.contracts.runs import Outcome, RunStatus

MAX_ERROR: Final = 16 * 1024
"""Characters of an exception's text that history keeps."""

_STATUS: Final[dict[str, Outcome]] = {
    "ok": "ok",
    "success": "ok",
    "true": "ok",
    "error": "error",
    "failed": "error",
    "false": "error",
    "queued": "queued",
    "started": "queued",
}
_STATES: Final[dict[HostEnd, RunStatus]] = {
    "returned": "succeeded",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
}


def outcome_of(result: Any) -> Outcome:
    """What a result's `status` says. A result that names none says nothing bad: `ok`."""
    if not isinstance(result, dict) or result.get("status") is None:
        return "ok"
    status = result["status"]
    return _STATUS.get(str(status).strip().lower(), "other") if isinstance(status, str | bool) else "other"


def end_of(result: HostResult) -> RunEnd:
    """The final state of a call. A crash is the run's failure; an end that was meant for others loses it."""
    if result.end == "returned":
        return RunEnd("succeeded", outcome=outcome_of(result.result), result=result.result)
    error = result.error[:MAX_ERROR] if result.error is not None else None
    if result.end == "retry":
        return RunEnd("queued", cause="retry", error=error, retry_in_s=result.retry_in_s)
    if result.collateral:
        return RunEnd("lost", cause="host_ended", error=error)
    if result.error_type == "PluginNotLoaded":
        return RunEnd("failed", cause="not_loaded", error=error)
    state = _STATES.get(result.end, "failed")
    return RunEnd(state, cause=result.end, error=error, error_type=result.error_type)


def not_loaded(key: str) -> RunEnd:
    """The end of a run whose plugin does not load, in the words that callers know."""
    return RunEnd("failed", cause="not_loaded", error=f"Plugin '{key}' not found")
