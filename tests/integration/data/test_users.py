"""Users, log-in and API keys, on a real mongod."""

import asyncio
from typing import Any

import pymongo
import pytest

from services.data.main import App
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import users as m
from shared.messaging.bus import Bus
from tests.integration.data.conftest import StartData

GOOD = "correct horse"


async def first(bus: Bus, name: str = "admin") -> m.User:
    return await bus.request(c.CREATE_FIRST_ADMIN, m.CreateFirstAdmin(username=name, password=GOOD))


async def log_in(bus: Bus, name: str = "admin", password: str = GOOD, address: str = "192.0.2.1") -> m.User:
    return await bus.request(c.LOG_IN, m.LogIn(username=name, password=password, address=address))


async def create(bus: Bus, name: str, level: m.Level = "user") -> m.User:
    return await bus.request(c.CREATE_USER, m.CreateUser(username=name, password=GOOD, level=level))


async def update(bus: Bus, user: m.User, **changes: Any) -> m.User:
    return await bus.request(c.UPDATE_USER, m.UpdateUser(id=user.id, **changes))


async def test_the_first_administrator_is_made_once_whoever_asks(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    assert (await gateway.request(c.GET_SETUP, m.GetSetup())).needed
    results = await asyncio.gather(*(first(gateway, f"admin{n}") for n in range(4)), return_exceptions=True)
    made = [result for result in results if isinstance(result, m.User)]
    assert len(made) == 1
    assert all(isinstance(result, errors.Conflict) for result in results if result not in made)
    assert not (await gateway.request(c.GET_SETUP, m.GetSetup())).needed
    assert (await gateway.request(c.LIST_USERS, m.ListUsers())).total == 1


async def test_the_operator_names_the_administrator(gateway: Bus, start_data: StartData) -> None:
    for password in (GOOD, "another password"):
        await start_data(admin_user="root@home", admin_password=password)
    assert (await log_in(gateway, "root@home")).level == "admin"
    with pytest.raises(SystemExit, match="PLUGARR_ADMIN_PASSWORD"):
        await start_data(admin_user="other", admin_password="short")


async def test_log_in_takes_the_right_password_only(gateway: Bus) -> None:
    user = await first(gateway)
    assert (await log_in(gateway, "ADMIN")).last_login is not None
    for name, password in (("admin", "wrong"), ("nobody", GOOD), ("admin", "")):
        with pytest.raises(errors.Unauthenticated, match="wrong name or password"):
            await log_in(gateway, name, password)
    other = await create(gateway, "other", "admin")
    await update(gateway, user, active=False)
    with pytest.raises(errors.Unauthenticated):
        await log_in(gateway)
    assert (await gateway.request(c.GET_USER, m.GetUser(id=other.id))).username == "other"


async def test_guessing_becomes_slower_on_all_replicas(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    await first(gateway)
    attempts = [log_in(gateway, "admin", f"guess {n}", f"192.0.2.{n}") for n in range(12)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    tried = [result for result in results if isinstance(result, errors.Unauthenticated)]
    assert len(tried) == 5
    assert all(
        isinstance(result, errors.RateLimited) and "try again in" in result.message
        for result in results
        if result not in tried
    )


async def test_one_address_cannot_try_many_names(gateway: Bus) -> None:
    await first(gateway)
    results: list[Any] = []
    for batch in (range(10), range(10, 20), range(20, 25)):
        attempts = [log_in(gateway, f"name{n}", "guess", "203.0.113.9") for n in batch]
        results += await asyncio.gather(*attempts, return_exceptions=True)
    assert not any(isinstance(result, errors.RateLimited) for result in results[:20])
    assert sum(isinstance(result, errors.RateLimited) for result in results[20:]) >= 4
    assert await log_in(gateway)


async def test_who_logs_in_rightly_is_never_held_up(gateway: Bus) -> None:
    await first(gateway)
    for _ in range(8):
        await log_in(gateway)


async def test_a_clock_that_was_put_right_locks_nobody_out(gateway: Bus, mongo_url: str) -> None:
    await first(gateway)
    guesses = [log_in(gateway, password="guess") for _ in range(8)]
    await asyncio.gather(*guesses, return_exceptions=True)
    with pytest.raises(errors.RateLimited):
        await log_in(gateway)
    # The pauses began while the clock was an hour ahead.
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        attempts = client.get_default_database()["login_attempts"]
        ahead = {"$dateAdd": {"startDate": "$until", "unit": "hour", "amount": 1}}
        attempts.update_many({}, [{"$set": {"until": ahead}}])
    await log_in(gateway)


async def test_changes_that_matter_make_old_tokens_worthless(gateway: Bus) -> None:
    await first(gateway)
    user = await create(gateway, "ann")
    assert (await update(gateway, user, username="anna")).token_version == 0
    assert (await update(gateway, user, level="viewer")).token_version == 1
    assert (await update(gateway, user, level="viewer")).token_version == 1
    assert (await update(gateway, user, password="new password")).token_version == 2
    assert (await update(gateway, user, active=False)).token_version == 3
    with pytest.raises(errors.NotFound):
        await gateway.request(c.UPDATE_USER, m.UpdateUser(id="nobody", level="user"))


async def test_names_are_unique_whatever_their_case(gateway: Bus) -> None:
    admin = await first(gateway)
    with pytest.raises(errors.Conflict) as caught:
        await create(gateway, "Admin")
    assert caught.value.path == "username"
    ann = await create(gateway, "ann")
    with pytest.raises(errors.Conflict):
        await update(gateway, ann, username=admin.username)
    page = await gateway.request(c.LIST_USERS, m.ListUsers(limit=1, offset=1))
    assert ([user.username for user in page.users], page.total) == (["ann"], 2)


async def test_the_last_administrator_remains_one(gateway: Bus, start_data: StartData) -> None:
    await start_data()
    one = await first(gateway)
    for change in ({"level": "user"}, {"active": False}):
        with pytest.raises(errors.Conflict):
            await update(gateway, one, **change)
    with pytest.raises(errors.Conflict):
        await gateway.request(c.DELETE_USER, m.DeleteUser(id=one.id))
    two = await create(gateway, "two", "admin")
    results = await asyncio.gather(
        update(gateway, one, level="user"),
        gateway.request(c.DELETE_USER, m.DeleteUser(id=two.id)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, errors.Conflict) for result in results) == 1


async def test_an_api_key_is_its_owner_until_either_goes(gateway: Bus, data: App, mongo_url: str) -> None:
    admin = await first(gateway)
    user = await create(gateway, "ann")
    made = await gateway.request(c.CREATE_API_KEY, m.CreateApiKey(user_id=user.id, name="script"))
    assert made.secret.startswith("plg_")
    assert made.key.prefix == made.secret[:8]
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        stored = client.get_default_database()["api_keys"].find_one()
        assert made.secret not in str(stored)
        assert GOOD not in str(list(client.get_default_database()["users"].find()))
    command = m.AuthenticateApiKey(secret=made.secret)
    assert (await gateway.request(c.AUTHENTICATE_API_KEY, command)).id == user.id
    keys = await gateway.request(c.LIST_API_KEYS, m.ListApiKeys(user_id=user.id))
    assert keys.keys[0].last_used is not None
    assert not (await gateway.request(c.LIST_API_KEYS, m.ListApiKeys(user_id=admin.id))).keys
    with pytest.raises(errors.Unauthenticated):
        await gateway.request(c.AUTHENTICATE_API_KEY, m.AuthenticateApiKey(secret=made.secret + "x"))
    with pytest.raises(errors.NotFound):
        await gateway.request(c.DELETE_API_KEY, m.DeleteApiKey(id=made.key.id, user_id=admin.id))
    await update(gateway, user, active=False)
    with pytest.raises(errors.Unauthenticated):
        await gateway.request(c.AUTHENTICATE_API_KEY, command)
    await gateway.request(c.DELETE_USER, m.DeleteUser(id=user.id))
    assert not (await gateway.request(c.LIST_API_KEYS, m.ListApiKeys())).keys
