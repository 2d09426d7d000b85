"""Reading what is left: the ledger from the bus, history and documents over HTTP, the plugin's log from disk."""

import asyncio
import json
import random
import time
from dataclasses import replace
from typing import Any, Final

from shared import errors
from shared.contracts.catalog import RUN_STATE, RUN_STATE_CHANGED
from shared.messaging.bus import connect, wait_connected
from shared.settings import CommonSettings
from tests.e2e.platform import Platform
from tests.faults.auditor import FINAL
from tests.faults.evidence import Document, Effect, Entry, Evidence, Recorded
from tests.faults.load import PLUGINS

_PAGE: Final = 1000
_RESULTS: Final = 500
COLLECTIONS: Final = ("added", "cells", "notes")


class Ledger:
    """The stream of run states, read on from where it was read to."""

    def __init__(self, nats_url: str, secrets: str) -> None:
        settings = CommonSettings(nats_url=nats_url, secrets_dir=secrets, instance="auditor")
        self._bus = connect(settings, "data")
        self.entries: list[Entry] = []

    async def open(self) -> None:
        await wait_connected(self._bus)

    async def close(self) -> None:
        await self._bus.broker.stop()

    async def read_on(self) -> None:
        """Take what was added. Raises PlugarrError while the bus is away."""
        pattern = RUN_STATE_CHANGED.subject.pattern()
        while True:
            seq = self.entries[-1].seq + 1 if self.entries else 1
            query = {"seq": seq, "next_by_subj": pattern, "batch": _PAGE}
            page = [_entry(held.seq, held.data) async for held in self._bus.batch(RUN_STATE, query)]
            self.entries += page
            if not page:
                return

    @property
    def ended(self) -> set[str]:
        """Runs that have a final state."""
        return {entry.run_id for entry in self.entries if entry.state in FINAL}


def _entry(seq: int, data: bytes) -> Entry:
    envelope = json.loads(data)
    state = envelope["data"]
    names = Entry.__dataclass_fields__.keys() & state.keys()
    result = state.get("result")
    token = result.get("token") if isinstance(result, dict) else None
    return Entry(seq=seq, at=envelope["time"], token=token, **{name: state[name] for name in names})


async def settled(ledger: Ledger, evidence: Evidence, timeout_s: float) -> None:
    """Wait until every run that was accepted has ended, or for so long: the auditor says which has not."""
    wanted = {request.run_id for request in evidence.requests if request.accepted_at}
    began = time.monotonic()
    while time.monotonic() < began + timeout_s:
        try:
            await ledger.read_on()
        except errors.PlugarrError:
            pass  # it is being started again
        else:
            if wanted <= ledger.ended:
                break
        await asyncio.sleep(0.2)
    evidence.ledger = ledger.entries
    evidence.notes["settled_after_s"] = round(time.monotonic() - began, 1)


class Http:
    """Reads over HTTP, as any client would."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def history(self, evidence: Evidence, timeout_s: float) -> None:
        """Read the history once it shows as many ended runs as the ledger, or after so long as it is."""
        wanted = {entry.run_id for entry in evidence.ledger if entry.state in FINAL}
        began = time.monotonic()
        while True:
            runs = await asyncio.to_thread(self._runs)
            evidence.history = [_recorded(run) for run in runs]
            ended = {run.run_id for run in evidence.history if run.state in FINAL}
            if wanted <= ended or time.monotonic() > began + timeout_s:
                evidence.notes["history_after_s"] = round(time.monotonic() - began, 1)
                return
            await asyncio.sleep(0.3)

    async def results(self, evidence: Evidence, chance: random.Random) -> None:
        """Look at runs one by one, for their results; at a share of them where they are many."""
        sample = chance.sample(range(len(evidence.history)), min(len(evidence.history), _RESULTS))
        await asyncio.to_thread(self._results, evidence, sample)

    def _results(self, evidence: Evidence, sample: list[int]) -> None:
        with self._platform.client() as http:
            for index in sample:
                run = http.get(f"/api/runs/{evidence.history[index].run_id}/").json()
                evidence.history[index] = replace(_recorded(run), whole=True)

    async def documents(self, evidence: Evidence) -> None:
        """Read the plugins' collections."""
        for plugin in PLUGINS:
            for collection in COLLECTIONS:
                found = await asyncio.to_thread(self._collection, plugin, collection)
                evidence.documents += [_document(plugin, collection, item) for item in found]

    def _runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = []
        with self._platform.client() as http:
            while True:
                page = http.get(
                    "/api/runs/", params={"limit": _PAGE, "offset": len(runs), "sort": "created_at"}
                ).json()["runs"]
                runs += page
                if len(page) < _PAGE:
                    return runs

    def _collection(self, plugin: str, collection: str) -> list[dict[str, Any]]:
        with self._platform.client() as http:
            answer = http.get(f"/api/plugins/{plugin}/data/{collection}/")
            assert answer.status_code in {200, 404}, answer.text
            return answer.json()["data"] if answer.status_code == 200 else []


def _recorded(run: dict[str, Any]) -> Recorded:
    names = Recorded.__dataclass_fields__.keys() & run.keys()
    result = run.get("result")
    token = result.get("token") if isinstance(result, dict) else None
    return Recorded(token=token, **{name: run[name] for name in names})


def _document(plugin: str, collection: str, item: dict[str, Any]) -> Document:
    return Document(
        plugin, collection, item["_id"], item["number"], item.get("token"), item.get("version", 0)
    )


def effects(platform: Platform, evidence: Evidence) -> None:
    """Read the plugin's own log."""
    log = platform.data_dir / "files" / "witness.log"
    lines = log.read_text().splitlines() if log.exists() else []
    evidence.effects = [Effect(**json.loads(line)) for line in lines]
