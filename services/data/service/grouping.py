"""From writes to what is told of them: what one transaction did to a collection is told at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from services.data.models import Change, ChangeKind
from shared.contracts import catalog as c
from shared.contracts import changes as m
from shared.contracts.base import Event
from shared.contracts.contract import StoredEvent

COLLECTIONS: Final = "collections"
OPERATIONS: Final = "operations"
_ITEMS: Final[dict[ChangeKind, str]] = {
    "added": "item.added",
    "changed": "item.changed",
    "removed": "item.removed",
}


class UnknownPlace(Exception):
    """A write of which nobody can say whose it was: its collection's registration is gone, or never was."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event to be stored, and where reading goes on after it."""

    contract: StoredEvent[Any]
    names: dict[str, str]
    type: str
    event: Event
    token: str
    """Position in the change stream after which to go on …"""
    skip: int = 0
    """… without the first so many announcements: these are told already."""


@dataclass(slots=True)
class _Tally:
    """What a transaction did to one collection of a plugin."""

    changes: list[Change] = field(default_factory=list)
    """The first two: one alone is told as it is."""
    counts: dict[ChangeKind, int] = field(default_factory=dict)
    whole: bool = False
    """Whether the collection was replaced or cleared as a whole."""

    def add(self, change: Change) -> None:
        if len(self.changes) < 2:
            self.changes.append(change)
        self.counts[change.kind] = self.counts.get(change.kind, 0) + 1


class Grouping:
    """Takes writes in order; what it gives is in order, too, and the same however the writes are cut."""

    def __init__(self, names: dict[str, tuple[str, str]], token: str) -> None:
        self._names = names
        """Physical collection → plugin and collection."""
        self._before = token
        """Position before the transaction that is being taken."""
        self._last = token
        self._transaction: tuple[bytes, int] | None = None
        self._tallies: dict[str, _Tally] = {}
        self._others: list[Change] = []

    @property
    def open(self) -> bool:
        """Whether more of the last transaction may come."""
        return self._transaction is not None

    def take(self, changes: Iterable[Change]) -> list[Announcement]:
        """What is to be told after these writes. Raises UnknownPlace."""
        found: list[Announcement] = []
        for change in changes:
            if self._transaction is not None and change.transaction != self._transaction:
                found += self.flush()
            if self._transaction is None:
                self._before, self._transaction = self._last, change.transaction
            self._last = change.token
            self._note(change)
            # The platform's own transactions end with the operation's record: nobody has to wait for more.
            if change.transaction is None or change.collection == OPERATIONS:
                found += self.flush()
        return found

    def flush(self) -> list[Announcement]:
        """What the last transaction is to be told as: nothing more of it comes. Raises UnknownPlace."""
        made = [self._collection(name, tally) for name, tally in self._tallies.items() if tally.counts]
        made += [_other(change) for change in self._others]
        self._transaction, self._tallies, self._others = None, {}, []
        last = len(made) - 1
        return [
            # Until the last of them is told, reading begins again before the transaction.
            Announcement(*one, self._last) if number == last else Announcement(*one, self._before, number + 1)
            for number, one in enumerate(made)
        ]

    def _note(self, change: Change) -> None:
        if change.collection.startswith("d_"):
            self._tallies.setdefault(change.collection, _Tally()).add(change)
        elif change.collection == COLLECTIONS:
            place = str(change.id)
            if change.names:
                self._names[place] = change.names
            elif change.kind == "changed":
                # Nothing changes a registration but who replaces or clears the whole collection.
                self._tallies.setdefault(place, _Tally()).whole = True
        elif change.collection != OPERATIONS:
            self._others.append(change)

    def _collection(self, physical: str, tally: _Tally) -> "_Made":
        names = self._names.get(physical)
        if names is None:
            raise UnknownPlace(physical)
        plugin, collection = names
        place = {"plugin": plugin, "collection": collection}
        counts = tally.counts
        if "dropped" in counts:
            return c.DATA_CHANGED, place, "collection.cleared", m.DataChanged(**place)
        if len(tally.changes) == 1 and not tally.whole:
            change = tally.changes[0]
            item = change.id if isinstance(change.id, int) and not isinstance(change.id, bool) else None
            event = m.DataChanged(**place, id=item, rev=change.rev)
            return c.DATA_CHANGED, place, _ITEMS[change.kind], event
        cleared = tally.whole and set(counts) == {"removed"}
        event = m.DataChanged(
            **place,
            added=counts.get("added", 0),
            changed=counts.get("changed", 0),
            removed=counts.get("removed", 0),
        )
        return c.DATA_CHANGED, place, "collection.cleared" if cleared else "collection.replaced", event


_Made = tuple[StoredEvent[Any], dict[str, str], str, Event]


def _other(change: Change) -> _Made:
    key = str(change.id)
    if change.kind == "dropped" or not 1 <= len(key) <= 255:
        raise UnknownPlace(f"a {change.kind} document of {change.collection} that is none of ours")
    match change.collection:
        case "configs":
            config = m.ConfigChanged(key=key, rev=change.rev)
            return c.CONFIG_CHANGED, {"plugin": key}, f"config.{change.kind}", config
        case "users":
            return c.USER_CHANGED, {"user": key}, f"user.{change.kind}", m.UserChanged(id=key)
        case _:
            schedule = m.ScheduleChanged(id=key, rev=change.rev)
            return c.SCHEDULE_CHANGED, {"schedule_id": key}, f"schedule.{change.kind}", schedule
