"""What the data service answers to the gateway about users and collections, kept in memory."""

from collections.abc import AsyncIterator
from typing import Any

from shared import errors
from shared.contracts import catalog as c
from shared.contracts import data as d
from shared.contracts import users as u
from shared.contracts.base import Done, new_id, now
from shared.messaging.handlers import Handlers
from shared.messaging.objects import Objects, resolved
from shared.messaging.streaming import packed


class Users:
    """Users of the data service, in memory."""

    def __init__(self) -> None:
        self.users: dict[str, u.User] = {}
        self.passwords: dict[str, str] = {}
        self.keys: dict[str, tuple[u.ApiKey, str]] = {}
        self.limited = False

    def add(self, name: str, level: u.Level, password: str = "password-1") -> u.User:
        user = u.User(id=new_id(), username=name, level=level, created_at=now())
        self.users[user.id] = user
        self.passwords[user.id] = password
        return user

    def bind(self, handlers: Handlers) -> None:
        for rpc, method in (
            (c.GET_SETUP, self.get_setup),
            (c.CREATE_FIRST_ADMIN, self.create_first),
            (c.LOG_IN, self.log_in),
            (c.GET_USER, self.get_user),
            (c.LIST_USERS, self.list_users),
            (c.CREATE_USER, self.create_user),
            (c.UPDATE_USER, self.update_user),
            (c.DELETE_USER, self.delete_user),
            (c.CREATE_API_KEY, self.create_key),
            (c.LIST_API_KEYS, self.list_keys),
            (c.DELETE_API_KEY, self.delete_key),
            (c.AUTHENTICATE_API_KEY, self.authenticate),
        ):
            handlers.command(rpc, method)

    async def get_setup(self, _: u.GetSetup) -> u.Setup:
        return u.Setup(needed=not any(user.level == "admin" for user in self.users.values()))

    async def create_first(self, command: u.CreateFirstAdmin) -> u.User:
        if any(user.level == "admin" for user in self.users.values()):
            raise errors.Conflict("there is an administrator already")
        return self.add(command.username, "admin", command.password)

    async def log_in(self, command: u.LogIn) -> u.User:
        if self.limited:
            raise errors.RateLimited("too many attempts")
        for user in self.users.values():
            if user.username == command.username and self.passwords[user.id] == command.password:
                return user
        raise errors.Unauthenticated("the name or the password is wrong")

    def _user(self, user_id: str) -> u.User:
        if user_id not in self.users:
            raise errors.NotFound(f"no user {user_id!r}")
        return self.users[user_id]

    async def get_user(self, command: u.GetUser) -> u.User:
        return self._user(command.id)

    async def list_users(self, command: u.ListUsers) -> u.UserPage:
        found = list(self.users.values())
        page = found[command.offset : command.offset + command.limit]
        return u.UserPage(users=tuple(page), total=len(found))

    async def create_user(self, command: u.CreateUser) -> u.User:
        if any(user.username == command.username for user in self.users.values()):
            raise errors.Conflict("the name is taken", path="username")
        return self.add(command.username, command.level, command.password)

    async def update_user(self, command: u.UpdateUser) -> u.User:
        user = self._user(command.id)
        change = command.model_dump(exclude_none=True, exclude={"id", "password"})
        if command.password:
            self.passwords[user.id] = command.password
        raised = user.token_version + (1 if command.password or "active" in change else 0)
        self.users[user.id] = user.model_copy(update={**change, "token_version": raised})
        return self.users[user.id]

    async def delete_user(self, command: u.DeleteUser) -> Done:
        self._user(command.id)
        del self.users[command.id]
        return Done()

    async def create_key(self, command: u.CreateApiKey) -> u.NewApiKey:
        self._user(command.user_id)
        secret = f"pk_{new_id()}"
        key = u.ApiKey(
            id=new_id(), user_id=command.user_id, name=command.name, prefix=secret[:8], created_at=now()
        )
        self.keys[key.id] = (key, secret)
        return u.NewApiKey(key=key, secret=secret)

    async def list_keys(self, command: u.ListApiKeys) -> u.ApiKeyList:
        wanted = command.user_id
        return u.ApiKeyList(keys=tuple(k for k, _ in self.keys.values() if wanted in (None, k.user_id)))

    async def delete_key(self, command: u.DeleteApiKey) -> Done:
        key = self.keys.get(command.id)
        if key is None or command.user_id not in (None, key[0].user_id):
            raise errors.NotFound(f"no API key {command.id!r}")
        del self.keys[command.id]
        return Done()

    async def authenticate(self, command: u.AuthenticateApiKey) -> u.User:
        for key, secret in self.keys.values():
            if secret == command.secret:
                return self._user(key.user_id)
        raise errors.Unauthenticated("the API key is not valid")


class Collections:
    """Plugin data in memory."""

    def __init__(self, objects: Objects) -> None:
        self.items: dict[tuple[str, str], dict[int, d.Record]] = {}
        self.listed: list[d.ListItems] = []
        self.ops: list[str] = []
        self.break_after: int | None = None
        self._objects = objects
        self._last = 0

    def bind(self, handlers: Handlers) -> None:
        handlers.streaming(c.LIST_ITEMS, self.list)
        handlers.streaming(c.REPLACE_COLLECTION, self.replace_all)
        handlers.command(c.GET_ITEM, self.get)
        handlers.command(c.ADD_ITEM, self.add)
        handlers.command(c.REPLACE_ITEM, self.replace)
        handlers.command(c.PATCH_ITEM, self.patch)
        handlers.command(c.DELETE_ITEM, self.delete)
        handlers.command(c.CLEAR_COLLECTION, self.clear)

    def _of(self, command: d.CollectionCommand) -> dict[int, d.Record]:
        return self.items.setdefault((command.plugin, command.collection), {})

    async def _record(self, item_id: int, data: Any) -> d.Record:
        document = {
            key: value for key, value in (await resolved(self._objects, data)).items() if key != "_id"
        }
        return d.Record(id=item_id, data=document, created_at=now(), updated_at=now())

    def _stream(self, records: list[d.Record], total: int) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        async def each() -> AsyncIterator[bytes]:
            for number, record in enumerate(records):
                if self.break_after is not None and number >= self.break_after:
                    raise errors.Unavailable("the database went away")
                yield record.model_dump_json().encode()

        return d.ListHead(total=total), packed(each())

    async def list(self, command: d.ListItems) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        self.listed.append(command)
        found = list(self._of(command).values())
        end = None if command.limit is None else command.offset + command.limit
        return self._stream(found[command.offset : end], len(found))

    async def replace_all(self, command: d.ReplaceCollection) -> tuple[d.ListHead, AsyncIterator[bytes]]:
        items = await resolved(self._objects, command.items)
        kept: dict[int, d.Record] = {}
        for item in items:
            self._last += 1
            kept[self._last] = await self._record(self._last, item)
        self.items[command.plugin, command.collection] = kept
        return self._stream(list(kept.values()), len(kept))

    async def get(self, command: d.GetItem) -> d.RecordAnswer:
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def add(self, command: d.AddItem) -> d.RecordAnswer:
        self.ops.append(command.op_id)
        self._last += 1
        self._of(command)[self._last] = await self._record(self._last, command.data)
        return d.RecordAnswer(record=self._of(command)[self._last])

    async def replace(self, command: d.ReplaceItem) -> d.RecordAnswer:
        if command.id in self._of(command):
            self._of(command)[command.id] = await self._record(command.id, command.data)
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def patch(self, command: d.PatchItem) -> d.RecordAnswer:
        old = self._of(command).get(command.id)
        if old is not None:
            merged = {**old.data, **await resolved(self._objects, command.data)}
            self._of(command)[command.id] = await self._record(command.id, merged)
        return d.RecordAnswer(record=self._of(command).get(command.id))

    async def delete(self, command: d.DeleteItem) -> d.Deleted:
        return d.Deleted(deleted=int(self._of(command).pop(command.id, None) is not None))

    async def clear(self, command: d.ClearCollection) -> d.Deleted:
        return d.Deleted(deleted=len(self.items.pop((command.plugin, command.collection), {})))
