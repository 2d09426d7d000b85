"""Where a plugin lives: rendezvous hashing over the living executors of its site. Pure decisions."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Member:
    """A living executor: its lease's epoch and its site."""

    epoch: int
    site: str
    leaving: bool = False
    """Whether it is ending: it gets no plugin any more."""


@dataclass(frozen=True, slots=True)
class HomeEntry:
    """KV `home.<plugin>` as it stands. Epoch 0: nobody's, but the plugin's files are in that site."""

    executor: str
    epoch: int
    site: str
    revision: int


Place = Literal["here", "elsewhere"]


def winner(plugin: str, executors: Iterable[str]) -> str | None:
    """The executor that a plugin falls to: the same one wherever it is asked, and moved as little as possible."""
    return max(executors, key=lambda executor: _weight(executor, plugin), default=None)


def home_of(plugin: str, me: str, members: Mapping[str, Member], entry: HomeEntry | None) -> Place:
    """Whether a plugin with one home is to live here: where it lives now it stays until it is given back.

    A plugin that had a home stays in that home's site, for its files are there.
    """
    if entry is not None and entry.executor != me:
        holder = members.get(entry.executor)
        if holder is not None and holder.epoch == entry.epoch:
            return "elsewhere"
    candidates = [name for name in _staying(members) if entry is None or members[name].site == entry.site]
    return "here" if winner(plugin, candidates) == me else "elsewhere"


def leads(plugin: str, me: str, members: Mapping[str, Member]) -> bool:
    """Whether this executor speaks for a plugin that runs on all of them."""
    return winner(plugin, _staying(members)) == me


def other_site(me: str, site: str, members: Mapping[str, Member], homes: Iterable[HomeEntry]) -> str | None:
    """A site other than this one that runs, or ran, plugins of this bus."""
    others = {member.site for name, member in members.items() if name != me} | {home.site for home in homes}
    return next(iter(sorted(others - {site})), None)


def _staying(members: Mapping[str, Member]) -> list[str]:
    return [name for name, member in members.items() if not member.leaving]


def _weight(executor: str, plugin: str) -> bytes:
    return hashlib.blake2b(f"{executor}\0{plugin}".encode(), digest_size=16).digest()
