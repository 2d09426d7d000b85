"""Who a client is, for how long, and whether that still holds."""

import time
from dataclasses import dataclass
from typing import Protocol

from services.gateway.tokens import Claims
from shared.contracts.users import User


class Knows(Protocol):
    """What tells users by their credentials (`identity.Identity`). Everything raises Unauthenticated."""

    def claims_of(self, token: str) -> Claims: ...

    async def of_claims(self, claims: Claims) -> User: ...

    async def of(self, authorization: str | None, api_key: str | None) -> User: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A user, and the credentials that vouched for them."""

    user: User
    claims: Claims | None = None
    api_key: str | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds until it expires; None for an API key, which does not."""
        return None if self.claims is None else self.claims.expires_at - time.time()


async def granted(knows: Knows, secret: str) -> Grant:
    """What an access token or an API key grants. Raises Unauthenticated."""
    if secret.count(".") == 2:
        return await granted_by(knows, knows.claims_of(secret))
    return Grant(await knows.of(None, secret), api_key=secret)


async def granted_by(knows: Knows, claims: Claims) -> Grant:
    """What claims grant. Raises Unauthenticated."""
    return Grant(await knows.of_claims(claims), claims=claims)


async def granted_still(knows: Knows, grant: Grant) -> Grant:
    """The same grant as it stands now. Raises Unauthenticated where it was withdrawn."""
    if grant.claims is not None:
        return await granted_by(knows, grant.claims)
    return Grant(await knows.of(None, grant.api_key), api_key=grant.api_key)
