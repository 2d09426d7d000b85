"""Who counts as whom: tokens, API keys, users, the first administrator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest

from services.gateway.settings import Settings
from tests.integration.gateway.conftest import SECRET, Served, served
from tests.integration.gateway.platform import Platform, body, manifest


async def test_upstreams_strictness_leaves_running_to_administrators(
    platform: Platform, settings_of: Callable[..., Settings]
) -> None:
    async with served(platform, settings_of(strict_upstream_auth=True)) as site:
        url, sent = "/api/plugins/plugins/absent/run/", {"action": "a"}
        assert (await site.as_("user").post(url, json=sent)).status_code == 403
        assert (await site.as_("admin").post(url, json=sent)).status_code == 404


@pytest.fixture
async def me(site: Served) -> AsyncIterator[Callable[..., Any]]:
    async def get(**headers: str) -> httpx.Response:
        return await site.client(**headers).get("/api/accounts/users/me/")

    return get


async def test_logging_in_as_dispatcharrs_tools_do(site: Served, me: Callable[..., Any]) -> None:
    client = site.client()
    sent = {"username": "user", "password": "password-1"}
    pair = await client.post("/api/accounts/token/", json=sent)
    assert pair.status_code == 200
    assert set(body(pair)) == {"access", "refresh"}
    assert pair.headers["cache-control"] == "no-store"
    found = await me(authorization=f"Bearer {body(pair)['access']}")
    assert body(found)["username"] == "user"
    assert "token_version" not in body(found)
    again = await client.post("/api/accounts/token/refresh/", json={"refresh": body(pair)["refresh"]})
    assert again.status_code == 200
    assert (await me(authorization=f"Bearer {body(again)['access']}")).status_code == 200
    wrong = await client.post("/api/accounts/token/", json={**sent, "password": "no"})
    assert wrong.status_code == 401
    for bad in ({}, {"username": 5, "password": "x"}):
        assert (await client.post("/api/accounts/token/", json=bad)).status_code == 422
    swapped = await client.post("/api/accounts/token/refresh/", json={"refresh": body(pair)["access"]})
    assert swapped.status_code == 401
    assert (await me(authorization=f"Bearer {body(pair)['refresh']}")).status_code == 401


async def test_too_many_attempts_are_429_with_a_time(site: Served) -> None:
    site.platform.users.limited = True
    response = await site.client().post("/api/accounts/token/", json={"username": "user", "password": "x"})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0


async def test_tokens_that_are_not_ours_are_refused(me: Callable[..., Any], site: Served) -> None:
    user = next(iter(site.platform.users.users.values()))
    claims = {
        "token_type": "access",
        "user_id": user.id,
        "tv": 0,
        "iat": 1,
        "exp": 4_000_000_000,
        "since": 1,
    }
    assert (await me(authorization=f"Bearer {jwt.encode(claims, SECRET)}")).status_code == 200
    for token in (
        jwt.encode(claims, SECRET + "x"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode({**claims, "exp": 5}, SECRET),
        jwt.encode({**claims, "user_id": "nobody"}, SECRET),
        jwt.encode({**claims, "tv": 7}, SECRET),
        jwt.encode({key: value for key, value in claims.items() if key != "tv"}, SECRET),
        "x.y.z",
    ):
        assert (await me(authorization=f"Bearer {token}")).status_code == 401, token
    for header in ("Basic dTpw", "Bearer", "nonsense"):
        assert (await me(authorization=header)).status_code == 401


async def test_api_keys_in_either_header(me: Callable[..., Any], site: Served) -> None:
    client = site.as_("user")
    made = await client.post("/api/accounts/api-keys/", json={"name": "script"})
    assert made.status_code == 201
    secret = body(made)["secret"]
    assert body(await me(**{"x-api-key": secret}))["username"] == "user"
    assert body(await me(authorization=f"ApiKey {secret}"))["username"] == "user"
    assert (await me(**{"x-api-key": "wrong"})).status_code == 401
    assert (await me(**{"x-api-key": "w" * 5000})).status_code == 401
    listed = body(await client.get("/api/accounts/api-keys/"))
    assert [key["name"] for key in listed["keys"]] == ["script"]
    assert "secret" not in listed["keys"][0]
    url = f"/api/accounts/api-keys/{body(made)['key']['id']}/"
    assert (await site.as_("viewer").delete(url)).status_code == 404
    assert (await client.delete(url)).status_code == 200
    assert (await me(**{"x-api-key": secret})).status_code == 401


async def test_other_peoples_keys_are_the_administrators(site: Served) -> None:
    admin = next(u for u in site.platform.users.users.values() if u.username == "admin")
    viewer = next(u for u in site.platform.users.users.values() if u.username == "viewer")
    url = "/api/accounts/api-keys/"
    for query in ({"user_id": admin.id}, {"all": "true"}):
        assert (await site.as_("user").get(url, params=query)).status_code == 403
        assert (await site.as_("admin").get(url, params=query)).status_code == 200
    sent = {"name": "k", "user_id": viewer.id}
    assert (await site.as_("user").post(url, json=sent)).status_code == 403
    assert body(await site.as_("admin").post(url, json=sent))["key"]["user_id"] == viewer.id


async def test_a_disabled_user_is_refused_at_once_here_and_soon_elsewhere(
    platform: Platform, settings_of: Callable[..., Settings]
) -> None:
    async with served(platform, settings_of()) as one, served(platform, settings_of()) as two:
        two.gateway.identity._users._fresh_s = 0.2
        user = next(u for u in platform.users.users.values() if u.username == "user")
        here, elsewhere = one.as_("user"), two.as_("user")
        url = "/api/accounts/users/me/"
        assert (await here.get(url)).status_code == (await elsewhere.get(url)).status_code == 200
        changed = await one.as_("admin").patch(f"/api/accounts/users/{user.id}/", json={"active": False})
        assert body(changed)["active"] is False
        assert (await here.get(url)).status_code == 401
        await asyncio.sleep(0.25)
        assert (await elsewhere.get(url)).status_code == 401


async def test_changing_ones_password_withdraws_tokens(site: Served) -> None:
    client, url = site.as_("viewer"), "/api/accounts/users/me/password/"
    wrong = await client.post(url, json={"current_password": "no", "password": "password-2"})
    assert (wrong.status_code, body(wrong)["path"]) == (403, "current_password")
    short = await client.post(url, json={"current_password": "password-1", "password": "short"})
    assert (short.status_code, body(short)["path"]) == (422, "password")
    done = await client.post(url, json={"current_password": "password-1", "password": "password-2"})
    assert done.status_code == 200
    assert (await client.get("/api/accounts/users/me/")).status_code == 401
    sent = {"username": "viewer", "password": "password-2"}
    assert (await site.client().post("/api/accounts/token/", json=sent)).status_code == 200


async def test_users(site: Served) -> None:
    client, url = site.as_("admin"), "/api/accounts/users/"
    made = await client.post(url, json={"username": "alice", "password": "password-1", "level": "viewer"})
    assert made.status_code == 201
    alice = body(made)
    assert alice["level"] == "viewer"
    assert "password-1" not in made.text
    listed = await client.get(url, params={"limit": 2})
    assert (len(body(listed)["users"]), body(listed)["total"]) == (2, 4)
    assert listed.headers["x-total-count"] == "4"
    assert body(await client.get(f"{url}{alice['id']}/"))["username"] == "alice"
    assert body(await client.patch(f"{url}{alice['id']}/", json={"level": "user"}))["level"] == "user"
    taken = await client.post(url, json={"username": "alice", "password": "password-1"})
    assert (taken.status_code, body(taken)["path"]) == (409, "username")
    for bad in ({"username": "a b", "password": "password-1"}, {"username": "b", "password": "x"}):
        refused = await client.post(url, json=bad)
        assert refused.status_code == 422
        assert "password-1" not in refused.text
    assert (await client.delete(f"{url}{alice['id']}/")).status_code == 200
    assert (await client.get(f"{url}{alice['id']}/")).status_code == 404


async def test_the_first_administrator(site: Served) -> None:
    client = site.client()
    assert body(await client.get("/api/setup/")) == {"needed": False}
    site.platform.users.users.clear()
    assert body(await client.get("/api/setup/")) == {"needed": True}
    url = "/api/accounts/initialize-superuser/"
    assert body(await client.get(url)) == {"superuser_exists": False}
    weak = await client.post("/api/setup/", json={"username": "boss", "password": "x"})
    assert weak.status_code == 422
    foreign = await client.post(
        "/api/setup/",
        json={"username": "eve", "password": "password-1"},
        headers={"origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    sent = {"username": "boss", "password": "password-1", "email": "b@example.com"}
    made = await client.post(url, json=sent)
    assert (made.status_code, body(made)) == (200, {"superuser_exists": True})
    assert (await client.post("/api/setup/", json=sent)).status_code == 409
    assert body(await client.get(url)) == {"superuser_exists": True}
    assert (await client.post("/api/accounts/token/", json=sent)).status_code == 200


async def test_the_page_of_a_disabled_plugin_is_403_for_everybody(site: Served) -> None:
    await site.platform.install(manifest("off", pages={"main": {"components": []}}))
    assert (await site.as_("admin").get("/api/plugins/off/page/")).status_code == 403
