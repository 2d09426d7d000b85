"""Ending runs: once, whoever else tries, and never a run that somebody holds."""

from services.data.service.endings import Ending, Endings
from shared.contracts.runs import Caller, RunState, RunStatus
from shared.messaging.bus import Refused
from shared.messaging.ledger import Entry


class MemoryLedger:
    """One run's subject, with the compare-and-set of the real one."""

    def __init__(self, *, rivals: list[RunState] | None = None) -> None:
        self.entries: list[RunState] = []
        self.answers: list[tuple[str, str, str]] = []
        self._rivals = rivals or []

    async def last(self, run_id: str) -> Entry | None:
        return Entry(self.entries[-1], len(self.entries)) if self.entries else None

    async def append(self, state: RunState, *, after: int) -> int:
        if self._rivals:
            # Somebody was quicker.
            self.entries.append(self._rivals.pop(0))
        if after != len(self.entries):
            raise Refused
        self.entries.append(state)
        return len(self.entries)

    async def answer(self, state: RunState, *, kind: str, caller: str) -> None:
        self.answers.append((kind, caller, state.state))


def state(status: RunStatus, **more: object) -> RunState:
    return RunState.model_validate({"run_id": ID, "plugin": "p", "action": "a", "state": status, **more})


ID = "0" * 8 + "-0000-0000-0000-" + "0" * 12
ENDING = Ending(
    run_id=ID,
    plugin="p",
    action="a",
    state="lost",
    cause="expired",
    error="late",
    command_seq=7,
    caller=Caller(kind="gateway", id="g"),
)


async def test_an_unclaimed_run_ends_and_its_caller_hears_of_it() -> None:
    ledger = MemoryLedger()
    entry = await Endings(ledger).end(ENDING)
    assert entry is not None
    assert (entry.ended, entry.state.cause, entry.state.command_seq) == (True, "expired", 7)
    assert ledger.answers == [("gateway", "g", "lost")]


async def test_a_repeated_ending_is_answered_again_but_stored_once() -> None:
    ledger = MemoryLedger()
    for _ in range(2):
        await Endings(ledger).end(ENDING)
    assert len(ledger.entries) == 1
    assert len(ledger.answers) == 2


async def test_a_claimed_run_is_left_to_its_holder() -> None:
    ledger = MemoryLedger(rivals=[state("running")])
    entry = await Endings(ledger).end(ENDING)
    assert entry is not None
    assert entry.state.state == "running"
    assert ledger.answers == []


async def test_a_claim_is_ended_only_while_it_is_the_one_that_was_given_up() -> None:
    ledger = MemoryLedger()
    ledger.entries = [state("running", executor="e", epoch=3)]
    claimed = await ledger.last(ID)
    ended = await Endings(ledger).end(ENDING, claimed=claimed)
    assert ended is not None
    assert (ended.state.state, ended.state.executor, ended.state.epoch) == ("lost", "e", 3)
    other = MemoryLedger()
    other.entries = [state("running"), state("queued", attempt=2), state("running", attempt=2)]
    left = await Endings(other).end(ENDING, claimed=claimed)
    assert left is not None
    assert left.state.state == "running"


async def test_what_waits_for_another_attempt_ends_after_its_last_entry() -> None:
    ledger = MemoryLedger()
    ledger.entries = [state("running"), state("queued", attempt=2)]
    entry = await Endings(ledger).end(ENDING)
    assert entry is not None
    assert (entry.seq, entry.state.attempt) == (3, 2)


async def test_an_ending_by_somebody_else_is_not_answered_as_ours() -> None:
    ledger = MemoryLedger(rivals=[state("succeeded", command_seq=7)])
    entry = await Endings(ledger).end(ENDING)
    assert entry is not None
    assert entry.state.state == "succeeded"
    assert ledger.answers == []
