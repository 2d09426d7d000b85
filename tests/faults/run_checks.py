"""What must hold of runs: in the ledger, in the history, in the plugin's own log, and for their callers."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tests.faults.causes import explains, is_as_coded
from tests.faults.evidence import Entry
from tests.faults.facts import FINAL, Facts, seconds

_EDGES: Final = {("running", final) for final in FINAL} | {
    ("running", "queued"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "lost"),
    ("queued", "failed"),
}


def every_request_is_accepted_in_the_end(facts: Facts) -> Iterator[str]:
    """Faults make callers wait and ask again; they make no request wrong."""
    for request in facts.evidence.requests:
        if request.refused is not None:
            yield f"request {request.number} was refused: {request.refused}"
        elif request.accepted_at is None:
            yield f"request {request.number} was never accepted"


def every_accepted_run_has_one_final_state(facts: Facts) -> Iterator[str]:
    for run_id in facts.accepted:
        ends = [entry.state for entry in facts.entries.get(run_id, ()) if entry.state in FINAL]
        if len(ends) != 1:
            yield f"run {run_id} has the final states {ends}"


def the_ledger_goes_only_forward(facts: Facts) -> Iterator[str]:
    """Claims, attempts and ends follow one another as the states allow."""
    for run_id, entries in facts.entries.items():
        states = [entry.state for entry in entries]
        if not (states[0] == "running" or states[0] in FINAL):
            yield f"run {run_id} begins with {states[0]}"
        if any(edge not in _EDGES for edge in pairwise(states)):
            yield f"run {run_id} went {' → '.join(states)}"
        claims = [entry.attempt for entry in entries if entry.state == "running"]
        if claims != sorted(set(claims)):
            yield f"run {run_id} was claimed for the attempts {claims}"


def nobody_runs_what_was_not_asked_for(facts: Facts) -> Iterator[str]:
    """A repeated request is the same run: there are no runs but those whose callers know them."""
    for run_id in facts.entries.keys() | facts.recorded.keys() | facts.effects.keys():
        if run_id not in facts.accepted:
            yield f"run {run_id} is nobody's"
    runs = Counter(one.run_id for one in facts.evidence.requests if one.run_id)
    for run_id, count in runs.items():
        if count > 1:
            yield f"run {run_id} stands for {count} requests"
    for request in facts.evidence.requests:
        told = {answer.run_id for answer in request.answers}
        if len(told) > 1:
            yield f"request {request.number} became several runs: {sorted(told)}"


def none_began_twice_in_one_attempt(facts: Facts) -> Iterator[str]:
    begun = Counter((e.run_id, e.attempt) for e in facts.evidence.effects if e.what == "begin")
    for (run_id, attempt), count in begun.items():
        if count > 1:
            yield f"run {run_id} began {count} times in attempt {attempt}"


def none_began_unclaimed(facts: Facts) -> Iterator[str]:
    for run_id, effects in facts.effects.items():
        claims = {e.attempt for e in facts.entries.get(run_id, ()) if e.state == "running"}
        unclaimed = {e.attempt for e in effects if e.what == "begin"} - claims
        if unclaimed:
            yield f"run {run_id} began in the attempts {sorted(unclaimed)}, which nobody had claimed"


def nothing_ran_after_its_end(facts: Facts) -> Iterator[str]:
    """Whoever lost its lease has fenced its hosts before another says that the run is lost."""
    if any(fault.kind == "clock" for fault in facts.evidence.faults):
        return  # the ledger's times are not the plugin's then
    for run_id, entries in facts.entries.items():
        for claim, end in pairwise(entries):
            for effect in facts.effects.get(run_id, ()) if claim.state == "running" else ():
                late = effect.at - seconds(end.at)
                # Times in the ledger are whole milliseconds.
                if effect.attempt == claim.attempt and late > 0.002:
                    yield f"run {run_id} was {end.state}, and {late:.3f} s later its code wrote {effect.what!r}"


def none_succeeded_without_having_run(facts: Facts) -> Iterator[str]:
    """The result is that of the call that the plugin's own log shows, begun and ended."""
    for run_id, final in facts.final.items():
        if final.state != "succeeded":
            continue
        whats = [e.what for e in facts.effects.get(run_id, ()) if e.token == final.token]
        if whats.count("begin") != 1 or whats.count("end") != 1:
            yield f"run {run_id} succeeded in attempt {final.attempt}; its code left {whats}"


def history_and_ledger_agree(facts: Facts) -> Iterator[str]:
    for run_id, final in facts.final.items():
        recorded = facts.recorded.get(run_id, [])
        if len(recorded) != 1:
            yield f"run {run_id} ended {final.state} and is in the history {len(recorded)} times"
            continue
        told = recorded[0]
        names = ("state", "attempt", "executor", "ended_at", "outcome", "cause", *(["token"] * told.whole))
        for name in names:
            if getattr(told, name) != getattr(final, name):
                yield (
                    f"run {run_id}: its {name} is {getattr(final, name)!r} in the ledger "
                    f"and {getattr(told, name)!r} in the history"
                )
    for run_id in facts.recorded.keys() - facts.final.keys():
        yield f"run {run_id} is {facts.recorded[run_id][0].state} in the history, and has no end in the ledger"


def callers_were_told_the_truth(facts: Facts) -> Iterator[str]:
    for run_id, request in facts.accepted.items():
        final = facts.final.get(run_id)
        for answer in request.answers:
            if answer.state == "accepted":
                continue
            told = (answer.state, answer.cause, answer.token)
            if final is None or told != _as_told(answer.state, final):
                stored = final and (final.state, final.cause, final.token)
                yield f"run {run_id}: its caller was told {told}, stored is {stored}"


def every_loss_is_explained_by_a_fault(facts: Facts) -> Iterator[str]:
    """No attempt ends otherwise than its code would, but where something was done to it just then."""
    for run_id, request in facts.accepted.items():
        entries = facts.entries.get(run_id, [])
        ends = [(claim, end) for claim, end in pairwise(entries) if claim.state == "running"]
        if entries and entries[0].state in FINAL:
            ends.append((entries[0], entries[0]))
        for claim, end in ends:
            if is_as_coded(request.action, claim.attempt, end):
                continue
            if not any(explains(fault, claim, end) for fault in facts.evidence.faults):
                yield (
                    f"run {run_id} ({request.action} of {request.plugin}, attempt {claim.attempt}) was {end.state}: "
                    f"{end.cause} ({end.error_type}: {end.error}), on {claim.executor} from {claim.at} to {end.at}, "
                    "and no fault explains it"
                )


def _as_told(state: str, final: Entry) -> tuple[str, str | None, str | None]:
    """A final entry in the words of an answer; HTTP tells failures apart by their text only."""
    if state == "ended":
        return ("ended", None, None) if final.state != "succeeded" else ("succeeded", None, final.token)
    return final.state, final.cause, final.token
