"""Manifests in KV and packages in the Object Store: what the registry owns on the bus."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from services.registry.models import Known
from shared import errors
from shared.contracts.names import token, untoken
from shared.contracts.streams import MANIFESTS, PACKAGES, PAYLOADS
from shared.logging import get_logger
from shared.messaging.bus import Bus, Refused
from shared.messaging.kv import Kv
from shared.messaging.objects import Objects

FENCE: Final = "epoch.registry"
YOUNG_S: Final = 600.0
"""A package younger than that is not dropped: it may be on its way into a manifest, or out of a home."""

log = get_logger(__name__)


class Fenced(errors.Unavailable):
    """Another registry holds the lease: nothing that this one writes is stored any more."""

    def __init__(self) -> None:
        super().__init__("another registry has taken over")


class Manifests:
    """KV `manifest.<key>`; every write depends on the epoch that was taken over with."""

    def __init__(self, bus: Bus) -> None:
        self._kv = Kv(bus, MANIFESTS)

    async def take_over(self, epoch: int) -> None:
        """From here on, no registry of an older epoch writes anything. Raises Fenced where we are the older one."""
        held = await self._kv.get(FENCE)
        if held is not None and orjson.loads(held.data)["epoch"] > epoch:
            raise Fenced
        try:
            body = orjson.dumps({"epoch": epoch})
            revision = await self._kv.update(FENCE, body, held.seq if held else 0)
        except Refused as late:
            raise Fenced from late
        self._kv.fence(FENCE, revision)

    async def every(self) -> dict[str, Known]:
        """Key → manifest."""
        found: dict[str, Known] = {}
        for name, held in (await self._kv.entries("manifest.*")).items():
            try:
                found[untoken(name.removeprefix("manifest."))] = Known.read(held.data)
            except ValueError as error:
                log.warning("manifest_not_read", entry=name, reason=str(error))
        return found

    async def get(self, key: str) -> Known | None:
        """One manifest, as every replica may read it."""
        held = await self._kv.get(f"manifest.{token(key)}")
        return None if held is None else Known.read(held.data)

    async def put(self, key: str, known: Known) -> None:
        """Write a manifest. Raises Fenced."""
        try:
            await self._kv.put(f"manifest.{token(key)}", known.data)
        except Refused as late:
            raise Fenced from late

    async def delete(self, key: str) -> None:
        """Remove a manifest. Raises Fenced."""
        try:
            await self._kv.delete(f"manifest.{token(key)}")
        except Refused as late:
            raise Fenced from late

    async def loaded_digests(self) -> set[str]:
        """The packages that some home has loaded."""
        return {
            str(orjson.loads(held.data).get("digest"))
            for held in (await self._kv.entries("loaded.*")).values()
        }


class Packages:
    """The packages of plugins' versions, under their digests."""

    def __init__(self, bus: Bus) -> None:
        self._objects = Objects(bus, PACKAGES)
        self._stored: set[str] | None = None
        self._asking = asyncio.Lock()

    def forget(self) -> None:
        """Ask the bus again what is stored."""
        self._stored = None

    async def has(self, digest: str) -> bool:
        if self._stored is None:
            async with self._asking:
                if self._stored is None:
                    self._stored = set(await self._objects.stored())
        return digest in self._stored

    async def put(self, digest: str, data: bytes) -> None:
        """Store a package unless it is stored."""
        if not await self.has(digest):
            reference = await self._objects.put(data)
            if self._stored is not None:
                self._stored.add(reference.digest)

    async def drop_all_but(self, keep: Iterable[str], *, at_once: Iterable[str] = ()) -> int:
        """Drop packages that nobody needs, the young ones too where they are named; the number of them."""
        kept, named = set(keep), set(at_once)
        stored = await self._objects.stored()
        old = datetime.now(UTC) - timedelta(seconds=YOUNG_S)
        drop = [
            digest
            for digest, time in stored.items()
            if digest not in kept and (time < old or digest in named)
        ]
        for digest in drop:
            await self._objects.remove(digest)
        self._stored = set(stored) - set(drop)
        return len(drop)


class Uploads:
    """What callers have put into the payloads bucket."""

    def __init__(self, bus: Bus) -> None:
        self._objects = Objects(bus, PAYLOADS)

    async def fetch(self, digest: str, file: Path) -> int:
        """Write an upload to a file, chunk by chunk; the number of bytes. Raises NotFound."""
        size = 0
        with file.open("wb") as opened:
            async for chunk in self._objects.read(digest):
                size += len(chunk)
                await asyncio.to_thread(opened.write, chunk)
        return size
