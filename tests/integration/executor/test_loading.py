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
