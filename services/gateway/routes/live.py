"""The WebSocket, and the tickets for it."""

from typing import Final

import orjson
from starlette.responses import Response
from starlette.routing import WebSocketRoute

from services.gateway import schemas
from services.gateway.calls import Call, json_response
from services.gateway.identity import Identity
from services.gateway.live.endpoint import LiveEndpoint
from services.gateway.live.limits import Bucket
from services.gateway.live.tickets import LIVES_S, Tickets
from services.gateway.operations import Operations
from shared import errors

_MOST_USERS: Final = 10_000


def operations(tickets: Tickets, identity: Identity) -> Operations:
    """The operation that makes tickets."""
    ops = Operations("live")
    buckets: dict[str, Bucket] = {}

    @ops(
        "POST",
        "/api/ws-ticket/",
        "create_ws_ticket",
        {201: schemas.WsTicket},
        problems=(429,),
    )
    async def create_ws_ticket(call: Call) -> Response:
        """Get a ticket for the WebSocket: `/ws/?ticket=…`, on any gateway, once, within 30 seconds."""
        user = call.user
        if len(buckets) > _MOST_USERS:
            buckets.clear()
        if not buckets.setdefault(user.id, Bucket(per_s=2, burst=60)).take():
            raise errors.RateLimited("too many tickets: at most 2 a second")
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        claims = identity.claims_of(token.strip()) if scheme.lower() == "bearer" else None
        ticket = await tickets.issue(user, claims)
        body = orjson.dumps({"ticket": ticket, "expires_in_s": LIVES_S})
        return json_response(body, 201, {"Cache-Control": "no-store"})

    return ops


def routes(endpoint: LiveEndpoint) -> list[WebSocketRoute]:
    """`/ws/`, and without the slash."""
    return [WebSocketRoute(path, endpoint, name=name) for path, name in (("/ws/", "ws"), ("/ws", "ws_bare"))]
