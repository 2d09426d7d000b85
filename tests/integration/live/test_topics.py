"""What clients are told, topic by topic."""

import pytest

from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.runs import RunState
from tests.integration.gateway.conftest import Served
from tests.integration.live.conftest import Join

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_run_is_followed_from_its_claim_to_its_end(shared_site: Served, join: Join) -> None:
    executor = shared_site.platform.executor
    run_id = new_id()
    client = await join(shared_site, "viewer")
    topics = ("runs", "runs.calendar", "runs.other", f"run.{run_id}")
    positions = await client.subscribe(*topics)
    assert set(positions) == set(topics)
    state = RunState(run_id=run_id, plugin="calendar", action="sync", state="running")
    await executor.store(c.RUN_STATE_CHANGED, state, type="run.running", expect_last=0, run_id=run_id)
    frames = [await client.next() for _ in range(3)]
    assert {frame["topic"] for frame in frames} == {"runs", "runs.calendar", f"run.{run_id}"}
    assert {frame["type"] for frame in frames} == {"run.running"}
    assert frames[0]["data"]["run_id"] == run_id
