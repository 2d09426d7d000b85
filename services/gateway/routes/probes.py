"""Probes: whether the process runs, whether it can do its work, what it counted."""

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.gateway import schemas
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations
from shared.service import Check, readiness


def operations(checks: dict[str, Check]) -> Operations:
    """The operations for who watches the gateway."""
    ops = Operations("probes")

    @ops("GET", "/livez", "livez", {200: schemas.Alive})
    async def livez(_call: Call) -> Response:
        """Tell that the process runs."""
        return json_response(b'{"status":"ok"}')

    @ops("GET", "/readyz", "readyz", {200: schemas.Readiness, 503: schemas.Readiness})
    async def readyz(_call: Call) -> Response:
        """Tell whether the gateway can do its work, and what is wrong."""
        status, body = await readiness(checks)
        return json_response(orjson.dumps(body), status)

    @ops("GET", "/metrics", "metrics", {200: "text/plain"})
    async def metrics(_call: Call) -> Response:
        """Get what was counted, for Prometheus."""
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return ops
