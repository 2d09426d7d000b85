"""What may be wrong with a record, one thing at a time, and which check must notice."""

from collections.abc import Callable
from dataclasses import replace

from tests.faults.doctored_frames import (
    frame_doubled,
    frame_lost,
    frame_of_another_kind,
    frame_of_nothing,
    frames_reordered,
    last_frame_lost,
    watcher_never_followed,
    watcher_refused,
    watcher_told_to_reload,
)
from tests.faults.evidence import Answer, Document, Effect, Evidence, Fault, Told
from tests.faults.honest import NOON, at


def entry(evidence: Evidence, seq: int, **values: object) -> None:
    evidence.ledger[seq - 1] = replace(evidence.ledger[seq - 1], **values)


def recorded(evidence: Evidence, run_id: str, **values: object) -> None:
    index = next(i for i, run in enumerate(evidence.history) if run.run_id == run_id)
    evidence.history[index] = replace(evidence.history[index], **values)


def lost_otherwise(evidence: Evidence, **values: object) -> None:
    """`gone` ended so instead, everywhere."""
    entry(evidence, 6, **values)
    final = evidence.ledger[5]
    recorded(evidence, "gone", state=final.state, cause=final.cause)
    evidence.requests[1].answers = [Answer(NOON + 20, "gone", final.state, None, final.cause)]


def ended_twice(evidence: Evidence) -> None:
    evidence.ledger.append(replace(evidence.ledger[2], seq=7))


def claimed_after_its_end(evidence: Evidence) -> None:
    evidence.ledger.append(replace(evidence.ledger[0], seq=7, at=at(16)))


def claimed_twice_for_one_attempt(evidence: Evidence) -> None:
    evidence.ledger.insert(1, replace(evidence.ledger[0], state="queued"))
    evidence.ledger.insert(2, replace(evidence.ledger[0], state="running"))


def a_second_run_of_a_repeated_request(evidence: Evidence) -> None:
    evidence.ledger.append(replace(evidence.ledger[2], seq=7, run_id="again"))
    evidence.history.append(replace(evidence.history[0], run_id="again"))


def two_requests_became_one(evidence: Evidence) -> None:
    evidence.requests.append(replace(evidence.requests[2], number=3))


def one_request_became_two(evidence: Evidence) -> None:
    evidence.requests[0].answers.insert(0, Answer(NOON + 1, "bad", "accepted"))


def begun_twice(evidence: Evidence) -> None:
    evidence.effects.append(Effect("begin", "gone", 1, "t-other", 1, NOON + 4.5))


def begun_in_an_attempt_of_its_own(evidence: Evidence) -> None:
    evidence.effects.append(Effect("begin", "gone", 2, "t-other", 1, NOON + 4.5))


def went_on_after_it_was_lost(evidence: Evidence) -> None:
    evidence.effects.append(Effect("end", "gone", 1, "t-gone", 1, NOON + 15.5))


def succeeded_unbegun(evidence: Evidence) -> None:
    evidence.effects = [e for e in evidence.effects if e.run_id != "done" or e.what == "wrote"]


def succeeded_unended(evidence: Evidence) -> None:
    evidence.effects = [e for e in evidence.effects if e.what != "end"]


def anothers_result(evidence: Evidence) -> None:
    evidence.effects = [replace(e, token="t-x") if e.run_id == "done" else e for e in evidence.effects]


def unrecorded(evidence: Evidence) -> None:
    evidence.history.pop()


def recorded_twice(evidence: Evidence) -> None:
    evidence.history.append(evidence.history[0])


def recorded_as_running(evidence: Evidence) -> None:
    recorded(evidence, "gone", state="running", cause=None, ended_at=None)


def recorded_with_anothers_result(evidence: Evidence) -> None:
    recorded(evidence, "done", token="t-x")


def recorded_and_unknown_to_the_ledger(evidence: Evidence) -> None:
    evidence.ledger = [e for e in evidence.ledger if e.seq != 6]


def told_of_a_success_that_is_none(evidence: Evidence) -> None:
    evidence.requests[2].answers = [Answer(NOON + 4, "bad", "succeeded", "t-bad")]


def told_of_a_failure_that_is_none(evidence: Evidence) -> None:
    evidence.requests[0].answers.append(Answer(NOON + 5, "done", "ended"))


def told_of_anothers_result(evidence: Evidence) -> None:
    evidence.requests[0].answers[1].token = "t-x"


def told_of_another_end_over_the_bus(evidence: Evidence) -> None:
    evidence.requests[1].answers[0].state = "succeeded"


def lost_without_a_fault(evidence: Evidence) -> None:
    evidence.faults.pop(0)


def lost_by_another_executors_end(evidence: Evidence) -> None:
    evidence.faults[0] = replace(evidence.faults[0], name="executor-2")


def lost_before_the_fault(evidence: Evidence) -> None:
    evidence.faults[0] = replace(evidence.faults[0], at=NOON + 30)


def claimed_after_the_fault(evidence: Evidence) -> None:
    evidence.faults[0] = replace(evidence.faults[0], at=NOON + 3)


def crashed_by_itself(evidence: Evidence) -> None:
    lost_otherwise(evidence, state="failed", cause="crashed")


def lost_long_after_the_bus_was_back(evidence: Evidence) -> None:
    evidence.faults[0] = Fault("kill", "nats-server", "nats-server", NOON - 30)


def crashed_in_another_plugin(evidence: Evidence) -> None:
    evidence.faults.append(Fault("kill", "host", "witness_any", NOON + 14))
    lost_otherwise(evidence, state="failed", cause="crashed")


def failed_for_a_cause_of_its_own(evidence: Evidence) -> None:
    lost_otherwise(evidence, state="failed", cause="not_loaded")


def raised_what_no_fault_raises(evidence: Evidence) -> None:
    evidence.faults.append(Fault("kill", "data", "data-1", NOON + 4))
    lost_otherwise(evidence, state="failed", cause="raised", error_type="KeyError")


def failing_code_that_succeeded(evidence: Evidence) -> None:
    entry(evidence, 4, state="succeeded", cause=None, token="t-bad")


def missing_write(evidence: Evidence) -> None:
    evidence.documents.pop(0)


def doubled_write(evidence: Evidence) -> None:
    evidence.documents.append(Document("witness", "added", 9, 0))


def doubled_unanswered_write(evidence: Evidence) -> None:
    evidence.documents.append(Document("witness", "added", 9, 1))


def write_under_another_id(evidence: Evidence) -> None:
    evidence.documents[0] = replace(evidence.documents[0], item_id=9)


def write_of_nobody(evidence: Evidence) -> None:
    evidence.documents.append(Document("witness", "added", 9, 99))


def an_id_used_twice(evidence: Evidence) -> None:
    evidence.documents[1] = replace(evidence.documents[1], item_id=7)


def refused_write(evidence: Evidence) -> None:
    evidence.writes[1].refused = "500 oops"


def older_version_than_answered(evidence: Evidence) -> None:
    evidence.documents[2] = replace(evidence.documents[2], version=3)


def newer_version_than_tried(evidence: Evidence) -> None:
    evidence.documents[2] = replace(evidence.documents[2], version=6)


def document_gone(evidence: Evidence) -> None:
    evidence.documents.pop(2)


def refused_cell(evidence: Evidence) -> None:
    evidence.cells[0].refused = "404"


def plugins_write_missing(evidence: Evidence) -> None:
    evidence.documents.pop()


def plugins_write_doubled(evidence: Evidence) -> None:
    evidence.documents.append(replace(evidence.documents[-1], item_id=2))


def untold_write_doubled(evidence: Evidence) -> None:
    evidence.documents += [Document("witness", "notes", n, 1, "t-gone") for n in (2, 3)]


def write_of_no_call(evidence: Evidence) -> None:
    evidence.documents.append(Document("witness", "notes", 2, 1, "t-x"))


def told_twice_of_a_new_document(evidence: Evidence) -> None:
    evidence.changes.append(replace(evidence.changes[0], seq=25))


def never_told_of_a_new_document(evidence: Evidence) -> None:
    evidence.changes.pop(1)


def never_told_of_a_replacement(evidence: Evidence) -> None:
    evidence.changes.pop()


def told_of_no_document(evidence: Evidence) -> None:
    evidence.changes.append(Told("data.witness.added", 25, "item.added", 99))


def never_accepted(evidence: Evidence) -> None:
    evidence.requests[2].accepted_at = None


def refused_request(evidence: Evidence) -> None:
    evidence.requests[2].refused = "404 no such plugin"


DOCTORED: dict[str, tuple[Callable[[Evidence], None], ...]] = {
    "every_request_is_accepted_in_the_end": (never_accepted, refused_request),
    "every_accepted_run_has_one_final_state": (ended_twice, recorded_and_unknown_to_the_ledger),
    "the_ledger_goes_only_forward": (ended_twice, claimed_after_its_end, claimed_twice_for_one_attempt),
    "nobody_runs_what_was_not_asked_for": (
        a_second_run_of_a_repeated_request,
        two_requests_became_one,
        one_request_became_two,
    ),
    "none_began_twice_in_one_attempt": (begun_twice,),
    "none_began_unclaimed": (begun_in_an_attempt_of_its_own,),
    "nothing_ran_after_its_end": (went_on_after_it_was_lost,),
    "none_succeeded_without_having_run": (
        succeeded_unbegun,
        succeeded_unended,
        anothers_result,
    ),
    "history_and_ledger_agree": (
        unrecorded,
        recorded_twice,
        recorded_as_running,
        recorded_with_anothers_result,
        recorded_and_unknown_to_the_ledger,
    ),
    "callers_were_told_the_truth": (
        told_of_a_success_that_is_none,
        told_of_a_failure_that_is_none,
        told_of_anothers_result,
        told_of_another_end_over_the_bus,
    ),
    "every_loss_is_explained_by_a_fault": (
        lost_without_a_fault,
        lost_by_another_executors_end,
        lost_before_the_fault,
        claimed_after_the_fault,
        lost_long_after_the_bus_was_back,
        crashed_by_itself,
        crashed_in_another_plugin,
        failed_for_a_cause_of_its_own,
        raised_what_no_fault_raises,
        failing_code_that_succeeded,
    ),
    "answered_writes_are_there_once": (
        missing_write,
        doubled_write,
        doubled_unanswered_write,
        write_under_another_id,
        write_of_nobody,
        an_id_used_twice,
        refused_write,
    ),
    "replaced_documents_have_the_last_version": (
        older_version_than_answered,
        newer_version_than_tried,
        document_gone,
        refused_cell,
    ),
    "what_plugins_wrote_is_there_once": (
        plugins_write_missing,
        plugins_write_doubled,
        untold_write_doubled,
        write_of_no_call,
    ),
    "every_write_was_told_of_once": (
        told_twice_of_a_new_document,
        never_told_of_a_new_document,
        never_told_of_a_replacement,
        told_of_no_document,
    ),
    "watchers_missed_nothing": (
        frame_lost,
        last_frame_lost,
        frame_doubled,
        frames_reordered,
        frame_of_another_kind,
        frame_of_nothing,
        watcher_told_to_reload,
        watcher_refused,
        watcher_never_followed,
    ),
}
