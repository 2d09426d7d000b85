"""Transitions when the bus's answers get lost, or it is away: decided from what the ledger then says."""

import asyncio
from typing import Any

import pytest

from services.executor import run_ledger
from services.executor.claims import Claimed, Ended, Fenced, HeldByAnother, Order, Orphaned, RunEnd
from services.executor.run_ledger import RunLedger
from shared import errors
from shared.contracts.base import new_id
from shared.contracts.runs import RunRequested, RunState
from shared.messaging.bus import Refused
from shared.messaging.ledger import Entry

RUN = new_id()
ORDER = Order(RunRequested(run_id=RUN, plugin="p", action="a", actor="user:ann"), seq=5)
OK = RunEnd("succeeded", outcome="ok", result={"n": 1})


class Stream:
    """One run's subject; `faults` are raised by the next appends, after storing where they are `stored`."""

    def __init__(self) -> None:
        self.entry: Entry | None = None
        self.faults: list[tuple[Exception, bool]] = []
        self.appends = 0

    async def last(self, _run_id: str) -> Entry | None:
        return self.entry

    async def append(self, state: RunState, *, after: int) -> int:
        self.appends += 1
        fault, stored = self.faults.pop(0) if self.faults else (None, True)
        if stored:
            if after != (self.entry.seq if self.entry else 0):
                raise Refused
            self.entry = Entry(state, after + 10)
        if fault is not None:
            raise fault
        return after + 10

    async def answer(self, state: RunState, *, kind: str, caller: str) -> None:
        raise errors.Unavailable("away")


class Lease:
    held = True
    epoch = 7
    living: frozenset[tuple[str, int]] = frozenset()

    async def lives(self, executor: str, epoch: int) -> bool:
        return (executor, epoch) in self.living


class Inline:
    async def pack(self, value: Any) -> Any:
        if value == {"huge": True}:
            raise errors.TooLarge("too large")
        return value

    async def resolve(self, value: Any) -> Any:
        return value


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def lease() -> Lease:
    return Lease()


@pytest.fixture
def ledger(stream: Stream, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> RunLedger:
    monkeypatch.setattr(run_ledger, "_RETRY_S", 0.001)
    made: Any = stream
    inline: Any = Inline()
    return RunLedger(made, inline, executor="me", lease=lease, living=lease)


def held_by(executor: str, epoch: int, state: Any = "running") -> Entry:
    return Entry(
        RunState(run_id=RUN, plugin="p", action="a", state=state, executor=executor, epoch=epoch), seq=3
    )


async def claimed(ledger: RunLedger) -> Claimed:
    claim = await ledger.claim(ORDER)
    assert isinstance(claim, Claimed)
    return claim


async def test_a_claim_whose_answer_got_lost_is_ours_when_it_is_looked_at_again(
    ledger: RunLedger, stream: Stream
) -> None:
    stream.faults = [(errors.TimedOut("late"), True)]
    with pytest.raises(errors.TimedOut):
        await ledger.claim(ORDER)
    assert (await claimed(ledger)).seq == 10


async def test_a_claim_of_ours_that_was_handed_out_is_never_handed_out_again(
    ledger: RunLedger, stream: Stream
) -> None:
    await claimed(ledger)
    assert isinstance(await ledger.claim(ORDER), Orphaned)


async def test_who_holds_a_run_follows_from_its_executors_lease(
    ledger: RunLedger, stream: Stream, lease: Lease
) -> None:
    lease.living = frozenset({("other", 4)})
    stream.entry = held_by("other", 4)
    assert isinstance(await ledger.claim(ORDER), HeldByAnother)
    stream.entry = held_by("other", 3)
    assert isinstance(orphan := await ledger.claim(ORDER), Orphaned)
    stream.entry = held_by("me", 6)
    assert isinstance(await ledger.claim(ORDER), Orphaned)
    stream.entry = held_by("other", 3, "cancelled")
    assert isinstance(await ledger.claim(ORDER), Ended)
    assert await ledger.lose(Orphaned(orphan.state, 99), RunEnd("lost", cause="executor_gone")) is None


async def test_nothing_is_claimed_without_a_lease(ledger: RunLedger, stream: Stream, lease: Lease) -> None:
    lease.held = False
    with pytest.raises(errors.Unavailable):
        await ledger.claim(ORDER)
    assert stream.appends == 0


async def test_a_final_state_is_stored_as_soon_as_the_bus_is_back(ledger: RunLedger, stream: Stream) -> None:
    claim = await claimed(ledger)
    stream.faults = [(errors.Unavailable("away"), False)] * 3
    state = await ledger.finish(claim, OK)
    assert state is not None
    assert stream.entry is not None
    assert (stream.entry.state.state, stream.entry.state.result) == ("succeeded", {"n": 1})


async def test_a_final_state_whose_answer_got_lost_is_stored_once(ledger: RunLedger, stream: Stream) -> None:
    claim = await claimed(ledger)
    stream.faults = [(errors.TimedOut("late"), True)]
    assert await ledger.finish(claim, OK) is not None


async def test_a_result_that_comes_after_another_end_is_late(ledger: RunLedger, stream: Stream) -> None:
    claim = await claimed(ledger)
    stream.entry = held_by("me", 7, "lost")
    assert await ledger.finish(claim, OK) is None
    stream.faults = [(errors.TimedOut("late"), False)]
    assert await ledger.finish(claim, OK) is None


async def test_without_the_lease_nobody_insists(ledger: RunLedger, stream: Stream, lease: Lease) -> None:
    claim = await claimed(ledger)
    stream.faults = [(errors.Unavailable("away"), False)] * 100
    finishing = asyncio.create_task(ledger.finish(claim, OK))
    await asyncio.sleep(0)
    lease.held = False
    with pytest.raises(Fenced):
        await finishing


async def test_a_result_that_cannot_be_stored_is_a_failure_that_can(
    ledger: RunLedger, stream: Stream
) -> None:
    state = await ledger.finish(await claimed(ledger), RunEnd("succeeded", result={"huge": True}))
    assert state is not None
    assert (state.state, state.cause, state.result) == ("failed", "unserialisable", None)
