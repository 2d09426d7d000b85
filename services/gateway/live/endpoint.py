"""`/ws/`: who may connect, until when, and how many at once."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from services.gateway.live import limits, metrics
from services.gateway.live.grants import Grant, Knows, granted, granted_by
from services.gateway.live.hub import Hub
from services.gateway.live.session import Session
from services.gateway.live.tickets import Tickets
from services.gateway.live.wire import SCOPE_QUERY, SCOPE_WIRE, Wire
from shared import errors
from shared.contracts.live import Authenticate
from shared.logging import get_logger

_MOST_UNKNOWN: Final = 1000
"""Connections that have not said yet who they are."""
_AUTHENTICATE: Final = TypeAdapter(Authenticate)

log = get_logger(__name__)


class _Left(Exception):
    """The connection is to be closed, or was."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class LiveEndpoint:
    """The ASGI application behind `/ws/`."""

    def __init__(
        self,
        hub: Hub,
        knows: Knows,
        tickets: Tickets,
        *,
        public_url: str,
        origins: Sequence[str],
        allowed_hosts: Sequence[str],
        per_user: int,
        most: int,
    ) -> None:
        self._hub = hub
        self._knows = knows
        self._tickets = tickets
        self._origins = frozenset({*origins, _origin_of(public_url)} - {""})
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._per_user = per_user
        self._most = most
        self._sessions: dict[str, set[Session]] = {}
        self._unknown = 0

    def user_changed(self, user_id: str) -> None:
        """Have a user's connections looked at again."""
        for session in self._sessions.get(user_id, ()):
            session.user_changed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        wire: Wire | None = scope.get(SCOPE_WIRE)
        if wire is None:
            log.error("no_wire", remedy="serve the gateway by python -m services.gateway")
            await send({"type": "websocket.close", "code": 1011})
            return
        try:
            self._check_origin(Headers(scope=scope))
            session = await self._admitted(wire, scope, receive)
        except _Left as left:
            # Closed after accepting: browsers show pages no status and no reason otherwise.
            metrics.CLOSED.labels(str(left.code)).inc()
            wire.close(left.code, str(left))
            return
        try:
            session.start()
            while (message := await receive())["type"] == "websocket.receive":
                await session.take(message.get("text"))
        finally:
            self._forget(session)
            await session.stop()

    def _check_origin(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if self._hosts and name.lower() not in self._hosts:
            raise _Left(4403, "this host name is not served: PLUGARR_ALLOWED_HOSTS")
        origin = headers.get("origin")
        # Programs send none; pages of other sites must not use a browser's tickets or tokens.
        if origin is None or "*" in self._origins or origin in self._origins:
            return
        try:
            same = urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            same = False
        if not same:
            raise _Left(4403, "pages of this origin are not served: PLUGARR_CORS_ORIGINS")

    async def _admitted(self, wire: Wire, scope: Scope, receive: Receive) -> Session:
        """A session of whom the client shows to be. Raises _Left."""
        if self._unknown >= _MOST_UNKNOWN or sum(map(len, self._sessions.values())) >= self._most:
            raise _Left(1013, "this gateway has too many connections: try again later")
        self._unknown += 1
        try:
            async with asyncio.timeout(limits.AUTHENTICATE_WITHIN_S):
                grant = await self._grant(scope, receive)
        except TimeoutError as error:
            raise _Left(4408, "no auth in time") from error
        except errors.Unauthenticated as error:
            raise _Left(4401, error.message[:100]) from error
        except errors.PlugarrError as error:
            raise _Left(1013, error.message[:100]) from error
        finally:
            self._unknown -= 1
        theirs = self._sessions.setdefault(grant.user.id, set())
        if len(theirs) >= self._per_user:
            raise _Left(4429, f"a user has at most {self._per_user} connections here")
        session = Session(wire, self._hub, self._knows, grant)
        theirs.add(session)
        metrics.CLIENTS.inc()
        return session

    def _forget(self, session: Session) -> None:
        user_id = session.grant.user.id
        theirs = self._sessions[user_id]
        theirs.discard(session)
        if not theirs:
            del self._sessions[user_id]
        metrics.CLIENTS.dec()

    async def _grant(self, scope: Scope, receive: Receive) -> Grant:
        try:
            query = parse_qs(scope.get(SCOPE_QUERY, b"").decode(), max_num_fields=16)
        except ValueError as error:
            raise errors.Unauthenticated("the query cannot be read") from error
        if ticket := query.get("ticket"):
            return await granted_by(self._knows, await self._tickets.redeem(ticket[0]))
        if token := query.get("token"):
            return await granted(self._knows, token[0])
        message = await receive()
        if message["type"] != "websocket.receive":
            raise _Left(1000, "the client left")
        try:
            frame = _AUTHENTICATE.validate_json(message.get("text") or "")
        except ValidationError as error:
            raise errors.Unauthenticated(
                'the first frame must be {"op": "auth", "token": "…"}, or the URL carry a ticket'
            ) from error
        return await granted(self._knows, frame.token)


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
