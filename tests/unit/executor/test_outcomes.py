"""What a host's answer means for the run."""

from typing import Any

import pytest

from services.executor.outcomes import MAX_ERROR, end_of, outcome_of
from services.executor.ports import HostEnd, HostResult


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"status": "ok"}, "ok"),
        ({"status": "success"}, "ok"),
        ({"status": True}, "ok"),
        ({"message": "no status"}, "ok"),
        ({"status": None}, "ok"),
        ({"status": "error"}, "error"),
        ({"status": "Failed"}, "error"),
        ({"status": False}, "error"),
        ({"status": "queued"}, "queued"),
        ({"status": "started"}, "queued"),
        ({"status": "skipped"}, "other"),
        ({"status": 7}, "other"),
        ({"status": {"nested": 1}}, "other"),
    ],
)
def test_the_outcome_is_what_the_status_says(result: Any, outcome: str) -> None:
    assert outcome_of(result) == outcome


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("raised", "failed"),
        ("denied", "failed"),
        ("unserialisable", "failed"),
        ("crashed", "failed"),
        ("timed_out", "timed_out"),
        ("cancelled", "cancelled"),
    ],
)
def test_the_end_is_the_cause(end: HostEnd, state: str) -> None:
    found = end_of(HostResult(end=end, error="why", error_type="Kind"))
    assert (found.state, found.cause, found.error, found.error_type) == (state, end, "why", "Kind")


def test_a_run_that_a_sibling_took_along_is_lost() -> None:
    found = end_of(HostResult(end="crashed", error="why", collateral=True))
    assert (found.state, found.cause) == ("lost", "host_ended")


def test_a_plugin_that_is_not_loaded_is_no_exception_of_its_own() -> None:
    found = end_of(HostResult(end="raised", error="Plugin 'p' not found", error_type="PluginNotLoaded"))
    assert (found.state, found.cause, found.error_type) == ("failed", "not_loaded", None)


def test_an_endless_error_is_cut() -> None:
    assert len(end_of(HostResult(end="raised", error="x" * 10**6)).error or "") == MAX_ERROR
