"""Asking a service that is just being restarted: offered again while nobody is there, asked again where that is safe."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared import errors
from shared.messaging.faults import NobodyThere

PATIENCE_S: Final = {"gateway": 4.0, "executor": 4.0}
"""How long those who ask on behalf of people and plugins wait for a service that is not there."""
_AGAIN_S: Final = 0.1
_FIRST: Final = 0.5
"""Part of the time after which an answer that does not come is asked for again."""

T = TypeVar("T")


async def until_taken(ask: Callable[[], Awaitable[T]], patience_s: float) -> T:
    """Ask until somebody takes it: what reached nobody may be asked again whatever it is. Raises as `ask`."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return await ask()
        except NobodyThere:
            if time.monotonic() + _AGAIN_S > deadline:
                raise
        await asyncio.sleep(_AGAIN_S)


async def until_answered(ask: Callable[[float], Awaitable[T]], timeout_s: float) -> T:
    """Ask, with so many seconds to wait, and once more if no answer comes: for what is repeatable only.

    No answer is also that of a service which ended before it had answered.
    """
    began = time.monotonic()
    try:
        return await ask(timeout_s * _FIRST)
    except errors.TimedOut:
        left = began + timeout_s - time.monotonic()
        if left <= 0:
            raise
        return await ask(left)
