"""Users, and how the first administrator and the last one are kept unique."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo import errors as mongo

from services.data.repository.mongo import Database, Document, Session
from shared import errors
from shared.contracts.base import new_id, now
from shared.contracts.users import Level, User

USERS: Final = "users"
API_KEYS: Final = "api_keys"
_ADMINS: Final = "administrators"


class Users:
    """Users; their password hashes are handed out for verifying only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = database.collection(USERS)
        self._keys = database.collection(API_KEYS)
        self._facts = database.collection("facts")

    async def has_admin(self) -> bool:
        async with self._database.bounded():
            return await self._users.find_one({"level": "admin"}, {"_id": 1}) is not None

    async def create(self, username: str, password_hash: str, level: Level, *, first: bool = False) -> User:
        """Add a user. Raises Conflict for a name that is taken, or where `first` comes too late."""
        document: Document = {
            "_id": new_id(),
            "username": username,
            "name": username.casefold(),
            "password": password_hash,
            "level": level,
            "active": True,
            "token_version": 0,
            "created_at": now(),
        }

        async def insert(session: Session) -> None:
            if first:
                await self._touch_admins(session)
                if await self._users.find_one({"level": "admin"}, {"_id": 1}, session=session):
                    raise errors.Conflict("there is an administrator already")
            await self._users.insert_one(document, session=session)

        await self._unique(lambda: self._database.transact(insert))
        return _user(document)

    async def get(self, user_id: str) -> User | None:
        async with self._database.bounded():
            found = await self._users.find_one({"_id": user_id})
        return _user(found) if found else None

    async def by_name(self, username: str) -> tuple[User, str] | None:
        """A user and the hash of the password."""
        async with self._database.bounded():
            found = await self._users.find_one({"name": username.casefold()})
        return (_user(found), found["password"]) if found else None

    async def page(self, limit: int, offset: int) -> tuple[list[User], int]:
        """A page of users by name, and how many there are."""
        async with self._database.bounded():
            total = await self._users.count_documents({})
            page = self._users.find({}, {"password": 0}).sort("name", 1).skip(offset).limit(limit)
            return [_user(found) async for found in page], total

    async def update(self, user_id: str, changes: Document) -> User:
        """Change a user; what tokens depend on makes the old ones worthless.

        Raises NotFound, Conflict for a name that is taken, and for the last active administrator's end.
        """
        values = dict(changes)
        if "username" in values:
            values["name"] = values["username"].casefold()

        async def write(session: Session) -> Document:
            old = await self._found(user_id, session)
            revoked = any(
                name in values and values[name] != old[name] for name in ("password", "level", "active")
            )
            if _is_admin(old) and not _is_admin({**old, **values}):
                await self._keep_one_admin(user_id, session)
            step: Document = {"$set": values} if values else {}
            if revoked:
                step["$inc"] = {"token_version": 1}
            if not step:
                return old
            changed: Document = await self._users.find_one_and_update(
                {"_id": user_id}, step, return_document=ReturnDocument.AFTER, session=session
            )
            return changed

        return _user(await self._unique(lambda: self._database.transact(write)))

    async def delete(self, user_id: str) -> None:
        """Delete a user and the user's API keys. Raises NotFound, and Conflict for the last administrator."""

        async def remove(session: Session) -> None:
            old = await self._found(user_id, session)
            if _is_admin(old):
                await self._keep_one_admin(user_id, session)
            await self._users.delete_one({"_id": user_id}, session=session)
            await self._keys.delete_many({"user_id": user_id}, session=session)

        await self._database.transact(remove)

    async def logged_in(self, user_id: str, *, old_hash: str, new_hash: str | None) -> User | None:
        """Note a log-in, and a better hash of the same password where there is one."""
        async with self._database.bounded():
            values = {"last_login": now()}
            found = await self._users.find_one_and_update(
                {"_id": user_id, "active": True}, {"$set": values}, return_document=ReturnDocument.AFTER
            )
            if new_hash:
                # Not over a password that was changed in between.
                await self._users.update_one(
                    {"_id": user_id, "password": old_hash}, {"$set": {"password": new_hash}}
                )
        return _user(found) if found else None

    async def _found(self, user_id: str, session: Session) -> Document:
        found: Document | None = await self._users.find_one({"_id": user_id}, session=session)
        if found is None:
            raise errors.NotFound("no such user")
        return found

    async def _keep_one_admin(self, user_id: str, session: Session) -> None:
        await self._touch_admins(session)
        others = {"_id": {"$ne": user_id}, "level": "admin", "active": True}
        if await self._users.find_one(others, {"_id": 1}, session=session) is None:
            raise errors.Conflict("the last active administrator must remain one")

    async def _touch_admins(self, session: Session) -> None:
        """Have changes of who is an administrator follow one another."""
        await self._facts.update_one({"_id": _ADMINS}, {"$inc": {"changes": 1}}, upsert=True, session=session)

    async def _unique(self, write: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await write()
        except mongo.DuplicateKeyError as error:
            raise errors.Conflict("a user of that name exists", path="username") from error


def _is_admin(document: Document) -> bool:
    return document["level"] == "admin" and bool(document["active"])


def _user(document: Document) -> User:
    return User.model_validate({**document, "id": document["_id"]})
