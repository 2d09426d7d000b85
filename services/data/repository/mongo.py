"""The connection to MongoDB: time limits, transactions, and what its failures mean to a caller."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
)
from pymongo import errors as mongo
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared import errors
from shared.logging import get_logger

Document = dict[str, Any]
Session = AsyncIOMotorClientSession
Collection = AsyncIOMotorCollection
T = TypeVar("T")

RAW: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
_TRANSIENT: Final = "TransientTransactionError"
_COMMIT_UNKNOWN: Final = "UnknownTransactionCommitResult"
_AWAY_S: Final = 2.0
"""How long a command waits for a primary before its caller is told to try again."""
_SNAPSHOT_GONE: Final = frozenset({239, 246})  # SnapshotTooOld, SnapshotUnavailable
_CACHE_TOO_SMALL: Final = 388  # TransactionTooLargeForCache

log = get_logger(__name__)


class Database:
    """The platform's database. Every access is bounded in time and fails as `shared.errors` names it."""

    def __init__(self, uri: str, *, timeout_s: float, bulk_timeout_s: float) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            uri,
            w="majority",
            journal=True,
            retryWrites=True,
            serverSelectionTimeoutMS=int(_AWAY_S * 1000),
            connectTimeoutMS=2000,
            socketTimeoutMS=int((bulk_timeout_s + 10) * 1000),
            heartbeatFrequencyMS=1000,
            maxPoolSize=64,
            appname="plugarr-data",
        )
        self.db = self._client.get_default_database("plugarr")
        self.timeout_s = timeout_s
        self.bulk_timeout_s = bulk_timeout_s

    def collection(self, name: str, *, raw: bool = False) -> Collection[Any]:
        """A collection; `raw` leaves documents as bytes for `bson_json` to read."""
        return self.db.get_collection(name, codec_options=RAW) if raw else self.db[name]

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    @property
    def primary_known(self) -> bool:
        """Whether a primary answered its last heartbeat."""
        return bool(self._client.delegate.topology_description.has_writable_server())

    async def ping(self) -> str | None:
        """What is wrong with the database, if anything."""
        try:
            async with self.bounded(1.5):
                hello = await self.db.command("hello")
        except errors.PlugarrError as error:
            return error.message
        return None if hello.get("isWritablePrimary") else "MongoDB has no primary"

    async def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Wait for a primary. Raises SystemExit that says where it looked."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                with _translated(), pymongo.timeout(_AWAY_S):
                    await self.db.command("ping")
            except errors.Unavailable as error:
                if asyncio.get_running_loop().time() > deadline:
                    where = ", ".join(f"{host}:{port}" for host, port in self._seeds())
                    raise SystemExit(f"Cannot reach MongoDB at {where}: {error.message}") from error
                await asyncio.sleep(0.2)
            except mongo.OperationFailure as error:
                raise SystemExit(f"MongoDB refuses the data service: {error}") from error
            else:
                return

    def _seeds(self) -> list[tuple[str, int | None]]:
        return sorted(self._client.delegate.topology_description.server_descriptions(), key=str)

    @asynccontextmanager
    async def bounded(self, timeout_s: float | None = None) -> AsyncIterator[None]:
        """Access the database for at most so long; MongoDB is told the limit with each command.

        Not around a `yield`: the limit belongs to the task that sets it.
        """
        await self._await_primary()
        with _translated(), pymongo.timeout(timeout_s or self.timeout_s):
            yield

    async def transact(self, work: Callable[[Session], Awaitable[T]], *, timeout_s: float | None = None) -> T:
        """Do some work in one transaction; again from the start where another one was in its way."""
        limit = timeout_s or self.timeout_s
        deadline = asyncio.get_running_loop().time() + limit
        pause = 0.002
        async with self.bounded(limit):
            while True:
                try:
                    return await self._attempt(work, deadline)
                except mongo.PyMongoError as error:
                    if not error.has_error_label(_TRANSIENT) or asyncio.get_running_loop().time() > deadline:
                        raise
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - only to part rivals
                pause = min(pause * 2, 0.25)

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], deadline: float) -> T:
        async with await self._client.start_session() as session:
            session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
            )
            result = await work(session)
            while True:
                try:
                    await session.commit_transaction()
                except mongo.PyMongoError as error:
                    # Committing again is safe: the server knows the transaction by its number.
                    late = asyncio.get_running_loop().time() > deadline
                    if late or not error.has_error_label(_COMMIT_UNKNOWN):
                        raise
                    await asyncio.sleep(0.05)
                else:
                    return result

    async def session(self) -> Session:
        """A session for what holds a cursor open; whoever asks for it ends it. Raises Unavailable."""
        await self._await_primary()
        with _translated():
            return await self._client.start_session()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A session whose reads all see the database at one moment."""
        async with await self._client.start_session(snapshot=True) as session:
            yield session

    async def _await_primary(self) -> None:
        """Do not let a hundred commands each hold a thread while MongoDB is away."""
        deadline = asyncio.get_running_loop().time() + _AWAY_S
        while not self.primary_known:
            if asyncio.get_running_loop().time() > deadline:
                raise errors.Unavailable("MongoDB is not reachable just now")
            await asyncio.sleep(0.05)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except mongo.PyMongoError as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error


def translate(error: mongo.PyMongoError) -> errors.PlugarrError | None:
    """What a driver's error means to a caller; None for a fault of ours."""
    if isinstance(error, mongo.ConnectionFailure):
        return errors.Unavailable("MongoDB is not reachable just now")
    if isinstance(error, mongo.DocumentTooLarge):
        return errors.TooLarge("a document is larger than MongoDB holds")
    code = _code(error)
    known: errors.PlugarrError | None = None
    if code == _CACHE_TOO_SMALL:
        known = errors.TooLarge("MongoDB's cache is too small for a change of this size: give it more")
    elif error.timeout:
        known = errors.TimedOut("MongoDB took too long")
    elif error.has_error_label(_TRANSIENT) or error.has_error_label(_COMMIT_UNKNOWN):
        known = errors.Unavailable("other changes were in the way for too long")
    elif code in _SNAPSHOT_GONE:
        known = errors.Unavailable("the list was read too slowly, or the collection was dropped meanwhile")
    return known


def _code(error: mongo.PyMongoError) -> int | None:
    if isinstance(error, mongo.BulkWriteError):
        faults = (error.details or {}).get("writeErrors")
        return int(faults[0]["code"]) if faults else None
    return error.code if isinstance(error, mongo.OperationFailure) else None
