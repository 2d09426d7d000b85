"""Reading back what streams hold, by direct get: no consumer is needed, and any replica answers."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.messaging.faults import end_of, faults, next_of
from shared.messaging.held import Held, held_of


class Reading(ABC):
    """The reading side of the bus."""

    @property
    @abstractmethod
    def nc(self) -> Client: ...

    @abstractmethod
    async def ask(
        self,
        subject: str,
        data: bytes,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float,
        nobody: str,
        late: str,
    ) -> Msg:
        """One request, one answer."""

    async def last(self, stream: str, subject: str) -> Held | None:
        """The last message on a subject of a stream, markers of deletion included."""
        return held_of(await self._direct(f"$JS.API.DIRECT.GET.{stream}.{subject}", b""))

    async def at(self, stream: str, seq: int) -> Held | None:
        """The message with that sequence."""
        body = orjson.dumps({"seq": seq})
        return held_of(await self._direct(f"$JS.API.DIRECT.GET.{stream}", body))

    async def after(self, stream: str, subject: str, seq: int) -> Held | None:
        """The first message on a subject (or pattern) with a sequence of at least `seq`."""
        body = orjson.dumps({"seq": seq, "next_by_subj": subject})
        return held_of(await self._direct(f"$JS.API.DIRECT.GET.{stream}", body))

    async def _direct(self, api: str, body: bytes) -> Msg:
        nobody, late = f"no answer to {api}: run the provisioner", f"the bus did not answer {api}"
        return await self.ask(api, body, timeout_s=5.0, nobody=nobody, late=late)

    async def snapshot(self, stream: str, *subjects: str) -> list[Held]:
        """The last message of every subject that matches: at most 1,024 subjects a call, by sequence."""
        return [held async for held in self.batch(stream, {"multi_last": list(subjects)})]

    async def batch(self, stream: str, query: dict[str, Any]) -> AsyncGenerator[Held, None]:
        """Messages by one batched direct get; `query` as NATS takes it (`batch`, `seq`, `next_by_subj`, …).

        They may be fewer than asked for: the server ends a batch at its own limit of bytes.
        """
        nobody, late = f"no stream {stream}: run the provisioner", f"the bus did not answer for {stream}"
        inbox = self.nc.new_inbox()
        with faults(nobody, late):
            subscription = await self.nc.subscribe(inbox)
        try:
            with faults(nobody, late):
                await self.nc.publish(f"$JS.API.DIRECT.GET.{stream}", orjson.dumps(query), reply=inbox)
            while True:
                with faults(nobody, late):
                    message = await next_of(subscription, 5.0)
                if (message.headers or {}).get("Status") in {"204", "404"}:
                    return
                held = held_of(message)
                if held is not None:
                    yield held
        finally:
            await end_of(subscription)

    async def walk(self, stream: str, subject: str, *, page: int = 1000) -> AsyncIterator[Held]:
        """Every message on a subject (or pattern) of a stream, from the oldest, page by page."""
        seq = 1
        while True:
            began = seq
            query = {"seq": seq, "next_by_subj": subject, "batch": page}
            async with contextlib.aclosing(self.batch(stream, query)) as batch:
                async for held in batch:
                    seq = held.seq + 1
                    yield held
            # A page that is not full may have been ended by its size: only an empty one is the last.
            if seq == began:
                return
