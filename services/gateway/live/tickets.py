"""One-time tickets for the WebSocket, good on any gateway: URLs end up in logs, and a used ticket is worth nothing."""

import secrets
import time
from typing import Final

import orjson

from services.gateway.tokens import ACCESS_S, Claims
from shared import errors
from shared.contracts.base import sha256
from shared.contracts.users import User
from shared.messaging.bus import Refused
from shared.messaging.kv import Kv

LIVES_S: Final = 30


class Tickets:
    """Tickets in a bucket of the bus, under their digest."""

    def __init__(self, kv: Kv) -> None:
        self._kv = kv

    async def issue(self, user: User, claims: Claims | None) -> str:
        """A ticket with the rights, and the end, of the token that asked for it. Raises Unavailable."""
        ticket = secrets.token_urlsafe(32)
        now = time.time()
        content = {
            "user_id": user.id,
            "token_version": user.token_version,
            # An API key does not expire, but nobody would notice its deletion here.
            "expires_at": claims.expires_at if claims else now + ACCESS_S,
            "logged_in_at": claims.logged_in_at if claims else now,
            "good_until": now + LIVES_S,
        }
        await self._kv.create(_key(ticket), orjson.dumps(content))
        return ticket

    async def redeem(self, ticket: str) -> Claims:
        """What a ticket stands for, once. Raises Unauthenticated, Unavailable."""
        refused = errors.Unauthenticated("the ticket is not valid, was used, or has expired")
        held = await self._kv.get(_key(ticket))
        if held is None:
            raise refused
        try:
            await self._kv.delete(_key(ticket), revision=held.seq)
        except Refused as error:
            raise refused from error
        content = orjson.loads(held.data)
        if content["good_until"] <= time.time():
            raise refused
        return Claims(
            content["user_id"], content["token_version"], content["expires_at"], content["logged_in_at"]
        )


def _key(ticket: str) -> str:
    return sha256(ticket.encode())
