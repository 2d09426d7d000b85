"""What MongoDB's change stream says: ids and revisions of what was written, never documents.

One tailer publishes all of it, in the order of the writes, into a stream that nobody else writes.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Event, Name

Count = Annotated[int, Field(ge=0)]


class DataChanged(Event):
    """A plugin's collection changed: one item (`id`, `rev`), or several at once (counts)."""

    plugin: Name
    collection: Name
    id: int | None = None
    """None where several changed, and for a document whose id is no integer."""
    rev: int | None = None
    """None for a removed item, and where another tool wrote a document without one."""
    added: Count | None = None
    changed: Count | None = None
    removed: Count | None = None
    """None together with the others where a whole collection was dropped: nobody counted."""


class ConfigChanged(Event):
    """What an administrator chose for a plugin changed; never carries settings."""

    key: Name
    rev: int | None = None


class UserChanged(Event):
    """A user was added, changed, logged in, or removed."""

    id: Name


class ScheduleChanged(Event):
    """A schedule was added, changed or removed."""

    id: Name
    rev: int | None = None


class ChangesChecked(Event):
    """So far the change stream was read: what takes over goes on from here. Carries nothing for clients."""

    reason: Literal["taken_over", "quiet"]


class ChangesLost(Event):
    """Nobody knows what was written before this: whoever follows anything of this stream reads it again."""

    reason: str
