"""The evidence by run, for checks to look things up in."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Final

from tests.faults.evidence import Effect, Entry, Evidence, Recorded, Request

FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})


class Facts:
    """The evidence, by run."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def entries(self) -> dict[str, list[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.evidence.ledger:
            found[entry.run_id].append(entry)
        return found

    @cached_property
    def final(self) -> dict[str, Entry]:
        ended = (entries[-1] for entries in self.entries.values())
        return {entry.run_id: entry for entry in ended if entry.state in FINAL}

    @cached_property
    def effects(self) -> dict[str, list[Effect]]:
        found: defaultdict[str, list[Effect]] = defaultdict(list)
        for effect in self.evidence.effects:
            found[effect.run_id].append(effect)
        return found

    @cached_property
    def recorded(self) -> dict[str, list[Recorded]]:
        found: defaultdict[str, list[Recorded]] = defaultdict(list)
        for run in self.evidence.history:
            found[run.run_id].append(run)
        return found

    @cached_property
    def accepted(self) -> dict[str, Request]:
        return {one.run_id: one for one in self.evidence.requests if one.run_id and one.accepted_at}


Check = Callable[[Facts], Iterator[str]]
"""Yields what it found wrong. It knows nothing but the facts: given a doctored record, it has to notice."""


def seconds(timestamp: str) -> float:
    """A time of the ledger in seconds since 1970."""
    return datetime.fromisoformat(timestamp).timestamp()
