"""Whether a new bus user is usable: asked of the real server, and nothing is stored by asking."""

from collections.abc import Awaitable, Callable

import pytest

from deploy.embedded.nats import save_bus_users, signal_reload
from deploy.embedded.secrets import ensure_secret
from deploy.nats.permissions import BusUser, user_name
from deploy.nats.probe import wait_usable
from shared.contracts import catalog as c
from shared.messaging.bus import Bus
from tests.servers import RunningNats

SUBJECT = c.RUN_REQUESTED_BY_USER.subject


@pytest.mark.usefixtures("abandoned")
async def test_a_user_is_usable_once_the_server_knows_it_and_nothing_is_stored(
    nats: RunningNats, bus_of: Callable[[str], Awaitable[Bus]]
) -> None:
    save_bus_users(nats.secrets, [BusUser("carol", ("hello.greet",))])
    name = user_name("carol")
    password = ensure_secret(nats.secrets, f"nats-{name}")
    reloads = []

    def reload() -> None:
        reloads.append(signal_reload(nats.secrets))

    async def usable(action: str, timeout_s: float) -> bool:
        subject = SUBJECT.of(plugin="hello", action=action, user="carol")
        inbox = "_INBOX_user_carol"
        return await wait_usable(
            nats.url, name, password, inbox=inbox, subject=subject, again=reload, timeout_s=timeout_s
        )

    # Not told to the server yet: the first look fails, and has it reload.
    assert await usable("greet", 10)
    assert reloads
    assert all(reloads)
    assert not await usable("other", 2.5), "the user may not run this"
    js = (await bus_of("provisioner")).nc.jetstream()
    assert (await js.stream_info(c.RUN_CMD)).state.messages == 0
