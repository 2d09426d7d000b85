"""Logs and progress are gathered, bounded, and sent when a run ends."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry

from services.executor.metrics import Metrics
from services.executor.outbox import BATCH_BYTES, RUN_BYTES, Outbox
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import JsonObject, new_id
from shared.contracts.runs import RunProgressed

RUN = new_id()


class Sender:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.away = False
        self.something = asyncio.Event()

    async def tell(self, contract: Any, message: Any, /, *, type: str, **names: str) -> None:  # noqa: A002 - as the bus
        if self.away:
            raise errors.Unavailable("away")
        self.sent.append((contract.subject.of(**names), message))
        self.something.set()

    def lines(self, subject: str) -> list[str]:
        return [str(line["message"]) for to, event in self.sent if to == subject for line in event.lines]


def line(text: str) -> JsonObject:
    return {"time": "2024-01-01T00:00:00.000Z", "level": "info", "message": text}


def make() -> tuple[Sender, Outbox]:
    sender = Sender()
    return sender, Outbox(sender, Metrics(CollectorRegistry()))


async def test_lines_of_a_moment_travel_together_and_a_runs_apart_from_the_plugins() -> None:
    sender, outbox = make()
    outbox.start()
    run = new_id()
    for number in range(3):
        outbox.log("p", run, [line(str(number))])
    outbox.log("p", None, [line("outside")])
    await asyncio.wait_for(sender.something.wait(), 2)
    await outbox.close()
    assert sender.lines(c.RUN_LOGGED.subject.of(run_id=run)) == ["0", "1", "2"]
    assert sender.lines(c.PLUGIN_LOGGED.subject.of(plugin="p")) == ["outside"]
    assert len(sender.sent) == 2


async def test_what_a_run_logged_is_sent_before_it_ends() -> None:
    sender, outbox = make()
    outbox.log("p", RUN, [line("last words")])
    outbox.progress(RunProgressed(plugin="p", run_id=RUN, done=1, total=2))
    await outbox.flush(RUN)
    assert [subject.split(".")[3] for subject, _ in sender.sent] == ["log", "progress"]
    await outbox.flush(RUN)
    assert len(sender.sent) == 2


async def test_a_flood_is_cut_and_says_so_and_harms_no_other_run() -> None:
    sender, outbox = make()
    text = "x" * 1000
    for _ in range(3 * RUN_BYTES // 1000):
        outbox.log("p", "flood", [line(text)])
    outbox.log("p", "other", [line("heard")])
    await outbox.flush("flood")
    await outbox.flush("other")
    found = sender.lines(c.RUN_LOGGED.subject.of(run_id="flood"))
    assert sum(map(len, found)) < RUN_BYTES + 1000
    assert "the log is cut here" in found[-2]
    assert "lines were left out" in found[-1]
    assert sender.lines(c.RUN_LOGGED.subject.of(run_id="other")) == ["heard"]
    sizes = [sum(len(str(one["message"])) for one in event.lines) for _, event in sender.sent]
    assert max(sizes) < 4 * BATCH_BYTES


async def test_of_quick_progress_the_last_is_sent() -> None:
    sender, outbox = make()
    outbox.start()
    for done in range(100):
        outbox.progress(RunProgressed(plugin="p", run_id=RUN, done=done))
        await asyncio.sleep(0)
    await asyncio.wait_for(sender.something.wait(), 2)
    for done in range(100, 200):
        outbox.progress(RunProgressed(plugin="p", run_id=RUN, done=done))
    await outbox.close()
    assert [event.done for _, event in sender.sent] == [99, 199]


async def test_a_bus_that_is_away_costs_lines_and_nothing_else() -> None:
    sender, outbox = make()
    sender.away = True
    outbox.log("p", RUN, [line("lost")])
    await outbox.flush(RUN)
    sender.away = False
    outbox.log("p", RUN, [line("heard")])
    await outbox.close()
    assert sender.lines(c.RUN_LOGGED.subject.of(run_id=RUN)) == ["heard"]
