"""One registry by lease: it passes on, and a former holder writes nothing any more."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from deploy.embedded.process import free_port
from services.registry.repository import Fenced, Manifests
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.manifest import Manifest
from shared.contracts.plugins import GetLogo, ReloadPlugins
from shared.contracts.streams import LEASES
from shared.messaging.faults import round_trip
from shared.messaging.kv import Kv
from shared.messaging.patience import PATIENCE_S
from tests.integration.registry.conftest import PNG, Stage, write_plugin

ROOT = Path(__file__).parents[3]


@contextmanager
def process(stage: Stage, instance: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = os.environ | {
        "PLUGARR_NATS_URL": stage.nats.url,
        "PLUGARR_SECRETS_DIR": str(stage.nats.secrets),
        "PLUGARR_PLUGINS_DIR": str(stage.plugins),
        "PLUGARR_INSTANCE": instance,
        "PLUGARR_HEALTH_PORT": str(free_port()),
    }
    with subprocess.Popen([sys.executable, "-m", "services.registry"], cwd=ROOT, env=environment) as started:
        try:
            yield started
        finally:
            started.kill()


async def holder(stage: Stage) -> str | None:
    held = await Kv(stage.gateway, LEASES).get("registry")
    return None if held is None else str(orjson.loads(held.data)["holder"])


async def test_a_standby_answers_reads_and_takes_over_when_the_holder_is_killed(stage: Stage) -> None:
    write_plugin(stage.plugins, "plug", logo__png=PNG)
    with process(stage, "first") as first:
        before = await stage.until("plug", timeout_s=30)
        assert await holder(stage) == "first"
        second = await stage.start(instance="second")
        assert await second.service.lease_check() == "ok: standing by for first"
        for _ in range(6):
            assert (await stage.gateway.request(c.GET_LOGO, GetLogo(key="plug"))).digest
            assert (await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())).count == 1
        first.kill()
        write_plugin(stage.plugins, "plug", version="2")
        after = await stage.until("plug", lambda m: m.version == "2", timeout_s=30)
        assert after.epoch > before.epoch
        assert after.generation == 6
        assert await holder(stage) == "second"


async def test_a_holder_that_was_stopped_and_wakes_up_writes_nothing_any_more(stage: Stage) -> None:
    write_plugin(stage.plugins, "plug")
    with process(stage, "sleeper") as sleeper:
        await stage.until("plug", timeout_s=30)
        os.kill(sleeper.pid, signal.SIGSTOP)
        await stage.start(instance="second")
        # It is to find work to do the moment that it wakes.
        write_plugin(stage.plugins, "plug", version="2")
        after = await stage.until("plug", lambda m: m.version == "2", timeout_s=30)
        write_plugin(stage.plugins, "plug", version="3")
        written: list[int] = []

        async def note(_key: str, message: object) -> None:
            written.append(Manifest.from_bytes(message.data).epoch)  # type: ignore[attr-defined]

        await stage.kv.listen("manifest.*", note)
        os.kill(sleeper.pid, signal.SIGCONT)
        for version in ("4", "5", "6"):
            write_plugin(stage.plugins, "plug", version=version)
            await stage.until("plug", lambda m, version=version: m.version == version)
            await asyncio.sleep(0.5)  # long enough for the sleeper to look, too
        assert written
        assert set(written) == {after.epoch}
        assert await holder(stage) == "second"


async def test_the_bus_itself_refuses_a_former_holder(stage: Stage) -> None:
    old, new = [Manifests(await stage.bus_of("registry")) for _ in range(2)]
    write_plugin(stage.plugins, "plug")
    app = await stage.start()
    await stage.until("plug")
    known = app.catalogue.known["plug"]
    await app.service.lost()
    epoch = app.lease.epoch
    await old.take_over(epoch + 1)
    await old.put("plug", known)
    await new.take_over(epoch + 2)
    for attempt in (
        old.put("plug", known),
        old.put("fresh", known),
        old.delete("plug"),
        old.take_over(epoch + 1),
    ):
        with pytest.raises(Fenced):
            await attempt
    assert await new.get("plug") is not None
    assert await new.get("fresh") is None


async def test_without_a_holder_writing_commands_fail_after_a_moment_and_may_be_repeated(
    stage: Stage,
) -> None:
    app = await stage.start()
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    await app.service.lost()
    for _ in range(2):
        # Until the server knows, too: a command that is on its way to a subscription that ends is not answered.
        await round_trip(app.bus.nc, 5)
    # A registry that is just being restarted is waited for.
    async with asyncio.timeout(PATIENCE_S["gateway"] + 1):
        with pytest.raises(errors.Unavailable) as caught:
            await stage.gateway.request(c.RELOAD_PLUGINS, ReloadPlugins())
    assert caught.value.retry
    with pytest.raises(errors.NotFound):
        await stage.gateway.request(c.GET_LOGO, GetLogo(key="nobody"))
