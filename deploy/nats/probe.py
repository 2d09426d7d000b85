"""Whether a bus user that was just made is known and its commands reach their stream; nothing is stored."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import nats
import nats.errors

_NEVER: Final = str(2**62)
"""A last sequence that no stream has: it refuses the probe, and by that shows that it is there."""


async def wait_usable(
    url: str,
    user: str,
    password: str,
    *,
    inbox: str,
    subject: str,
    again: Callable[[], object],
    timeout_s: float = 15.0,
) -> bool:
    """Whether the user's commands arrive within the time; `again` has the server reload once more meanwhile.

    A reload while consumers change was seen to leave an account without its streams' subscriptions.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while not await _arrives(url, user, password, inbox, subject):
                await asyncio.sleep(1.0)  # the server says nothing when a reload is done
                again()
            return True
    return False


async def _arrives(url: str, user: str, password: str, inbox: str, subject: str) -> bool:
    async def quiet(_error: Exception) -> None:
        return

    try:
        connection = await nats.connect(
            url,
            user=user,
            password=password,
            inbox_prefix=inbox.encode(),
            allow_reconnect=False,
            connect_timeout=2,
            error_cb=quiet,
        )
    except (OSError, nats.errors.Error):
        return False
    try:
        await connection.request(subject, b"", timeout=2, headers={"Nats-Expected-Last-Sequence": _NEVER})
    except nats.errors.Error:
        return False
    else:
        return True
    finally:
        await connection.close()
