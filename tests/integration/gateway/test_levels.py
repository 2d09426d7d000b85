"""Each endpoint × level."""

import httpx
import pytest

from services.gateway.access import ACCESS
from services.gateway.operations import Operation, OperationRoute
from shared.contracts.base import new_id
from shared.contracts.users import LEVELS
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import body

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANONYMOUS = sorted(op for op, level in ACCESS.items() if level is None)
GUARDED = sorted(op for op, level in ACCESS.items() if level is not None)


def operations(shared_site: Served) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for route in shared_site.gateway.app.routes:
        if isinstance(route, OperationRoute):
            found.setdefault(route.operation.id, []).append(route.operation)
    return found


async def call(client: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    names = {
        "key": "absent",
        "collection": "c",
        "id": "1",
        "page_id": "main",
        "run_id": new_id(),
        "schedule_id": new_id(),
        "file_id": new_id(),
        "service": "data",
    }
    path = operation.path
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    return await client.request(operation.method, path)


async def test_every_operation_is_in_the_table_and_every_entry_is_an_operation(shared_site: Served) -> None:
    assert set(operations(shared_site)) == set(ACCESS)


@pytest.mark.parametrize("op", GUARDED)
async def test_anonymous_is_401_and_too_low_a_level_is_403(shared_site: Served, op: str) -> None:
    needed = ACCESS[op]
    assert needed is not None
    for operation in operations(shared_site)[op]:
        anonymous = await call(shared_site.client(), operation)
        assert anonymous.status_code == 401
        assert anonymous.headers["www-authenticate"] == "Bearer"
        assert body(anonymous)["type"] == "urn:plugarr:problem:unauthenticated"
        for level in LEVELS:
            status = (await call(shared_site.as_(level), operation)).status_code
            if LEVELS.index(level) < LEVELS.index(needed):
                assert status == 403, level
            else:
                assert status not in (401, 403), level
                assert status < 500, level


@pytest.mark.parametrize("op", ANONYMOUS)
async def test_what_is_anonymous_asks_for_nothing(shared_site: Served, op: str) -> None:
    for operation in operations(shared_site)[op]:
        status = (await call(shared_site.client(), operation)).status_code
        assert status not in (401, 403)
        assert status < 500
