"""Indexes, made at start; as often as one likes, by as many replicas as there are."""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo import errors as mongo

from services.data.repository.attempts import ATTEMPTS, FORGOTTEN_S
from services.data.repository.configs import CONFIGS
from services.data.repository.files import FILES
from services.data.repository.items import OPERATIONS
from services.data.repository.mongo import Database
from services.data.repository.run_records import RUNS
from services.data.repository.schedules import SCHEDULES, TICKS
from services.data.repository.task_values import TASK_VALUES
from services.data.repository.users import API_KEYS, USERS
from shared.contracts.tasks import KEPT_S

OPERATION_KEPT_S: Final = 3600
_DAY_S: Final = 86_400
_OTHER_OPTIONS: Final = 85  # IndexOptionsConflict
_NEWEST: Final = [("created_at", DESCENDING), ("_id", DESCENDING)]
_BY: Final = ("plugin", "state", "actor", "action", "outcome", "trigger")
_TOGETHER: Final = [("plugin", ASCENDING), ("state", ASCENDING)]


async def prepare(database: Database, *, history_days: float) -> None:
    """Make the platform's own collections and every index that its queries need."""
    existing = set(await database.db.list_collection_names())
    for name in ("collections", "counters", "plugins", "facts", CONFIGS):
        # Made now, so that no transaction has to.
        if name not in existing:
            await _create(database, name)
    runs = [IndexModel(_NEWEST)]
    runs += [IndexModel([(name, ASCENDING), *_NEWEST]) for name in _BY]
    runs += [
        IndexModel([*_TOGETHER, *_NEWEST]),
        # Most runs are actions': who asks for those finds them among all.
        IndexModel([("kind", ASCENDING), *_NEWEST], partialFilterExpression={"kind": "task"}),
        # Most runs have no parent, and wait for no further attempt.
        IndexModel([("parent", ASCENDING), *_NEWEST], partialFilterExpression={"parent": {"$exists": True}}),
        IndexModel("retry_at", partialFilterExpression={"retry_at": {"$exists": True}}),
    ]
    await database.collection(RUNS).create_indexes(runs)
    await database.collection("collections").create_indexes([IndexModel("plugin")])
    await database.collection(USERS).create_indexes([IndexModel("name", unique=True), IndexModel("level")])
    await database.collection(API_KEYS).create_indexes(
        [IndexModel("hash", unique=True), IndexModel("user_id")]
    )
    await database.collection(SCHEDULES).create_indexes(
        [IndexModel([("name", 1), ("_id", 1)]), IndexModel("plugin")]
    )
    await database.collection(TICKS).create_indexes(
        [IndexModel([("schedule_id", 1), ("due_at", -1), ("_id", -1)])]
    )
    await database.collection(FILES).create_indexes([IndexModel("keep_until"), IndexModel("plugin")])
    await _expire(database, TICKS, int(history_days * _DAY_S))
    await _expire(database, OPERATIONS, OPERATION_KEPT_S)
    await _expire(database, ATTEMPTS, FORGOTTEN_S)
    await _expire(database, TASK_VALUES, KEPT_S)
    await database.collection(TASK_VALUES).create_indexes([IndexModel("plugin")])
    await _expire(database, RUNS, int(history_days * _DAY_S))


async def _create(database: Database, name: str) -> None:
    try:
        await database.db.create_collection(name)
    except mongo.CollectionInvalid:
        return
    except mongo.OperationFailure as error:
        if error.code != 48:  # NamespaceExists: another replica was quicker
            raise


async def _expire(database: Database, name: str, after_s: int) -> None:
    """Have documents go so long after their `at`; also where it was another time before."""
    try:
        await database.collection(name).create_index("at", expireAfterSeconds=after_s)
    except mongo.OperationFailure as error:
        if error.code != _OTHER_OPTIONS:
            raise
        index = {"keyPattern": {"at": 1}, "expireAfterSeconds": after_s}
        await database.db.command("collMod", name, index=index)
