"""Who asks: a token or an API key, and the user behind it as data knows them now."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from services.gateway.tokens import Claims, Tokens
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.contract import Rpc
from shared.contracts.users import AuthenticateApiKey, GetUser, User

FRESH_S: Final = 3.0
"""For so long a user is believed unseen: a disabled one is refused this soon."""
_MOST: Final = 10_000

T = TypeVar("T")


class Asks(Protocol):
    """How the gateway asks the other services: the bus."""

    async def request(self, rpc: Rpc[Any, Any], command: Any, *, timeout_s: float | None = None) -> Any: ...


class Recent(Generic[T]):
    """Values that were looked up a moment ago, each looked up once at a time."""

    def __init__(self, look_up: Callable[[str], Awaitable[T]], *, fresh_s: float) -> None:
        self._look_up = look_up
        self._fresh_s = fresh_s
        self._found: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[T]] = {}

    def held(self, key: str) -> T | None:
        """The value, if it is still fresh."""
        entry = self._found.get(key)
        return entry[1] if entry and time.monotonic() < entry[0] else None

    async def get(self, key: str, asked_by: str) -> T:
        """The value, looked up by `asked_by` where it is not fresh. Raises what that raises."""
        held = self.held(key)
        if held is not None:
            return held
        task = self._asking.get(key)
        if task is None:
            task = asyncio.ensure_future(self._look_up(asked_by))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        # Shielded: one asker who goes away does not fail the others.
        value = await asyncio.shield(task)
        self._found[key] = (time.monotonic() + self._fresh_s, value)
        self._found.move_to_end(key)
        while len(self._found) > _MOST:
            self._found.popitem(last=False)
        return value

    def forget(self, key: str) -> None:
        """Look it up the next time."""
        self._found.pop(key, None)


class Identity:
    """Tells the user behind a request's credentials."""

    def __init__(self, asks: Asks, tokens: Tokens, *, fresh_s: float = FRESH_S) -> None:
        self._asks = asks
        self._tokens = tokens
        self._users: Recent[User] = Recent(self._get_user, fresh_s=fresh_s)
        self._keys: Recent[User] = Recent(self._get_key_owner, fresh_s=fresh_s)
        self._claims: OrderedDict[str, Claims] = OrderedDict()

    async def of(self, authorization: str | None, api_key: str | None) -> User:
        """The active user behind `Authorization` (Bearer, ApiKey) or `X-API-Key`. Raises Unauthenticated."""
        if authorization:
            scheme, _, value = authorization.partition(" ")
            match scheme.lower():
                case "bearer":
                    return await self.of_token(value.strip())
                case "apikey":
                    api_key = value.strip()
                case _:
                    raise errors.Unauthenticated("Authorization must be `Bearer <token>` or `ApiKey <key>`")
        if not api_key:
            raise errors.Unauthenticated("credentials are needed")
        # Held under the key's hash: a memory dump of this cache gives no keys away.
        user = await self._keys.get(hashlib.sha256(api_key.encode()).hexdigest(), api_key)
        return _active(user)

    async def of_token(self, token: str) -> User:
        """The active user of an access token. Raises Unauthenticated."""
        return await self.of_claims(self.claims_of(token))

    def claims_of(self, token: str) -> Claims:
        """What an access token says. Raises Unauthenticated."""
        claims = self._claims.get(token)
        if claims is None or claims.expires_at <= time.time():
            claims = self._tokens.read(token, "access")
            self._claims[token] = claims
            while len(self._claims) > _MOST:
                self._claims.popitem(last=False)
        return claims

    async def refreshed(self, token: str) -> dict[str, str]:
        """A new pair for a refresh token. Raises Unauthenticated."""
        claims = self._tokens.read(token, "refresh")
        self._users.forget(claims.user_id)
        user = await self.of_claims(claims)
        return self._tokens.pair(user, logged_in_at=claims.logged_in_at)

    def changed(self, user_id: str) -> None:
        """Believe nothing of a user whom this gateway has just changed."""
        self._users.forget(user_id)
        self._keys = Recent(self._get_key_owner, fresh_s=FRESH_S)

    async def of_claims(self, claims: Claims) -> User:
        """The active user whom claims of ours name. Raises Unauthenticated."""
        user = self._users.held(claims.user_id)
        if user is None:
            try:
                user = await self._users.get(claims.user_id, claims.user_id)
            except errors.NotFound as error:
                raise errors.Unauthenticated("the user is gone") from error
        if user.token_version != claims.token_version:
            raise errors.Unauthenticated("the token was withdrawn: log in again")
        return _active(user)

    async def _get_user(self, user_id: str) -> User:
        user: User = await self._asks.request(c.GET_USER, GetUser(id=user_id))
        return user

    async def _get_key_owner(self, secret: str) -> User:
        if len(secret) > 1024:
            raise errors.Unauthenticated("the API key is not valid")
        try:
            user: User = await self._asks.request(c.AUTHENTICATE_API_KEY, AuthenticateApiKey(secret=secret))
        except errors.NotFound as error:
            raise errors.Unauthenticated("the API key is not valid") from error
        return user


def _active(user: User) -> User:
    if not user.active:
        raise errors.Unauthenticated("the user is not active")
    return user
