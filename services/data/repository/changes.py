"""MongoDB's change stream: which documents were written, never what is in them.

By commands instead of the driver's own cursor: that one hands out single events at the price of a thread each,
and resumes by itself, which is not for it to decide here.
"""

import asyncio
from typing import Final

from bson.codec_options import CodecOptions
from bson.int64 import Int64
from pymongo import errors as mongo

from services.data.models import Change, ChangeKind, HistoryLost
from services.data.repository.configs import CONFIGS
from services.data.repository.items import OPERATIONS
from services.data.repository.mongo import Database, Document, Session, translate
from services.data.repository.users import USERS
from shared import errors

COLLECTIONS: Final = "collections"
SCHEDULES: Final = "schedules"
_TEXT: Final[CodecOptions[Document]] = CodecOptions(unicode_decode_error_handler="replace")
"""Another tool may have written a name that is no text."""
_BATCH: Final = 5000
_OF: Final = ":"
"""Between whose a position is and the position."""
_ANSWER_S: Final = 10.0
"""How much later than asked for an answer may come."""
_LOST: Final = frozenset(
    {
        9,  # FailedToParse, and below another one: what stands in the stream was never a token
        136,  # CappedPositionLost
        260,  # InvalidResumeToken
        280,  # ChangeStreamFatalError: the token is in no oplog
        286,  # ChangeStreamHistoryLost: the oplog has moved on
        50811,  # KeyString format error
        10334,  # BSONObjectTooLarge: an event that nobody can be told of
    }
)
_ENDS: Final = frozenset({"invalidate", "dropDatabase"})
_KINDS: Final[dict[str, ChangeKind]] = {
    "insert": "added",
    "update": "changed",
    "replace": "changed",
    "delete": "removed",
    "drop": "dropped",
    "rename": "dropped",
}
_PIPELINE: Final = (
    {
        "$match": {
            "$or": [
                {"ns.coll": {"$regex": "^d_"}},
                {"ns.coll": {"$in": [COLLECTIONS, CONFIGS, OPERATIONS, SCHEDULES, USERS]}},
                {"operationType": {"$in": sorted(_ENDS)}},
            ]
        }
    },
    # Documents stay where they are: they may be large, and hold what is secret.
    {
        "$project": {
            "operationType": 1,
            "ns.coll": 1,
            "documentKey._id": 1,
            "lsid.id": 1,
            "txnNumber": 1,
            "rev": {"$ifNull": ["$fullDocument.rev", "$updateDescription.updatedFields.rev"]},
            "plugin": {"$cond": [{"$eq": ["$ns.coll", COLLECTIONS]}, "$fullDocument.plugin", None]},
            "collection": {"$cond": [{"$eq": ["$ns.coll", COLLECTIONS]}, "$fullDocument.collection", None]},
        }
    },
)


class ChangeStream:
    """The writes after a position, in order."""

    def __init__(self, database: Database, session: Session, identity: str, cursor: Document) -> None:
        self._database = database
        self._session = session
        self._identity = identity
        self._take(cursor)

    @classmethod
    async def open(cls, database: Database, after: str | None) -> "ChangeStream":
        """From a position on, or from now on. Raises HistoryLost, Unavailable, TimedOut."""
        session = await database.session()
        try:
            identity = await _identity(database, session)
            start = {} if after is None else {"startAfter": {"_data": _position(after, identity)}}
            pipeline = [{"$changeStream": start}, *_PIPELINE]
            command = {"aggregate": 1, "pipeline": pipeline, "cursor": {"batchSize": 0}}
            return cls(database, session, identity, (await _asked(database, command, session, 0))["cursor"])
        except BaseException:
            await session.end_session()
            raise

    async def batch(self, wait_s: float) -> list[Change]:
        """The next writes; none after so long. Raises HistoryLost, Unavailable, TimedOut."""
        command = {
            "getMore": Int64(self._cursor),
            "collection": "$cmd.aggregate",
            "batchSize": _BATCH,
            "maxTimeMS": int(wait_s * 1000),
        }
        cursor = (await _asked(self._database, command, self._session, wait_s))["cursor"]
        self._take(cursor)
        return [change for event in cursor["nextBatch"] if (change := _change(event, self._identity))]

    async def close(self) -> None:
        """Let the server forget the cursor; where it cannot be told, it does so by itself."""
        command = {"killCursors": "$cmd.aggregate", "cursors": [Int64(self._cursor)]}
        try:
            await _asked(self._database, command, self._session, 0)
        except (errors.PlugarrError, HistoryLost, mongo.PyMongoError):
            pass
        finally:
            await self._session.end_session()

    def _take(self, cursor: Document) -> None:
        self._cursor = int(cursor["id"])
        self.token = f"{self._identity}{_OF}{cursor['postBatchResumeToken']['_data']}"
        """Everything before this position was returned."""


class Changes:
    """Opens change streams, and knows which collection of which plugin lies where."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._registry = database.collection(COLLECTIONS)

    async def open(self, after: str | None) -> ChangeStream:
        """The writes after a position, or from now on. Raises HistoryLost, Unavailable, TimedOut."""
        return await ChangeStream.open(self._database, after)

    async def names(self, physical: set[str]) -> dict[str, tuple[str, str]]:
        """Plugin and name of each of these collections that is registered."""
        async with self._database.bounded():
            found = self._registry.find({"_id": {"$in": sorted(physical)}}, {"plugin": 1, "collection": 1})
            return {one["_id"]: (one["plugin"], one["collection"]) async for one in found}


async def _asked(database: Database, command: Document, session: Session, wait_s: float) -> Document:
    try:
        # Not by `Database.bounded`, which would put its own limit into the command, where it means the wait.
        async with asyncio.timeout(wait_s + _ANSWER_S):
            answer: Document = await database.db.command(command, codec_options=_TEXT, session=session)
            return answer
    except TimeoutError as error:
        raise errors.TimedOut("MongoDB did not answer") from error
    except mongo.OperationFailure as error:
        if error.code in _LOST or error.has_error_label("NonResumableChangeStreamError"):
            raise HistoryLost(str(error).partition(", full error")[0]) from error
        raise translate(error) or errors.Unavailable(f"the change stream failed: {error}") from error
    except mongo.PyMongoError as error:
        raise translate(error) or errors.Unavailable(f"the change stream failed: {error}") from error


def _position(token: str, identity: str) -> str:
    """A position that this database gave. Raises HistoryLost."""
    whose, _, position = token.partition(_OF)
    if whose != identity:
        # MongoDB itself takes a position of another one while its own oplog still has its beginning.
        raise HistoryLost("the last position is one of another database")
    return position


async def _identity(database: Database, session: Session) -> str:
    """What no other database has, a restored copy neither: the id of a collection that is there from the start."""
    command = {"listCollections": 1, "filter": {"name": CONFIGS}}
    found = (await _asked(database, command, session, 0))["cursor"]["firstBatch"]
    return found[0]["info"]["uuid"].hex() if found else ""


def _change(event: Document, identity: str) -> Change | None:
    operation = event["operationType"]
    if operation in _ENDS:
        raise HistoryLost(f"the change stream ended: {operation}")
    kind = _KINDS.get(operation)
    if kind is None:
        return None
    transaction = None
    if "txnNumber" in event:
        transaction = (bytes(event["lsid"]["id"]), int(event["txnNumber"]))
    rev = event.get("rev")
    names = (event.get("plugin"), event.get("collection"))
    return Change(
        kind=kind,
        collection=event["ns"]["coll"],
        id=event.get("documentKey", {}).get("_id"),
        rev=int(rev) if isinstance(rev, int) and not isinstance(rev, bool) else None,
        token=f"{identity}{_OF}{event['_id']['_data']}",
        transaction=transaction,
        names=(names[0], names[1]) if isinstance(names[0], str) and isinstance(names[1], str) else None,
    )
