"""Every check of the auditor notices the records that were doctored against it, and passes the honest one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.auditor import CHECKS, audit
from tests.faults.doctored import DOCTORED, entry, lost_otherwise, missing_write
from tests.faults.evidence import Answer, Effect, Evidence, Fault, Recorded
from tests.faults.honest import NOON, at, honest
from tests.faults.report import report


def test_an_honest_record_passes_every_check() -> None:
    assert audit(honest()).findings == {check.__name__: [] for check in CHECKS}


@pytest.mark.parametrize(
    ("check", "doctor"), [(check, doctor) for check, doctors in DOCTORED.items() for doctor in doctors]
)
def test_a_doctored_record_is_found_out(check: str, doctor: Callable[[Evidence], None]) -> None:
    evidence = honest()
    doctor(evidence)
    assert audit(evidence).findings[check]


def test_every_check_has_records_doctored_against_it() -> None:
    assert DOCTORED.keys() == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (Fault("kill", "nats-server", "nats-server", NOON + 1), {}),
        (Fault("stop", "executor", "executor-1", NOON + 1, until=NOON + 9), {}),
        (Fault("starve", "machine", "processor", NOON + 1, until=NOON + 3), {}),
        (Fault("kill", "host", "witness", NOON + 14), {"state": "failed", "cause": "crashed"}),
        (
            Fault("kill", "mongod", "mongod", NOON + 2),
            {"state": "failed", "cause": "raised", "error_type": "PlatformUnavailable"},
        ),
    ],
)
def test_a_loss_that_a_fault_explains_is_none(fault: Fault, end: dict[str, str]) -> None:
    evidence = honest()
    evidence.faults = [fault]
    lost_otherwise(evidence, **end)
    evidence.watchers[0].frames[-1] = replace(
        evidence.watchers[0].frames[-1], type=f"run.{evidence.ledger[5].state}"
    )
    assert audit(evidence).findings == audit(honest()).findings


def test_another_attempt_is_judged_by_itself() -> None:
    """`gone` was put back when its executor was gone, and its second attempt succeeded."""
    evidence = honest()
    evidence.watchers = evidence.watchers[:0]
    entry(evidence, 6, state="queued", attempt=2, ended_at=None)
    second = replace(evidence.ledger[4], attempt=2, executor="executor-2")
    evidence.ledger += [
        replace(second, seq=7, at=at(17), started_at=at(17)),
        replace(second, seq=8, at=at(19), started_at=at(17), state="succeeded", ended_at=at(19), token="t-2"),
    ]
    evidence.effects += [
        Effect("begin", "gone", 2, "t-2", 1, NOON + 17.5),
        Effect("end", "gone", 2, "t-2", 1, NOON + 18),
    ]
    evidence.history[2] = Recorded("gone", "succeeded", 2, "executor-2", at(19))
    evidence.requests[1].answers = [Answer(NOON + 20, "gone", "succeeded", "t-2")]
    assert audit(evidence).clean

    evidence.faults.pop(0)
    assert [name for name, found in audit(evidence).findings.items() if found] == [
        "every_loss_is_explained_by_a_fault"
    ]


def test_a_plugin_that_asks_for_another_attempt_is_as_its_code_has_it() -> None:
    evidence = honest()
    evidence.requests[1].action = "again"
    evidence.faults.clear()
    lost_otherwise(evidence, state="queued", cause="retry", attempt=2)
    assert not audit(evidence).findings["every_loss_is_explained_by_a_fault"]
    entry(evidence, 5, attempt=2)
    assert audit(evidence).findings["every_loss_is_explained_by_a_fault"]


def test_the_report_names_what_failed_and_what_it_found() -> None:
    evidence = honest()
    missing_write(evidence)
    said = report(audit(evidence))
    assert "FAILED answered writes are there once" in said
    assert "write 0 was answered with the id 7, and is stored as []" in said
    assert said.endswith("AUDIT: FAILED")
    assert report(audit(honest())).endswith("AUDIT: everything holds")


def test_saved_evidence_is_judged_as_it_was(tmp_path: Path) -> None:
    evidence = honest()
    evidence.save(tmp_path / "evidence.json")
    assert Evidence.read(tmp_path / "evidence.json") == evidence
