"""Tokens: JWT with HS256, half an hour of access, a day of refreshing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import jwt

from shared import errors
from shared.contracts.base import new_id
from shared.contracts.users import User

ACCESS_S: Final = 1800
REFRESH_S: Final = 86_400
LONGEST_S: Final = 30 * 86_400
"""After that somebody logs in again, however often the token was refreshed."""

TokenType = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that is ours and not expired says."""

    user_id: str
    token_version: int
    expires_at: float
    """Seconds since 1970."""
    logged_in_at: float


class Tokens:
    """Makes and reads tokens. Their claims are named as Dispatcharr's are."""

    def __init__(self, key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def pair(self, user: User, *, logged_in_at: float | None = None) -> dict[str, str]:
        """`{access, refresh}` for a user who has just logged in, or did at that time."""
        since = self._clock() if logged_in_at is None else logged_in_at
        return {
            "access": self._make(user, "access", ACCESS_S, since),
            "refresh": self._make(user, "refresh", REFRESH_S, since),
        }

    def read(self, token: str, kind: TokenType) -> Claims:
        """The claims of a token of that type. Raises Unauthenticated."""
        try:
            # Expiry is looked at below, by the clock that made the token.
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                options={"require": ["exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
            found = Claims(
                str(claims["user_id"]), int(claims["tv"]), float(claims["exp"]), float(claims["since"])
            )
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise errors.Unauthenticated("the token is not valid") from error
        if claims.get("token_type") != kind:
            raise errors.Unauthenticated(f"this is no {kind} token")
        if found.expires_at <= self._clock():
            raise errors.Unauthenticated("the token has expired")
        return found

    def _make(self, user: User, kind: TokenType, lives_s: int, since: float) -> str:
        now = self._clock()
        claims = {
            "token_type": kind,
            "user_id": user.id,
            "tv": user.token_version,
            "iat": int(now),
            "exp": int(min(now + lives_s, since + LONGEST_S)),
            "since": since,
            "jti": new_id(),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")
