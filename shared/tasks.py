"""Ending tasks."""

import asyncio
from typing import Any, Final

_INSIST_S: Final = 0.2


async def ended(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks and wait until they have ended; what they raise is not looked at.

    Cancels again and again: in Python 3.11 `asyncio.wait_for`, and so every request of nats-py, swallows a
    cancellation that comes together with its answer.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_INSIST_S)
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
