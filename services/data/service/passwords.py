"""Password hashes: argon2id, in threads, a few at once, so that no log-in slows anything else."""

import asyncio
import secrets
from typing import Final, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared import errors

AT_ONCE: Final = 2
"""Each takes 64 MiB and several cores for some tens of milliseconds."""
WAITING: Final = 16
"""More than wait than this would be told too late anyway."""


class Hashing(Protocol):
    """What the user service needs of hashes."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, stored: str | None, password: str) -> bool: ...

    def outdated(self, stored: str) -> bool: ...


class Passwords:
    """Makes and verifies password hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """A new hash of a password."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one; takes as long where nothing is stored.

        Raises RateLimited where too many wait already.
        """
        if self._waiting >= WAITING:
            raise errors.RateLimited("too many log-ins at once: try again in a few seconds")
        self._waiting += 1
        try:
            async with self._slots:
                same = await asyncio.to_thread(self._verify, stored or self._nobodys, password)
        finally:
            self._waiting -= 1
        return same and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False
