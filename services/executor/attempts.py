"""Whether a run that has ended gets another attempt: because its plugin asked, or because its manifest says so.

Nothing runs twice unasked. `retries` in a manifest is the author's word that an action may run again although
nobody knows how far it came; `plugarr.retry()` is the word of the run itself. Without either a run that was lost,
failed or timed out has ended (docs/adr/0012).
"""

from dataclasses import dataclass, replace
from typing import Final

from services.executor.claims import RunEnd

MOST_ATTEMPTS: Final = 101
"""One, and as many further ones as a manifest may ask for; a plugin that asks for more has failed."""
LONGEST_DELAY_S: Final = 3600.0
_AGAIN: Final = frozenset({"raised", "crashed", "timed_out", "executor_gone", "host_ended", "shutdown"})
"""Causes after which another attempt may do better; not those that say the run is not wanted or cannot be."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a plugin's manifest says of further attempts."""

    retries: int = 0
    backoff_s: float = 1.0


def after(end: RunEnd, attempt: int, policy: Policy) -> RunEnd:
    """The end of an attempt as it is to be stored: final, or `queued` with the delay before the next one."""
    if end.state == "queued":
        if attempt >= MOST_ATTEMPTS:
            error = f"asked for attempt {attempt + 1}; a run has at most {MOST_ATTEMPTS}"
            return replace(end, state="failed", cause="raised", error=error, retry_in_s=None)
        delay = min(max(end.retry_in_s or 0.0, 0.0), LONGEST_DELAY_S)
        return replace(end, retry_in_s=delay)
    if end.cause not in _AGAIN or attempt > policy.retries:
        return end
    delay = min(policy.backoff_s * 2 ** min(attempt - 1, 20), LONGEST_DELAY_S)
    return replace(end, state="queued", retry_in_s=delay)


def sentence(end: RunEnd, attempt: int) -> str:
    """What the run's log says of another attempt."""
    why = end.error or end.cause or "asked for"
    when = f"in {end.retry_in_s:g} s" if end.retry_in_s else "at once"
    return f"attempt {attempt} ended ({why}); attempt {attempt + 1} follows {when}"
