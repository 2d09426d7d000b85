"""Sites: executors that share a data directory; a plugin's home stays in its site."""

import asyncio

from services.executor.main import refuse_second_site
from shared.contracts.plugins import Home
from shared.contracts.streams import LEASES
from shared.messaging.kv import Kv
from tests.integration.executor.test_placement import lives_in
from tests.integration.executor.world import World, until


async def test_a_second_site_is_refused_without_a_host_database(world: World, key: str) -> None:
    await world.executor("one")
    settings = world.settings("two", site="there", data_dir=world.folder / "there")

    async def seen() -> bool:
        try:
            await refuse_second_site(settings)
        except SystemExit as refused:
            return "PLUGARR_HOST_DATABASE_URL" in str(refused)
        return False

    await until(seen, 3)
    await refuse_second_site(world.settings("three"))
    await refuse_second_site(settings.model_copy(update={"host_database_url": "postgres://db/x"}))


async def test_a_second_site_with_an_empty_directory_runs_plugins_but_moves_none(
    world: World, key: str
) -> None:
    here = await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    there = await world.executor(
        site="there", data_dir=world.folder / "there", host_database_url="postgres://db/x"
    )
    anywhere = f"{key}_any"
    await world.install(anywhere, placement="any")
    await world.enable(anywhere)

    async def runs_there() -> bool:
        return anywhere in there.hosts.alive

    await until(runs_there)
    assert (there.hosts.loads[0].path / "plugin.py").is_relative_to(world.folder / "there")
    await here.close()
    assert await lives_in(world, anywhere) == there.name
    waiting = await world.request(key, "echo")
    await asyncio.sleep(2.5)  # two looks
    assert key not in there.hosts.alive
    back = await world.executor()
    assert (await world.result(waiting)).result["executor"] == back.name


async def test_a_removed_plugin_gives_up_its_site(world: World, key: str) -> None:
    one = await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    await world.uninstall(key)
    await world.until_unloaded(key)
    homes = Kv(world.gateway, LEASES)

    async def said() -> bool:
        return key not in one.hosts.alive

    await until(said)
    held = await homes.get(f"home.{key}")
    assert held is None or Home.model_validate_json(held.data).epoch == 0
