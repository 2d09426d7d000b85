"""Tokens, API keys, and how long they are believed."""

import asyncio

import jwt
import pytest

from services.gateway.identity import Identity
from services.gateway.tokens import ACCESS_S, LONGEST_S, REFRESH_S, Tokens
from shared import errors
from tests.unit.gateway.fakes import FakeAsks, user

KEY = "a secret for tests that is long enough for each of the algorithms of this family"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


def test_tokens_live_as_long_as_they_should_and_are_of_one_kind():
    clock = Clock()
    tokens = Tokens(KEY, clock=clock)
    pair = tokens.pair(user())
    assert tokens.read(pair["access"], "access").user_id == "id-admin"
    with pytest.raises(errors.Unauthenticated):
        tokens.read(pair["refresh"], "access")
    with pytest.raises(errors.Unauthenticated):
        tokens.read(pair["access"], "refresh")
    clock.now += ACCESS_S
    with pytest.raises(errors.Unauthenticated, match="expired"):
        tokens.read(pair["access"], "access")
    tokens.read(pair["refresh"], "refresh")
    clock.now += REFRESH_S
    with pytest.raises(errors.Unauthenticated, match="expired"):
        tokens.read(pair["refresh"], "refresh")


def test_refreshing_ends_thirty_days_after_logging_in():
    clock = Clock()
    tokens = Tokens(KEY, clock=clock)
    began = clock.now
    refresh = tokens.pair(user())["refresh"]
    while clock.now < began + LONGEST_S - 1:
        claims = tokens.read(refresh, "refresh")
        refresh = tokens.pair(user(), logged_in_at=claims.logged_in_at)["refresh"]
        clock.now += REFRESH_S / 2
    with pytest.raises(errors.Unauthenticated, match="expired"):
        tokens.read(refresh, "refresh")


def test_another_algorithm_or_key_is_refused():
    claims = jwt.decode(Tokens(KEY).pair(user())["access"], KEY, algorithms=["HS256"])
    for forged in (jwt.encode(claims, KEY, algorithm="HS512"), jwt.encode(claims, None, algorithm="none")):
        with pytest.raises(errors.Unauthenticated):
            Tokens(KEY).read(forged, "access")


async def test_a_user_is_looked_up_once_for_many_requests_and_again_when_no_longer_fresh():
    asks = FakeAsks(get_user=user())
    tokens = Tokens(KEY)
    identity = Identity(asks, tokens, fresh_s=0.05)
    header = f"Bearer {tokens.pair(user())['access']}"
    found = await asyncio.gather(*(identity.of(header, None) for _ in range(50)))
    assert {one.id for one in found} == {"id-admin"}
    assert len(asks.asked) == 1
    await asyncio.sleep(0.06)
    asks.answers["get_user"] = user(active=False)
    with pytest.raises(errors.Unauthenticated, match="not active"):
        await identity.of(header, None)


@pytest.mark.parametrize("answer", [errors.NotFound("gone"), user(token_version=1), user(active=False)])
async def test_who_is_gone_or_changed_is_refused(answer):
    tokens = Tokens(KEY)
    identity = Identity(FakeAsks(get_user=answer), tokens)
    with pytest.raises(errors.Unauthenticated):
        await identity.of(f"bearer {tokens.pair(user())['access']}", None)


async def test_without_data_nobody_is_refused_for_good():
    tokens = Tokens(KEY)
    identity = Identity(FakeAsks(), tokens)
    with pytest.raises(errors.Unavailable):
        await identity.of(f"Bearer {tokens.pair(user())['access']}", None)


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer ", "Bearer a b c", "ApiKey"])
async def test_odd_headers_are_unauthenticated(header):
    identity = Identity(FakeAsks(), Tokens(KEY))
    with pytest.raises(errors.Unauthenticated):
        await identity.of(header, None)


async def test_a_changed_user_is_forgotten_with_their_keys():
    asks = FakeAsks(authenticate_api_key=user())
    identity = Identity(asks, Tokens(KEY))
    await identity.of(None, "k")
    await identity.of("ApiKey k", None)
    assert len(asks.asked) == 1
    identity.changed("id-admin")
    asks.answers["authenticate_api_key"] = errors.Unauthenticated("no")
    with pytest.raises(errors.Unauthenticated):
        await identity.of(None, "k")
