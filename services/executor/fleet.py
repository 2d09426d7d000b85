"""The living executors and the homes of plugins, as the bucket of leases has them."""

from collections.abc import Awaitable, Callable, Mapping

from nats.aio.msg import Msg
from pydantic import ValidationError

from services.executor.placement import HomeEntry, Member
from shared.contracts.names import token
from shared.contracts.plugins import Home, Lease
from shared.contracts.streams import LEASES
from shared.logging import get_logger
from shared.messaging.bus import Bus, Held, Refused
from shared.messaging.kv import Kv
from shared.messaging.leases import epoch_of

log = get_logger(__name__)


def lease_key(executor: str) -> str:
    """The key of an executor's lease."""
    return f"executor.{token(executor)}"


class Fleet:
    """Read from the bus again and again; what is told in between is only a hint."""

    def __init__(self, bus: Bus) -> None:
        self._kv = Kv(bus, LEASES)
        self.members: Mapping[str, Member] = {}
        self.me: dict[str, Member] = {}
        """This executor, while it holds its lease: it knows that better than a copy of the bucket does."""
        self.homes: dict[str, HomeEntry] = {}

    async def read_members(self) -> bool:
        """Read who lives; whether that has changed. Raises PlugarrError."""
        entries = await self._kv.entries("executor.*")
        members = dict(member for held in entries.values() if (member := _member(held)) is not None)
        members |= self.me
        changed = members != self.members
        self.members = members
        return changed

    async def read_homes(self) -> None:
        """Read every home. Raises PlugarrError."""
        entries = await self._kv.entries("home.*")
        homes = (_home(held.data, held.seq) for held in entries.values())
        self.homes = dict(filter(None, homes))

    async def lives(self, executor: str, epoch: int) -> bool:
        """Whether an executor's lease has that epoch.

        Asked of the bus, too: it is dead only where what was read before and what is read now agree, since a
        copy of the bucket may be behind.
        """
        known = self.members.get(executor)
        held = await self._kv.get(lease_key(executor)) if executor else None
        found = _member(held) if held is not None else None
        if found is not None and found[1].epoch == epoch:
            return True
        if known is not None and known.epoch == epoch:
            await self.read_members()
            known = self.members.get(executor)
        return known is not None and known.epoch == epoch

    async def take(self, plugin: str, home: Home) -> bool:
        """Make this executor a plugin's home; False where another one was quicker."""
        key = f"home.{token(plugin)}"
        entry = self.homes.get(plugin)
        value = home.model_dump_json().encode()
        try:
            if entry is None:
                revision = await self._kv.create(key, value)
            else:
                revision = await self._kv.update(key, value, entry.revision)
        except Refused:
            await self._read_home(plugin)
            return False
        self.homes[plugin] = HomeEntry(home.executor, home.epoch, home.site, revision)
        return True

    async def forget(self, plugin: str) -> None:
        """Forget the site of a plugin that is gone, unless somebody lives there. Raises PlugarrError."""
        entry = self.homes.get(plugin)
        if entry is None or (entry.epoch and await self.lives(entry.executor, entry.epoch)):
            return
        try:
            await self._kv.delete(f"home.{token(plugin)}", revision=entry.revision)
        except Refused:
            await self._read_home(plugin)
        else:
            self.homes.pop(plugin, None)

    async def give_back(self, plugin: str, home: Home) -> None:
        """Let another executor of the site be the home. That it is not ours is fine. Raises PlugarrError."""
        entry = self.homes.get(plugin)
        if entry is None or (entry.executor, entry.epoch) != (home.executor, home.epoch):
            return
        value = home.model_copy(update={"epoch": 0}).model_dump_json().encode()
        try:
            revision = await self._kv.update(f"home.{token(plugin)}", value, entry.revision)
        except Refused:
            await self._read_home(plugin)
        else:
            self.homes[plugin] = HomeEntry(home.executor, 0, home.site, revision)

    async def listen(self, changed: Callable[[], None]) -> list[Callable[[], Awaitable[None]]]:
        """Be told at once of executors that come or say good-bye, and of homes; returns what ends it."""

        async def member(_key: str, message: Msg) -> None:
            # Renewals are most of what is written, and say nothing new.
            lease = _lease(message.data)
            known = self.members.get(lease.holder) if lease is not None else None
            said = (lease.epoch or known.epoch, lease.leaving) if lease and known else None
            if known is None or said != (known.epoch, known.leaving):
                changed()

        async def home(_key: str, _message: Msg) -> None:
            changed()

        return [await self._kv.listen("executor.*", member), await self._kv.listen("home.*", home)]

    async def _read_home(self, plugin: str) -> None:
        held = await self._kv.get(f"home.{token(plugin)}")
        found = _home(held.data, held.seq) if held is not None else None
        if found is None:
            self.homes.pop(plugin, None)
        else:
            self.homes[plugin] = found[1]


def _lease(data: bytes) -> Lease | None:
    try:
        return Lease.model_validate_json(data)
    except ValidationError:
        return None


def _member(held: Held) -> tuple[str, Member] | None:
    lease = _lease(held.data)
    if lease is None:
        return None
    return lease.holder, Member(epoch_of(held.seq, lease), lease.site or "", lease.leaving)


def _home(data: bytes, revision: int) -> tuple[str, HomeEntry] | None:
    try:
        home = Home.model_validate_json(data)
    except ValidationError:
        log.warning("home_not_understood", revision=revision)
        return None
    return home.plugin, HomeEntry(home.executor, home.epoch, home.site, revision)
