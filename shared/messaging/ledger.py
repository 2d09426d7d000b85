"""The ledger of runs: every transition is one compare-and-set publish on the run's own subject.

Whoever is admitted has made the transition; whoever is refused stops. Nothing else decides about a run.
"""

from dataclasses import dataclass
from typing import Final

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import Envelope
from shared.contracts.runs import FINAL, RunResult, RunState
from shared.messaging.bus import Bus

NOTHING: Final = 0
"""Expected sequence of a run that nobody has claimed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run's last entry and its sequence, which the next transition must name."""

    state: RunState
    seq: int

    @property
    def ended(self) -> bool:
        return self.state.state in FINAL


_WAITS_S: Final = (2.0, 3.0, 5.0)


class Ledger:
    """Reads and writes the stream `RUN_STATE`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._envelope = Envelope[RunState]

    async def last(self, run_id: str) -> Entry | None:
        """Where a run stands; None before its claim, and after the stream has forgotten it."""
        held = await self._bus.last(c.RUN_STATE, c.RUN_STATE_CHANGED.subject.of(run_id=run_id))
        if held is None:
            return None
        return Entry(self._envelope.model_validate_json(held.data).data, held.seq)

    async def append(self, state: RunState, *, after: int) -> int:
        """Make a transition after the entry with that sequence (`NOTHING` claims); its own sequence.

        Raises Refused where the run has moved on meanwhile. Where the bus gave no answer in time, what is
        stored decides: a transition that was made is not made again, and not taken for another's.
        """
        subject = c.RUN_STATE_CHANGED.subject.of(run_id=state.run_id)
        for wait_s in _WAITS_S:
            try:
                return await self._bus.store(
                    c.RUN_STATE_CHANGED,
                    state,
                    type=f"run.{state.state}",
                    expect_last=after,
                    timeout_s=wait_s,
                    run_id=state.run_id,
                )
            except errors.TimedOut:
                held = await self._bus.last(c.RUN_STATE, subject)
                if held is not None and self._envelope.model_validate_json(held.data).data == state:
                    return held.seq
        raise errors.TimedOut(f"the bus did not store the state of run {state.run_id}")

    async def answer(self, state: RunState, *, kind: str, caller: str) -> None:
        """Send a stored final state to whoever asked for the run."""
        result = RunResult.model_validate(state, from_attributes=True)
        await self._bus.publish(
            c.RUN_ENDED, result, type=f"run.{state.state}", kind=kind, caller=caller, run_id=state.run_id
        )
