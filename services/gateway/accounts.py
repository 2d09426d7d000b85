"""Users, log-in and API keys: commands to data, and who may do what to whom."""

from services.gateway.identity import Asks, Identity
from services.gateway.tokens import Tokens
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import users as u


class AccountService:
    """Accounts as HTTP shows them."""

    def __init__(self, *, asks: Asks, identity: Identity, tokens: Tokens) -> None:
        self._asks = asks
        self._identity = identity
        self._tokens = tokens

    async def log_in(self, username: str, password: str, address: str) -> dict[str, str]:
        """`{access, refresh}`. Raises Unauthenticated, RateLimited."""
        command = u.LogIn(username=username, password=password, address=address[:64])
        try:
            user: u.User = await self._asks.request(c.LOG_IN, command)
        except (errors.NotFound, errors.PermissionDenied) as error:
            raise errors.Unauthenticated("the name or the password is wrong") from error
        return self._tokens.pair(user)

    async def refresh(self, token: str) -> dict[str, str]:
        """A new pair. Raises Unauthenticated."""
        return await self._identity.refreshed(token)

    async def setup_needed(self) -> bool:
        """Whether there is no administrator yet."""
        setup: u.Setup = await self._asks.request(c.GET_SETUP, u.GetSetup())
        return setup.needed

    async def create_first(self, username: str, password: str) -> u.User:
        """The first administrator. Raises Conflict where there is one already."""
        command = u.CreateFirstAdmin(username=username, password=password)
        user: u.User = await self._asks.request(c.CREATE_FIRST_ADMIN, command)
        return user

    async def change_own_password(self, user: u.User, current: str, new: str, address: str) -> None:
        """Raises PermissionDenied where the present password is another; tokens of before are refused then."""
        try:
            await self.log_in(user.username, current, address)
        except errors.Unauthenticated as error:
            raise errors.PermissionDenied(
                "the present password is another", path="current_password"
            ) from error
        await self._update(u.UpdateUser(id=user.id, password=new))

    async def list_users(self, limit: int, offset: int) -> u.UserPage:
        page: u.UserPage = await self._asks.request(c.LIST_USERS, u.ListUsers(limit=limit, offset=offset))
        return page

    async def get_user(self, user_id: str) -> u.User:
        user: u.User = await self._asks.request(c.GET_USER, u.GetUser(id=user_id))
        return user

    async def create_user(self, command: u.CreateUser) -> u.User:
        user: u.User = await self._asks.request(c.CREATE_USER, command)
        return user

    async def update_user(self, command: u.UpdateUser) -> u.User:
        """Raises NotFound, Conflict for the last administrator or a name that is taken."""
        return await self._update(command)

    async def delete_user(self, user_id: str) -> None:
        """Raises NotFound, Conflict for the last administrator."""
        await self._asks.request(c.DELETE_USER, u.DeleteUser(id=user_id))
        self._identity.changed(user_id)

    async def list_keys(self, asker: u.User, *, user_id: str | None, everybody: bool) -> u.ApiKeyList:
        """The asker's own keys; for administrators also another's or everybody's."""
        if everybody:
            _only_admin(asker, "list everybody's keys")
        owner = None if everybody else _owner(asker, user_id)
        keys: u.ApiKeyList = await self._asks.request(c.LIST_API_KEYS, u.ListApiKeys(user_id=owner))
        return keys

    async def create_key(self, asker: u.User, name: str, user_id: str | None) -> u.NewApiKey:
        """A key with the rights of whose it is."""
        command = u.CreateApiKey(user_id=_owner(asker, user_id), name=name)
        key: u.NewApiKey = await self._asks.request(c.CREATE_API_KEY, command)
        return key

    async def delete_key(self, asker: u.User, key_id: str) -> None:
        """One's own, or any for administrators. Raises NotFound for anybody else's."""
        owner = None if asker.level == "admin" else asker.id
        await self._asks.request(c.DELETE_API_KEY, u.DeleteApiKey(id=key_id, user_id=owner))
        self._identity.changed(asker.id)

    async def _update(self, command: u.UpdateUser) -> u.User:
        user: u.User = await self._asks.request(c.UPDATE_USER, command)
        self._identity.changed(command.id)
        return user


def _owner(asker: u.User, user_id: str | None) -> str:
    if user_id is not None and user_id != asker.id:
        _only_admin(asker, "touch other people's keys")
        return user_id
    return asker.id


def _only_admin(asker: u.User, what: str) -> None:
    if asker.level != "admin":
        raise errors.PermissionDenied(f"only administrators may {what}")
