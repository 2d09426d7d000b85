"""Users, log-in and API keys."""

import hashlib
import math
import secrets
from typing import Any, Final

from services.data.repository.api_keys import ApiKeys
from services.data.repository.attempts import Attempts
from services.data.repository.users import Users
from services.data.service.passwords import Hashing
from shared import errors
from shared.contracts import users as m
from shared.contracts.base import Done
from shared.logging import get_logger

KEY_START: Final = "plg_"
_FREE_BY_NAME: Final = 5
_LONGEST_BY_NAME_S: Final = 60.0
"""Short, since anybody can have somebody else's name held up."""
_FREE_BY_ADDRESS: Final = 20
_LONGEST_BY_ADDRESS_S: Final = 900.0

log = get_logger(__name__)


class UserService:
    """Who may come in, and as whom."""

    def __init__(self, *, users: Users, keys: ApiKeys, attempts: Attempts, passwords: Hashing) -> None:
        self._users = users
        self._keys = keys
        self._attempts = attempts
        self._passwords = passwords

    async def setup(self, _command: m.GetSetup) -> m.Setup:
        return m.Setup(needed=not await self._users.has_admin())

    async def create_first_admin(self, command: m.CreateFirstAdmin) -> m.User:
        """Make the administrator; only while there is none. Raises Conflict afterwards."""
        if await self._users.has_admin():
            raise errors.Conflict("there is an administrator already")
        hashed = await self._passwords.hash(command.password)
        return await self._users.create(command.username, hashed, "admin", first=True)

    async def ensure_admin(self, username: str, password: str) -> None:
        """Make the administrator that the operator named, unless there is one."""
        command = m.CreateFirstAdmin(username=username, password=password)
        try:
            await self.create_first_admin(command)
        except errors.Conflict:
            return
        log.info("administrator_made", username=username)

    async def log_in(self, command: m.LogIn) -> m.User:
        """The user with that password. Raises Unauthenticated, the same for every reason; RateLimited."""
        by_name, by_address = f"name:{command.username.casefold()}", f"address:{command.address}"
        await self._take(by_address, _FREE_BY_ADDRESS, _LONGEST_BY_ADDRESS_S)
        await self._take(by_name, _FREE_BY_NAME, _LONGEST_BY_NAME_S)
        found = await self._users.by_name(command.username)
        user, stored = found or (None, None)
        matches = await self._passwords.matches(stored, command.password)
        if user is None or stored is None or not matches or not user.active:
            raise errors.Unauthenticated("wrong name or password")
        better = await self._passwords.hash(command.password) if self._passwords.outdated(stored) else None
        logged_in = await self._users.logged_in(user.id, old_hash=stored, new_hash=better)
        if logged_in is None:
            raise errors.Unauthenticated("wrong name or password")
        await self._attempts.succeeded(by_name, by_address)
        return logged_in

    async def get(self, command: m.GetUser) -> m.User:
        user = await self._users.get(command.id)
        if user is None:
            raise errors.NotFound("no such user")
        return user

    async def list_users(self, command: m.ListUsers) -> m.UserPage:
        found, total = await self._users.page(command.limit, command.offset)
        return m.UserPage(users=tuple(found), total=total)

    async def create(self, command: m.CreateUser) -> m.User:
        hashed = await self._passwords.hash(command.password)
        return await self._users.create(command.username, hashed, command.level)

    async def update(self, command: m.UpdateUser) -> m.User:
        changes: dict[str, Any] = command.model_dump(exclude={"id", "password"}, exclude_none=True)
        if command.password is not None:
            changes["password"] = await self._passwords.hash(command.password)
        return await self._users.update(command.id, changes)

    async def delete(self, command: m.DeleteUser) -> Done:
        await self._users.delete(command.id)
        return Done()

    async def create_key(self, command: m.CreateApiKey) -> m.NewApiKey:
        """A new key; its text is in this answer and nowhere else."""
        await self.get(m.GetUser(id=command.user_id))
        secret = KEY_START + secrets.token_urlsafe(32)
        key = await self._keys.create(command.user_id, command.name, secret[:8], _digest(secret))
        return m.NewApiKey(key=key, secret=secret)

    async def list_keys(self, command: m.ListApiKeys) -> m.ApiKeyList:
        return m.ApiKeyList(keys=tuple(await self._keys.of(command.user_id)))

    async def delete_key(self, command: m.DeleteApiKey) -> Done:
        if not await self._keys.delete(command.id, command.user_id):
            raise errors.NotFound("no such API key")
        return Done()

    async def authenticate_key(self, command: m.AuthenticateApiKey) -> m.User:
        """The active user of a key. Raises Unauthenticated."""
        owner = await self._keys.owner(_digest(command.secret))
        user = await self._users.get(owner) if owner else None
        if user is None or not user.active:
            raise errors.Unauthenticated("no such API key")
        return user

    async def _take(self, key: str, free: int, longest_s: float) -> None:
        wait = await self._attempts.take(key, free=free, longest_s=longest_s)
        if wait:
            raise errors.RateLimited(f"too many attempts to log in: try again in {math.ceil(wait)} s")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
