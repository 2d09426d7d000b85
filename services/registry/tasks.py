"""Work that runs side by side, and ends for certain.

A cancellation can get lost where what was awaited is done in the same moment (`asyncio.wait_for` up to Python
3.11, which nats-py uses): so whoever ends a task asks until it has ended.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

_AGAIN_S: Final = 0.5


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run these until one of them fails or ends, or until cancelled; then end the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await ended(tasks)


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended, however they do."""
    cancelled = False
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        try:
            _, left = await asyncio.wait(left, timeout=_AGAIN_S)
        except asyncio.CancelledError:
            cancelled = True
            left = {task for task in left if not task.done()}
    if cancelled:
        raise asyncio.CancelledError
