"""Reading what is left, once it has come to rest: from the bus, over HTTP, and from the plugin's own log."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared import errors
from shared.contracts.catalog import DATA_CHANGED, EVENTS_DATA, RUN_STATE, RUN_STATE_CHANGED
from shared.messaging.bus import connect, wait_connected
from shared.messaging.held import Held
from shared.settings import CommonSettings
from tests.e2e.platform import Platform
from tests.faults import data_checks, run_checks
from tests.faults.evidence import Document, Effect, Entry, Evidence, Recorded, Told
from tests.faults.facts import Check, Facts
from tests.faults.load import PLUGINS
from tests.faults.reader import Reader

COLLECTIONS: Final = ("added", "cells", "notes")
_PAGE: Final = 1000
_RESULTS: Final = 500
"""Runs that are looked at one by one for their results."""
_LOOK_AGAIN_S: Final = 0.3


class Collector:
    """Fills the evidence. Each step waits until its check holds, a bounded time: then it is left to the audit."""

    def __init__(self, platform: Platform, nats_url: str, evidence: Evidence, patience_s: float) -> None:
        settings = CommonSettings(
            nats_url=nats_url, secrets_dir=platform.data_dir / "secrets", instance="auditor"
        )
        self._platform = platform
        self._bus = connect(settings, "data")
        self._evidence = evidence
        self._patience_s = patience_s

    async def collect(self) -> None:
        """Read everything."""
        await wait_connected(self._bus)
        async with Reader(self._platform.url, self._patience_s) as self._reader:
            await self._collect()

    async def _collect(self) -> None:
        try:
            await self._until("runs", self._ledger, run_checks.every_accepted_run_has_one_final_state)
            await self._until("history", self._history, run_checks.history_and_ledger_agree)
            await self._results()
            await self._documents()
            await self._until("changes", self._changes, data_checks.every_write_was_told_of_once)
            await self._until("watchers", self._nothing, data_checks.watchers_missed_nothing)
            self._effects()
            # What came after the end, such as a second one, shall not escape.
            await self._ledger()
        finally:
            await self._bus.broker.stop()

    async def _until(self, what: str, read: Callable[[], Awaitable[None]], check: Check) -> None:
        began = time.monotonic()
        while True:
            try:
                await read()
            except errors.PlugarrError:
                done = False  # the bus is being started again
            else:
                done = next(check(Facts(self._evidence)), None) is None
            spent = time.monotonic() - began
            if done or spent > self._patience_s:
                self._evidence.notes[f"{what}_after_s"] = round(spent, 1)
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _nothing(self) -> None:
        """The watchers write their frames down themselves."""

    # From the bus

    async def _ledger(self) -> None:
        last = self._evidence.ledger[-1].seq if self._evidence.ledger else 0
        async for held in self._read_on(RUN_STATE, RUN_STATE_CHANGED.subject.pattern(), last):
            self._evidence.ledger.append(_entry(held))

    async def _changes(self) -> None:
        last = self._evidence.changes[-1].seq if self._evidence.changes else 0
        pattern = DATA_CHANGED.subject.pattern()
        async for held in self._read_on(EVENTS_DATA, pattern, last):
            self._evidence.changes.append(_change(held))

    async def _read_on(self, stream: str, pattern: str, last: int) -> Any:
        while True:
            seq = last
            query = {"seq": last + 1, "next_by_subj": pattern, "batch": _PAGE}
            async for held in self._bus.batch(stream, query):
                last = held.seq
                yield held
            if last == seq:
                return

    # Over HTTP

    async def _history(self) -> None:
        self._evidence.history = [_recorded(run) for run in await self._reader.runs()]

    async def _results(self) -> None:
        history = self._evidence.history
        chance = random.Random(f"{self._evidence.seed}/results")
        for index in chance.sample(range(len(history)), min(len(history), _RESULTS)):
            run = await self._reader.get(f"/api/runs/{history[index].run_id}/")
            history[index] = replace(_recorded(run), whole=True)

    async def _documents(self) -> None:
        for plugin in PLUGINS:
            for collection in COLLECTIONS:
                found = await self._reader.get(f"/api/plugins/{plugin}/data/{collection}/")
                items = found["data"] if found else []
                self._evidence.documents += [_document(plugin, collection, item) for item in items]

    # From disk

    def _effects(self) -> None:
        log: Path = self._platform.data_dir / "files" / "witness.log"
        lines = log.read_text().splitlines() if log.exists() else []
        self._evidence.effects = [Effect(**json.loads(line)) for line in lines]


def _entry(held: Held) -> Entry:
    envelope = json.loads(held.data)
    state = envelope["data"]
    names = Entry.__dataclass_fields__.keys() & state.keys()
    return Entry(
        seq=held.seq, at=envelope["time"], token=_token(state), **{name: state[name] for name in names}
    )


def _change(held: Held) -> Told:
    envelope = json.loads(held.data)
    data = envelope["data"]
    return Told(f"data.{data['plugin']}.{data['collection']}", held.seq, envelope["type"], data.get("id"))


def _recorded(run: dict[str, Any]) -> Recorded:
    names = Recorded.__dataclass_fields__.keys() & run.keys()
    return Recorded(token=_token(run), **{name: run[name] for name in names})


def _token(run: dict[str, Any]) -> str | None:
    result = run.get("result")
    return result.get("token") if isinstance(result, dict) else None


def _document(plugin: str, collection: str, item: dict[str, Any]) -> Document:
    return Document(
        plugin, collection, item["_id"], item["number"], item.get("token"), item.get("version", 0)
    )
