"""How plugins come and go beside others: that none holds another up, and what is left of a deleted one."""

import asyncio

from services.executor.loading import LOADS_AT_ONCE
from tests.integration.executor.world import World, until


async def test_a_good_plugin_is_loaded_within_seconds_beside_forty_that_hang(world: World, key: str) -> None:
    one = await world.executor()
    hanging = [f"{key}_{number}" for number in range(40)]
    one.hosts.hanging = set(hanging)
    for plugin in hanging:
        await world.install(plugin)
    await asyncio.gather(*(world.enable(plugin) for plugin in hanging))

    async def busy() -> bool:
        return len(one.hosts.loads) >= LOADS_AT_ONCE

    await until(busy)
    await world.install(key)
    await world.enable(key)
    async with asyncio.timeout(8):
        await world.until_loaded(key)
    assert one.hosts.alive == {key}


async def test_a_deleted_plugin_leaves_no_working_copy_and_its_neighbours_keep_theirs(
    world: World, key: str
) -> None:
    one = await world.executor()
    neighbour = f"{key}_x"
    for plugin in (key, neighbour):
        await world.install(plugin)
        await world.enable(plugin)
        await world.until_loaded(plugin)
    copies, records = world.folder / "site/files/plugins", world.folder / "site/executor/packages"
    (copies / key / "state.json").write_text("mine")
    await world.enable(key, enabled=False, deleting=True)
    await world.until_unloaded(key)
    # Whoever waits until it is unloaded, as a deletion does, finds nothing of it.
    assert (key, "stop delete") in one.hosts.said
    assert [path.name for path in copies.iterdir()] == [neighbour]
    assert [path.name for path in records.glob("*.json")] == [f"{neighbour}.json"]


async def test_a_disabled_plugin_keeps_its_working_copy_until_it_is_removed(world: World, key: str) -> None:
    await world.executor()
    await world.install(key)
    await world.enable(key)
    await world.until_loaded(key)
    copy = world.folder / "site/files/plugins" / key
    await world.enable(key, enabled=False)
    await world.until_unloaded(key)
    assert (copy / "plugin.py").is_file()
    # A hint alone takes nothing away from a plugin that is there.
    await world.changed(key, "removed")
    await asyncio.sleep(1.5)  # a look
    assert (copy / "plugin.py").is_file()
    await world.uninstall(key)

    async def gone() -> bool:
        return not copy.exists()

    await until(gone)
