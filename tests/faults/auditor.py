"""Judges the evidence by every check: what must hold after any faults."""

from dataclasses import dataclass
from typing import Final

from tests.faults import data_checks as data
from tests.faults import run_checks as runs
from tests.faults.evidence import Evidence
from tests.faults.facts import Check, Facts

CHECKS: Final[tuple[Check, ...]] = (
    runs.every_request_is_accepted_in_the_end,
    runs.every_accepted_run_has_one_final_state,
    runs.the_ledger_goes_only_forward,
    runs.nobody_runs_what_was_not_asked_for,
    runs.none_began_twice_in_one_attempt,
    runs.none_began_unclaimed,
    runs.nothing_ran_after_its_end,
    runs.none_succeeded_without_having_run,
    runs.history_and_ledger_agree,
    runs.callers_were_told_the_truth,
    runs.every_loss_is_explained_by_a_fault,
    data.answered_writes_are_there_once,
    data.replaced_documents_have_the_last_version,
    data.what_plugins_wrote_is_there_once,
    data.every_write_was_told_of_once,
    data.watchers_missed_nothing,
)


@dataclass(frozen=True)
class Audit:
    """What each check found."""

    evidence: Evidence
    findings: dict[str, list[str]]

    @property
    def clean(self) -> bool:
        return not any(self.findings.values())


def audit(evidence: Evidence) -> Audit:
    """Judge the evidence by every check."""
    facts = Facts(evidence)
    return Audit(evidence, {check.__name__: list(check(facts)) for check in CHECKS})
