"""A plugin as the list shows it, and waiting until the gateway knows of a change."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.gateway.platform import body

LIST = "/api/plugins/plugins/"
REGION = {"id": "region", "label": "Region", "type": "string", "required": True, "default": "eu"}


async def shown(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in body(await client.get(LIST))["plugins"] if p["key"] == key)
    return found


async def eventually(holds: Callable[[], bool], gateway: Any) -> None:
    assert await gateway.view.wait_for(holds, 5)
