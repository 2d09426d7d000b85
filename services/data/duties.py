"""What the work beside the commands has in common."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors

from shared import errors
from shared.logging import get_logger

log = get_logger(__name__)
T = TypeVar("T")


async def attempted(name: str, work: Callable[[], Awaitable[T]]) -> T | None:
    """What a round of a duty answers; None where it failed, which is logged."""
    try:
        return await work()
    except (errors.PlugarrError, nats.errors.Error) as error:
        log.warning("duty_put_off", duty=name, reason=str(error))
    except Exception:
        # The border of a duty that must go on: the next round may well succeed.
        log.exception("duty_failed", duty=name)
    return None
