"""Nothing runs twice unasked: who may ask, and how long the next attempt waits."""

import pytest

from services.executor.attempts import LONGEST_DELAY_S, MOST_ATTEMPTS, Policy, after, sentence
from services.executor.claims import RunEnd

RAISED = RunEnd("failed", cause="raised", error="boom", error_type="ValueError")


@pytest.mark.parametrize("state", ["failed", "timed_out", "lost"])
def test_without_a_word_of_the_author_an_attempt_is_the_last(state) -> None:
    end = RunEnd(state, cause="raised" if state == "failed" else "executor_gone")
    assert after(end, 1, Policy()) is end


@pytest.mark.parametrize(
    "cause", ["raised", "crashed", "timed_out", "executor_gone", "host_ended", "shutdown"]
)
def test_the_manifests_retries_are_so_many_further_attempts_each_waiting_twice_as_long(cause) -> None:
    policy = Policy(retries=3, backoff_s=2.0)
    ends = [after(RunEnd("failed", cause=cause, error="x"), attempt, policy) for attempt in (1, 2, 3, 4)]
    assert [(end.state, end.retry_in_s) for end in ends] == [
        ("queued", 2.0),
        ("queued", 4.0),
        ("queued", 8.0),
        ("failed", None),
    ]
    assert after(RunEnd("failed", cause=cause), 90, Policy(retries=100)).retry_in_s == LONGEST_DELAY_S


@pytest.mark.parametrize(
    "end",
    [
        RunEnd("succeeded", outcome="error", result={"status": "error"}),
        RunEnd("cancelled", cause="cancelled"),
        RunEnd("failed", cause="denied"),
        RunEnd("failed", cause="unserialisable"),
        RunEnd("failed", cause="not_loaded"),
        RunEnd("failed", cause="plugin_disabled"),
        RunEnd("lost", cause="expired"),
    ],
)
def test_what_is_not_wanted_or_would_be_the_same_is_not_tried_again(end) -> None:
    assert after(end, 1, Policy(retries=5)) is end


def test_a_run_may_ask_for_another_attempt_up_to_a_bound() -> None:
    asked = RunEnd("queued", cause="retry", error="not yet there", retry_in_s=5.0)
    assert after(asked, 1, Policy()).retry_in_s == 5.0
    assert after(RunEnd("queued", cause="retry", retry_in_s=9e9), 1, Policy()).retry_in_s == LONGEST_DELAY_S
    last = after(asked, MOST_ATTEMPTS, Policy())
    assert (last.state, last.cause, last.retry_in_s) == ("failed", "raised", None)


def test_the_log_says_why_and_when() -> None:
    end = after(RAISED, 2, Policy(retries=2, backoff_s=1.5))
    assert sentence(end, 2) == "attempt 2 ended (boom); attempt 3 follows in 3 s"
