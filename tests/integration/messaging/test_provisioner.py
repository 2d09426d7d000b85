"""The catalogue is applied as often as one likes, and loses nothing."""

from collections.abc import Awaitable, Callable

from deploy.provisioner.apply import apply
from shared.contracts import catalog as c
from shared.contracts import streams as s
from shared.contracts.base import new_id
from shared.contracts.runs import RunRequested
from shared.messaging.bus import Bus


async def test_what_is_stored_survives_another_provisioning(bus_of: Callable[[str], Awaitable[Bus]]) -> None:
    gateway, provisioner = await bus_of("gateway"), await bus_of("provisioner")
    command = RunRequested(run_id=new_id(), plugin="p", action="a")
    seq = await gateway.store(c.RUN_REQUESTED, command, plugin="p")
    js = provisioner.nc.jetstream()
    for _ in range(2):
        await apply(js)
    info = await js.stream_info(c.RUN_CMD)
    assert info.state.last_seq == seq
    assert info.state.messages == 1
    consumers = {one.name for one in await js.consumers_info(c.RUN_CMD)}
    assert consumers == {durable.name for durable in s.DURABLES if durable.stream == c.RUN_CMD}


async def test_every_stream_is_as_the_catalogue_says(bus_of: Callable[[str], Awaitable[Bus]]) -> None:
    js = (await bus_of("provisioner")).nc.jetstream()
    for stream in s.STREAMS:
        config = (await js.stream_info(stream.name)).config
        assert set(config.subjects or ()) == set(stream.subjects)
        assert config.max_bytes == stream.max_bytes
        assert config.max_age == stream.max_age_s
        assert config.discard == ("new" if stream.discard_new else "old")
        assert config.retention == "limits"
        assert config.allow_direct
