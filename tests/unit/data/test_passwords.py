"""Password hashes, and what guessing costs."""

import asyncio

from argon2 import PasswordHasher

from services.data.service import passwords
from services.data.service.passwords import Passwords
from shared import errors

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_hash_matches_its_password_only() -> None:
    hashes = Passwords(CHEAP)
    stored = await hashes.hash("correct horse")
    assert await hashes.matches(stored, "correct horse")
    assert not await hashes.matches(stored, "wrong")
    assert not await hashes.matches("not a hash", "wrong")
    assert not hashes.outdated(stored)
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).outdated(stored)


async def test_nobodys_password_is_verified_too_and_never_matches() -> None:
    verified: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - the library's own name
            verified.append(str(hash))
            return super().verify(hash, password)

    hashes = Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1))
    assert not await hashes.matches(None, "whatever")
    assert verified[0].startswith("$argon2id$")


async def test_a_flood_is_refused_instead_of_queueing() -> None:
    hashes = Passwords(CHEAP)
    many = [hashes.matches(None, "x") for _ in range(passwords.WAITING + 20)]
    results = await asyncio.gather(*many, return_exceptions=True)
    assert sum(isinstance(result, errors.RateLimited) for result in results) == 20
