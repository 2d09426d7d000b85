"""Large payloads in NATS Object Stores, under their digest; written once, read without consumers."""

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import orjson
from nats.aio.client import Client

from shared import errors
from shared.contracts.base import INLINE_LIMIT, OBJECT_LIMIT, ObjectRef, sha256
from shared.contracts.streams import PAYLOADS, ObjectBucket
from shared.messaging.bus import Bus

CHUNK_BYTES: Final = 128 * 1024
_BATCH: Final = 64
_PIECE: Final = 8


class Objects:
    """One object store. Its entries are readable by any NATS client; names are SHA-256 digests in hex."""

    def __init__(self, bus: Bus, bucket: ObjectBucket = PAYLOADS) -> None:
        self._bus = bus
        self._bucket = bucket.name
        self._stream = f"OBJ_{bucket.name}"

    async def put(self, data: bytes) -> ObjectRef:
        """Store bytes and return the reference; what is stored already is not written again."""
        if len(data) > OBJECT_LIMIT:
            raise errors.TooLarge(f"{len(data):,} bytes are more than the {OBJECT_LIMIT:,} that may travel")
        digest = sha256(data)
        reference = ObjectRef(digest=digest, size=len(data))
        if await self.has(digest):
            return reference
        nuid = self._nuid()
        chunks = range(0, len(data), CHUNK_BYTES)
        for start in chunks:
            await self._bus.put(f"$O.{self._bucket}.C.{nuid}", data[start : start + CHUNK_BYTES])
        await self._bus.put(
            self._meta(digest), self._described(digest, nuid, bytes.fromhex(digest), len(data), len(chunks))
        )
        return reference

    async def put_as(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream of bytes under a name of its own, never all in memory; how many they were.

        Nobody sees it before it is whole. Raises TooLarge, Unavailable.
        """
        nuid = self._nuid()
        whole, size, count, held = hashlib.sha256(), 0, 0, bytearray()

        async def flush(least: int) -> None:
            nonlocal count
            while len(held) >= least and held:
                await self._bus.put(f"$O.{self._bucket}.C.{nuid}", bytes(held[:CHUNK_BYTES]))
                del held[:CHUNK_BYTES]
                count += 1

        async for chunk in chunks:
            size += len(chunk)
            if size > OBJECT_LIMIT:
                raise errors.TooLarge(f"more than the {OBJECT_LIMIT:,} bytes that may travel")
            whole.update(chunk)
            held += chunk
            await flush(CHUNK_BYTES)
        await flush(1)
        await self._bus.put(self._meta(name), self._described(name, nuid, whole.digest(), size, count))
        return size

    async def has(self, digest: str) -> bool:
        """Whether it is stored."""
        return await self._info(digest) is not None

    async def get(self, digest: str) -> bytes:
        """The bytes, verified. Raises NotFound where it is not there, or not whole."""
        return b"".join([chunk async for chunk in self.read(digest)])

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        """The bytes in chunks, never all of them in memory; raises as `get`, after the last where they do not match."""
        info = await self._info(digest)
        if info is None:
            raise errors.NotFound(f"no object {digest[:12]}… in {self._bucket}")
        subject = f"$O.{self._bucket}.C.{info['nuid']}"
        whole = hashlib.sha256()
        async for held in self._bus.walk(self._stream, subject, page=_BATCH):
            whole.update(held.data)
            yield held.data
        if _digest(whole.digest()) != info["digest"]:
            raise errors.NotFound(f"object {digest[:12]}… in {self._bucket} is no longer whole")

    async def digest(self, name: str) -> str | None:
        """SHA-256 of an object, hexadecimal; None where there is none."""
        info = await self._info(name)
        if info is None:
            return None
        return base64.urlsafe_b64decode(str(info["digest"]).partition("=")[2]).hex()

    async def piece(self, name: str, after: int) -> tuple[bytes, int]:
        """What follows in an object after a sequence, 0 for its beginning, and the last sequence read.

        Empty at the end. Raises NotFound.
        """
        info = await self._info(name)
        if info is None:
            raise errors.NotFound(f"no object {name[:12]}… in {self._bucket}")
        query = {"seq": after + 1, "next_by_subj": f"$O.{self._bucket}.C.{info['nuid']}", "batch": _PIECE}
        data = bytearray()
        async with contextlib.aclosing(self._bus.batch(self._stream, query)) as batch:
            async for held in batch:
                data += held.data
                after = held.seq
        return bytes(data), after

    async def stored(self) -> dict[str, datetime]:
        """Digest → when it was stored, of every object."""
        return {
            # The server's nanoseconds are more than a datetime takes.
            orjson.loads(held.data)["name"]: datetime.fromisoformat(f"{held.time[:19]}+00:00")
            async for held in self._bus.walk(self._stream, f"$O.{self._bucket}.M.*")
            if held.data and not held.deleted
        }

    async def drop_unfinished(self, before: datetime) -> int:
        """Drop what was begun before a moment and never became an object; how many.

        Needs the rights to look at the bucket's stream and to purge it.
        """
        whole = {
            orjson.loads(held.data).get("nuid")
            async for held in self._bus.walk(self._stream, f"$O.{self._bucket}.M.*")
            if held.data
        }
        prefix = f"$O.{self._bucket}.C."
        dropped = 0
        for subject in await self._subjects(f"{prefix}>"):
            if subject.removeprefix(prefix) in whole:
                continue
            first = await self._bus.after(self._stream, subject, 1)
            if first is not None and datetime.fromisoformat(f"{first.time[:19]}+00:00") < before:
                await self._purge(subject)
                dropped += 1
        return dropped

    async def _subjects(self, pattern: str) -> list[str]:
        api = f"$JS.API.STREAM.INFO.{self._stream}"
        nobody, late = "nobody answers for streams", f"the bus did not answer {api}"
        body = orjson.dumps({"subjects_filter": pattern})
        reply = orjson.loads((await self._bus.ask(api, body, timeout_s=5.0, nobody=nobody, late=late)).data)
        return sorted(reply.get("state", {}).get("subjects") or {})

    async def remove(self, digest: str) -> None:
        """Drop an object; that there is none is fine. Needs the right to purge the bucket's stream."""
        info = await self._info(digest)
        if info is not None:
            # First what names it, so that nobody begins to read it any more.
            await self._purge(self._meta(digest))
            await self._purge(f"$O.{self._bucket}.C.{info['nuid']}")

    async def _purge(self, subject: str) -> None:
        api = f"$JS.API.STREAM.PURGE.{self._stream}"
        nobody, late = "nobody answers for streams", f"the bus did not drop {subject} in time"
        body = orjson.dumps({"filter": subject})
        reply = await self._bus.ask(api, body, timeout_s=5.0, nobody=nobody, late=late)
        fault = orjson.loads(reply.data).get("error")
        if fault is not None:
            raise errors.Internal(f"the bus refused to drop {subject}: {fault.get('description')}")

    def _described(self, name: str, nuid: str, digest: bytes, size: int, chunks: int) -> bytes:
        return orjson.dumps(
            {
                "name": name,
                "bucket": self._bucket,
                "nuid": nuid,
                "size": size,
                "chunks": chunks,
                "digest": _digest(digest),
                "options": {"max_chunk_size": CHUNK_BYTES},
            }
        )

    def _meta(self, digest: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(digest.encode()).decode()}"

    def _nuid(self) -> str:
        client: Client = self._bus.nc
        return client._nuid.next().decode()  # noqa: SLF001 - nats-py's own id generator, as its store uses it

    async def _info(self, digest: str) -> dict[str, Any] | None:
        held = await self._bus.last(self._stream, self._meta(digest))
        if held is None or held.deleted or not held.data:
            return None
        info: dict[str, Any] = orjson.loads(held.data)
        return None if info.get("deleted") else info


def _digest(digest: bytes) -> str:
    return "SHA-256=" + base64.urlsafe_b64encode(digest).decode()


async def by_reference(objects: Objects, value: Any) -> Any:
    """The value itself, or a reference to it where its JSON is over 512 KiB. Raises TooLarge over 64 MiB.

    A value that looks like a reference goes by one too: it would be taken for one, and show what it names.
    """
    data = orjson.dumps(value)
    if len(data) <= INLINE_LIMIT and ObjectRef.read(value) is None:
        return value
    return await objects.put(data)


async def resolved(objects: Objects, value: Any) -> Any:
    """The value that a reference stands for, or the value itself."""
    reference = value if isinstance(value, ObjectRef) else ObjectRef.read(value)
    return value if reference is None else orjson.loads(await objects.get(reference.digest))
