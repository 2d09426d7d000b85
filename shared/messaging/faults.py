"""What nats-py raises and the bus answers, as callers expect it; and nats-py's operations without their traps."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import BaseModel, ValidationError

from shared import errors
from shared.contracts.base import ReplyError
from shared.contracts.contract import Rpc

_WRONG_LAST_SEQUENCE: Final = 10071
_STREAM_FULL: Final = frozenset({10077, 10023, 10047})  # maximum bytes, insufficient resources, no storage
_SUBJECT_LIMIT: Final = 3800
"""The server closes a connection whose control line is over 4,096 bytes, and nats-py never opens it again."""

Res = TypeVar("Res", bound=BaseModel)


class Refused(Exception):
    """A compare-and-set publish came too late: the subject has moved on."""


class NobodyThere(errors.Unavailable):
    """No service listens: what was asked has reached nobody, and may be asked again whatever it is."""


@contextlib.contextmanager
def faults(nobody: str = "nobody is there to answer", late: str = "the bus did not answer") -> Iterator[None]:
    """Raise Unavailable, TimedOut or TooLarge for whatever nats-py raises."""
    try:
        yield
    except nats.errors.NoRespondersError as error:
        raise NobodyThere(nobody) from error
    except TimeoutError as error:  # nats-py's own is one too
        raise errors.TimedOut(late) from error
    except nats.errors.MaxPayloadError as error:
        raise errors.TooLarge("the message is larger than the bus carries") from error
    except (nats.errors.Error, OSError) as error:
        raise errors.Unavailable(f"the bus is not connected ({type(error).__name__})") from error


def checked(subject: str) -> str:
    """The subject, where the bus carries one so long. Raises TooLarge."""
    if len(subject) > _SUBJECT_LIMIT:
        raise errors.TooLarge("a name is longer than the bus carries")
    return subject


def stored(subject: str, reply: bytes) -> int:
    """The sequence that a stream acknowledged. Raises Refused, Unavailable, Internal."""
    ack: dict[str, Any] = orjson.loads(reply)
    fault = ack.get("error")
    if fault is None:
        return int(ack["seq"])
    if fault.get("err_code") == _WRONG_LAST_SEQUENCE:
        raise Refused(fault.get("description", "wrong last sequence"))
    if fault.get("err_code") in _STREAM_FULL or fault.get("code") == 503:
        raise errors.Unavailable(f"the bus cannot store more now: {fault.get('description')}")
    raise errors.Internal(f"the bus refused {subject}: {fault.get('description')}")


def answer_of(rpc: Rpc[Any, Res], data: bytes) -> Res:
    """A reply's value. Raises the error that it holds."""
    try:
        return rpc.reply_adapter.validate_json(data).value
    except ValidationError as not_ok:
        try:
            fault = ReplyError.model_validate_json(data).error
        except ValidationError:
            raise errors.Internal(f"{rpc.name} answered what nobody understands: {not_ok}") from not_ok
    raise errors.error_of(fault.code, fault.message, fault.path)


async def next_of(subscription: Subscription, timeout_s: float) -> Msg:
    """The next message; raises as nats-py does, and NoRespondersError."""
    # Not by nats-py's own time-out: its `wait_for` may swallow a cancellation in Python 3.11.
    async with asyncio.timeout(timeout_s):
        message = await subscription.next_msg(timeout=None)
    if (message.headers or {}).get("Status") == "503":
        raise nats.errors.NoRespondersError
    return message


async def round_trip(nc: Client, timeout_s: float) -> None:
    """Wait until the server has dealt with what was sent. Raises TimeoutError."""
    # Not nats-py's `flush`: where that is cancelled or late it leaves a cancelled future behind, and the
    # connection's reading ends for good when the server answers it.
    answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    await nc._send_ping(answered)  # noqa: SLF001 - what `flush` does
    async with asyncio.timeout(timeout_s):
        await asyncio.shield(answered)


async def known(nc: Client, timeout_s: float) -> None:
    """Wait until the server has dealt with a subscription's beginning or end. Raises TimeoutError."""
    # Twice, since nats-py writes a ping ahead of what is still pending: only the second answer says so.
    await round_trip(nc, timeout_s)
    await round_trip(nc, timeout_s)


async def unsubscribed(subscription: Subscription, nc: Client, timeout_s: float) -> None:
    """Have the server send nothing more, and wait for what it sent before: it is still to be taken.

    Raises TimeoutError.
    """
    await nc._send_unsubscribe(subscription._id)  # noqa: SLF001 - `unsubscribe` drops what is on its way
    await known(nc, timeout_s)


async def end_of(subscription: Subscription) -> None:
    """End a subscription; that it or its connection has ended already is fine."""
    with contextlib.suppress(nats.errors.Error, OSError):
        await subscription.unsubscribe()
