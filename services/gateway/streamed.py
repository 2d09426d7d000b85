"""Lists that are written as they come: never held whole, never looking complete when they are not."""

import contextlib
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared import errors
from shared.logging import get_logger

log = get_logger(__name__)


class Streamed(StreamingResponse):
    """Closes what it streams, also when the client goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except* errors.PlugarrError as group:
            # The server breaks the connection off: the client sees that the answer is not whole.
            log.warning("list_broken_off", error=str(group.exceptions[0]))
            raise ConnectionAbortedError("the list broke off") from group
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()


def streamed_list(total: int, chunks: AsyncIterator[bytes]) -> StreamingResponse:
    """`{"success": true, "data": [ … ], "total": n}` of chunks that are JSON arrays of records."""

    async def body() -> AsyncIterator[bytes]:
        begun = False
        async with contextlib.aclosing(chunks):  # type: ignore[type-var]  # it is an async generator
            async for chunk in chunks:
                documents = [{**record["data"], "_id": record["id"]} for record in orjson.loads(chunk)]
                if not documents:
                    continue
                text = orjson.dumps(documents)[1:-1]
                yield (b"," if begun else b'{"success":true,"data":[') + text
                begun = True
        if not begun:
            yield b'{"success":true,"data":['
        yield b'],"total":' + str(total).encode() + b"}"

    return Streamed(body(), headers={"X-Total-Count": str(total)}, media_type="application/json")
