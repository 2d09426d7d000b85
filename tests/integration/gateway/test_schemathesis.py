"""Whatever is sent to the documented API: no fault of the server, and nothing that is not documented."""

import asyncio
import contextlib
import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway.access import ACCESS
from shared.contracts.data import PluginConfig
from tests.conftest import TESTS
from tests.integration.gateway.conftest import Served
from tests.integration.gateway.platform import manifest

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = {
    found.definition.raw["operationId"]: found
    for found in (
        result.ok()
        for result in schemathesis.openapi.from_dict(
            json.loads((TESTS / "golden" / "openapi.json").read_text())
        ).get_all_operations()
    )
}
KNOWN = {"key": "hello", "collection": "things", "id": 1, "page_id": "main", "service": "data"}
TRANSPORT = {414, 431}
"""Refused before anybody looks for an operation."""
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


async def install(site: Served) -> None:
    """The plugin that is asked for, as it was before other operations had their way with it."""

    async def run(_action: str, params: Any, _config: PluginConfig) -> Any:
        return {"status": "ok", "got": params}

    found = manifest("hello", name="Hello", pages={"main": {"components": []}}, has_logo=True)
    await site.platform.install(found, enabled=True)
    if not site.platform.working:
        await site.platform.work("hello", run)
    await site.gateway.feed.sync()


def call(site: Served, case: schemathesis.Case, token: str) -> None:
    response = case.call(base_url=site.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    if response.status_code not in TRANSPORT:
        case.validate_response(response, checks=CONFORMANCE)


@pytest.mark.parametrize("op", sorted(ACCESS))
async def test_nothing_that_is_sent_is_a_fault_of_the_server(shared_site: Served, op: str) -> None:
    hello = shared_site
    await install(hello)
    operation = OPERATIONS[op]
    admin = next(u for u in hello.platform.users.users.values() if u.username == "admin")
    token = hello.gateway.accounts._tokens.pair(admin)["access"]
    declared = operation.definition.raw.get("parameters", [])
    places = {p["name"]: KNOWN[p["name"]] for p in declared if p["in"] == "path" and p["name"] in KNOWN}

    def fuzz(mode: GenerationMode, **given_parts: Any) -> None:
        @hypothesis.settings(
            max_examples=8,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode, **given_parts))
        def test(case: schemathesis.Case) -> None:
            call(hello, case, token)

        # Where an operation takes nothing, nothing can be wrong with it.
        with contextlib.suppress(hypothesis.errors.Unsatisfiable):
            test()

    for mode in GenerationMode:
        await asyncio.to_thread(fuzz, mode)
        if places:
            await asyncio.to_thread(fuzz, mode, path_parameters=places)
