"""Counters of chords: each step counts once, whoever has to ask twice."""

from collections.abc import Awaitable, Callable

from services.data.main import App
from shared.contracts import catalog as c
from shared.contracts import tasks as m
from shared.contracts.base import new_id
from shared.messaging.bus import Bus


async def test_a_step_that_is_asked_for_again_is_answered_its_own_number(
    data: App, bus_of: Callable[[str], Awaitable[Bus]]
) -> None:
    executor = await bus_of("executor")

    async def count(step: str) -> int:
        command = m.CountTaskValue(plugin="p", key="chord", op_id=step)
        return (await executor.request(c.COUNT_TASK_VALUE, command)).count

    steps = [new_id() for _ in range(120)]
    assert [await count(step) for step in steps] == list(range(1, 121))
    # As after an answer that got lost, while others went on counting.
    assert [await count(step) for step in steps[60:]] == list(range(61, 121))
    assert await count(new_id()) == 121


def test_what_tasks_leave_behind_is_asked_for_again_where_the_answer_is_lost() -> None:
    contracts = (c.GET_TASK_VALUES, c.PUT_TASK_VALUE, c.COUNT_TASK_VALUE, c.DROP_TASK_VALUE)
    assert all(contract.repeatable for contract in contracts)
