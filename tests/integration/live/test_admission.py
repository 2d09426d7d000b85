"""Who may connect, how, and for how long."""

import asyncio
import contextlib
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from services.gateway.live import limits
from services.gateway.live.wire import encoded
from services.gateway.tokens import Tokens
from shared.contracts import catalog as c
from shared.contracts.base import new_id
from shared.contracts.changes import UserChanged
from shared.contracts.runs import RunLogged
from tests.integration.gateway.conftest import SECRET, Served, served
from tests.integration.live.conftest import Join, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ticket(site: Served, level: str = "user") -> str:
    answer = await site.as_(level).post("/api/ws-ticket/")
    assert answer.status_code == 201
    assert answer.json()["expires_in_s"] == 30
    return str(answer.json()["ticket"])


async def test_a_token_in_the_first_frame_or_in_the_url_lets_in(shared_site: Served, join: Join) -> None:
    await join(shared_site, "viewer")
    client = await join(shared_site, None, f"?token={shared_site.token('admin')}")
    assert (await client.next())["user"] == {"username": "admin", "level": "admin"}


async def test_an_api_key_lets_in(shared_site: Served, join: Join) -> None:
    key = (await shared_site.as_("user").post("/api/accounts/api-keys/", json={"name": "tool"})).json()
    client = await join(shared_site, None)
    await client.say(op="auth", token=key["secret"])
    assert (await client.next())["user"]["username"] == "user"


async def test_a_ticket_lets_in_once_on_any_gateway(shared_site: Served, join: Join) -> None:
    async with served(shared_site.platform, shared_site.gateway.settings) as other:
        one = await ticket(shared_site)
        client = await join(other, None, f"?ticket={one}")
        assert (await client.next())["user"] == {"username": "user", "level": "user"}
        for where in (shared_site, other):
            again = await join(where, None, f"?ticket={one}")
            assert (await again.closed())[0] == 4401
        # Of many who use one at the same moment, one is let in.
        two = await ticket(shared_site)
        rivals = [await join(where, None, f"?ticket={two}") for where in (shared_site, other) * 4]
        answers = await asyncio.gather(*(rival.next() for rival in rivals), return_exceptions=True)
        assert len([answer for answer in answers if isinstance(answer, dict)]) == 1
        for one_client in (client, *rivals):
            await one_client.leave()


async def test_tickets_need_a_user_and_are_not_kept_by_caches(shared_site: Served) -> None:
    assert (await shared_site.client().post("/api/ws-ticket/")).status_code == 401
    answer = await shared_site.as_("viewer").post("/api/ws-ticket/")
    assert answer.headers["cache-control"] == "no-store"


async def test_tickets_are_limited(shared_site: Served) -> None:
    client = shared_site.as_("admin")
    answers = await asyncio.gather(*(client.post("/api/ws-ticket/") for _ in range(80)))
    codes = {answer.status_code for answer in answers}
    assert codes == {201, 429}


@pytest.mark.parametrize(
    ("frame", "query"),
    [
        ('{"op": "auth", "token": "nonsense"}', ""),
        ('{"op": "subscribe", "topics": ["plugins"]}', ""),
        ("no json", ""),
        ("[]", ""),
        (b"\x00\x01", ""),
        (None, "?token=a.b.c"),
        (None, "?ticket=nonsense"),
    ],
)
async def test_whoever_is_not_known_is_turned_away(
    shared_site: Served, join: Join, frame: Any, query: str
) -> None:
    client = await join(shared_site, None, query)
    if frame is not None:
        await client.socket.send(frame)
    assert (await client.closed())[0] == 4401


async def test_whoever_says_nothing_is_turned_away(
    shared_site: Served, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTHENTICATE_WITHIN_S", 0.2)
    client = await join(shared_site, None)
    assert (await client.closed())[0] == 4408


async def test_pages_of_other_sites_are_turned_away(shared_site: Served, join: Join) -> None:
    host = shared_site.url.removeprefix("http://")
    for origin, allowed in (
        (f"http://{host}", True),
        (f"https://{host}", True),
        ("https://evil.example", False),
        ("null", False),
    ):
        client = await join(shared_site, None, additional_headers={"Origin": origin})
        if allowed:
            await client.say(op="auth", token=shared_site.token("user"))
            assert (await client.next())["type"] == "ready"
        else:
            assert (await client.closed())[0] == 4403


async def test_origins_that_the_operator_names_are_let_in(shared_site: Served, join: Join) -> None:
    settings = shared_site.gateway.settings.model_copy(
        update={"cors_origins": ("https://pages.example",), "public_url": "https://tv.example"}
    )
    async with served(shared_site.platform, settings) as other:
        for origin in ("https://pages.example", "https://tv.example"):
            client = await join(other, None, additional_headers={"Origin": origin})
            await client.say(op="auth", token=other.token("user"))
            assert (await client.next())["type"] == "ready"
            await client.leave()


async def test_a_token_that_expires_ends_the_connection_unless_a_newer_one_came(
    shared_site: Served, join: Join
) -> None:
    user = next(u for u in shared_site.platform.users.users.values() if u.username == "user")
    # As if it had been made half an hour ago, but for two seconds.
    old = Tokens(SECRET, clock=lambda: time.time() - 1798).pair(user)["access"]
    one, other = await join(shared_site, None), await join(shared_site, None)
    for client in (one, other):
        await client.say(op="auth", token=old)
        assert (await client.next())["type"] == "ready"
    await other.say(op="auth", token=shared_site.token("user"))
    assert (await other.next())["type"] == "ready"
    code, reason = await one.closed()
    assert (code, reason) == (4401, "the token has expired")
    await other.say(op="ping")
    assert await other.next() == {"type": "pong"}


async def test_another_users_token_does_not_take_a_connection_over(shared_site: Served, join: Join) -> None:
    client = await join(shared_site, "viewer")
    await client.say(op="auth", token=shared_site.token("admin"))
    assert (await client.closed())[0] == 4403


async def test_a_user_who_is_disabled_is_let_go_at_once(shared_site: Served, join: Join) -> None:
    users = shared_site.platform.users.users
    users_before = dict(users)
    shared_site.platform.users.add("fired", "user")
    fired = next(user for user in users.values() if user.username == "fired")
    client = await join(shared_site, None, f"?token={shared_site.token('fired')}")
    assert (await client.next())["type"] == "ready"
    users[fired.id] = fired.model_copy(update={"active": False})
    event = UserChanged(id=fired.id)
    await shared_site.platform.data.store(c.USER_CHANGED, event, type="user.changed", user=fired.id)
    assert (await client.closed(5))[0] == 4401
    users.clear()
    users.update(users_before)


async def test_connections_of_a_user_are_limited(shared_site: Served, join: Join) -> None:
    settings = shared_site.gateway.settings.model_copy(update={"ws_per_user": 3})
    async with served(shared_site.platform, settings) as other:
        clients = [await join(other, "user") for _ in range(3)]
        refused = await join(other, None)
        await refused.say(op="auth", token=other.token("user"))
        assert (await refused.closed())[0] == 4429
        await clients.pop().leave()
        viewer = await join(other, "viewer")
        await until(lambda: len(next(iter(other.gateway.live._sessions.values()))) == 2)
        clients += [viewer, await join(other, "user")]
        for client in clients:
            await client.leave()


async def test_a_token_in_the_url_is_in_no_log(
    shared_site: Served, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    token = shared_site.token("admin")
    with caplog.at_level("DEBUG"):
        client = await join(shared_site, None, f"?token={token}")
        await client.next()
        await client.say(op="auth", token=token)
        await client.next()
    server_lines = [
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets")
    ]
    assert not [line for line in server_lines if token in line]


async def test_a_client_that_reads_nothing_is_let_go_and_slows_nobody(
    shared_site: Served, join: Join
) -> None:
    run_id = new_id()
    topic = f"log.{run_id}"
    quick, slow = await join(shared_site, "viewer"), await join(shared_site, "viewer", max_size=None)
    await quick.subscribe(topic)
    await slow.subscribe(topic)
    slow.socket.transport.pause_reading()
    line = {"time": "2026-01-01T00:00:00.000Z", "level": "info", "message": "x" * 250_000}
    # More than the kernel takes for a client that reads nothing, and what the gateway keeps for it.
    for _ in range(80):
        logged = RunLogged(plugin="p", run_id=run_id, lines=(line,))
        await shared_site.platform.executor.store(c.RUN_LOGGED, logged, type="run.logged", run_id=run_id)
        assert (await quick.next(5))["type"] == "log.lines"
    slow.socket.transport.resume_reading()
    frames = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            frames.append(await slow.next())
    assert [frame["type"] for frame in frames] == ["log.lines"] * (len(frames) - 1) + ["notice"]
    assert frames[-1]["code"] == "too_slow"
    assert len(frames) < 80
    assert slow.socket.close_code == 4409


async def test_a_client_that_answers_no_ping_is_let_go(
    shared_site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.gateway.live import wire

    monkeypatch.setitem(wire.SERVER, "ws_ping_interval", 0.2)
    monkeypatch.setitem(wire.SERVER, "ws_ping_timeout", 0.2)
    async with served(shared_site.platform, shared_site.gateway.settings) as other:
        host, _, port = other.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"GET /ws/?token={other.token('user')} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            told = await reader.read()
        assert encoded({"type": "ready", "user": {"username": "user", "level": "user"}}) in told
        assert told.endswith((4408).to_bytes(2, "big") + b"no pong")
        writer.close()
        await writer.wait_closed()


async def test_what_clients_say_is_bounded(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    cases = [
        ("{", "invalid"),
        ('{"op": "shout"}', "invalid"),
        ('{"op": "subscribe", "topics": []}', "invalid"),
        ('{"op": "subscribe", "topics": "plugins"}', "invalid"),
        ('{"op": "subscribe", "topics": ["plugins"], "since": {"plugins": 5}}', "invalid"),
        ('{"op": "subscribe", "topics": ["plugins"], "surprise": 1}', "invalid"),
        ('{"op": "subscribe", "topics": ["' + "x" * 2000 + '"]}', "invalid"),
    ]
    for text, code in cases:
        await client.socket.send(text)
        answer = await client.next()
        assert (answer["type"], answer["code"]) == ("error", code), text
    topics = [f"data.p.c{number}" for number in range(201)]
    await client.subscribe(*topics[:200])
    await client.say(op="subscribe", topics=topics[200:])
    assert (await client.next())["message"] == "a client follows at most 200 topics"
    await client.say(op="unsubscribe", topics=topics[:200])
    for _ in range(3):
        await client.say(op="subscribe", topics=topics[:100])
    codes = [(await client.next()) for _ in range(3)]
    assert "rate_limited" in {answer.get("code") for answer in codes}
    await client.socket.send("x" * 70_000)
    assert (await client.closed())[0] == 1009


async def test_a_flood_of_frames_is_refused(shared_site: Served, join: Join) -> None:
    client = await join(shared_site)
    for _ in range(150):
        await client.say(op="ping")
    answers = [await client.next() for _ in range(150)]
    assert {answer["type"] for answer in answers} == {"pong", "error"}


async def test_a_gateway_that_ends_says_so(shared_site: Served, join: Join) -> None:
    async with served(shared_site.platform, shared_site.gateway.settings) as other:
        client = await join(other)
        ended = asyncio.create_task(client.closed())
        await asyncio.sleep(0)
    assert (await ended)[0] == 1012


async def test_http_is_no_websocket(shared_site: Served) -> None:
    async with httpx.AsyncClient(base_url=shared_site.url, trust_env=False) as client:
        assert (await client.get("/ws/")).status_code in {404, 405, 426}
