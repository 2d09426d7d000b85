"""A record in which everything holds, to be doctored by tests."""

from tests.faults.evidence import (
    Answer,
    Cell,
    Document,
    Effect,
    Entry,
    Evidence,
    Fault,
    Recorded,
    Request,
    Told,
    Watcher,
    Write,
)

# 2026-01-01T12:00:00Z, and seconds after it.
NOON = 1_767_268_800.0


def at(second: float) -> str:
    return f"2026-01-01T12:00:{second:06.3f}Z"


def honest() -> Evidence:
    """Three runs: `done` succeeded, `gone` was lost with its executor, `bad` failed as its code does."""
    return Evidence(
        seed=1,
        requests=[
            Request(
                0, "http", "witness", "write", NOON, "done", NOON + 1,
                [Answer(NOON + 1, "done", "accepted"), Answer(NOON + 4, "done", "succeeded", "t-done")],
            ),
            Request(
                1, "bus", "witness", "work", NOON, "gone", NOON + 1,
                [Answer(NOON + 20, "gone", "lost", None, "executor_gone")],
            ),
            Request(2, "http", "witness", "fail", NOON, "bad", NOON + 1, [Answer(NOON + 4, "bad", "ended")]),
        ],
        faults=[
            Fault("kill", "executor", "executor-1", NOON + 5),
            Fault("kill", "gateway", "gateway", NOON + 8),
        ],
        effects=[
            Effect("begin", "done", 1, "t-done", 0, NOON + 2),
            Effect("wrote", "done", 1, "t-done", 0, NOON + 2.5),
            Effect("end", "done", 1, "t-done", 0, NOON + 3),
            Effect("begin", "bad", 1, "t-bad", 2, NOON + 2),
            Effect("begin", "gone", 1, "t-gone", 1, NOON + 4),
        ],
        ledger=[
            Entry(1, at(1.5), "done", "witness", "running", executor="executor-1", started_at=at(1.5)),
            Entry(2, at(1.5), "bad", "witness", "running", executor="executor-1", started_at=at(1.5)),
            Entry(
                3, at(3.5), "done", "witness", "succeeded", executor="executor-1", started_at=at(1.5),
                ended_at=at(3.5), outcome="ok", token="t-done",
            ),
            Entry(
                4, at(3.5), "bad", "witness", "failed", executor="executor-1", started_at=at(1.5),
                ended_at=at(3.5), cause="raised", error="on purpose", error_type="ValueError",
            ),
            Entry(5, at(3.8), "gone", "witness", "running", executor="executor-1", started_at=at(3.8)),
            Entry(
                6, at(15), "gone", "witness", "lost", executor="executor-1", started_at=at(3.8),
                ended_at=at(15), cause="executor_gone",
            ),
        ],
        history=[
            Recorded("done", "succeeded", 1, "executor-1", at(3.5), "ok", None, "t-done", whole=True),
            Recorded("bad", "failed", 1, "executor-1", at(3.5), None, "raised"),
            Recorded("gone", "lost", 1, "executor-1", at(15), None, "executor_gone"),
        ],
        writes=[Write(0, 7), Write(1)],
        cells=[Cell(0, 3, tried=5, answered=4)],
        documents=[
            Document("witness", "added", 7, 0),
            Document("witness", "added", 8, 1),
            Document("witness", "cells", 3, 0, version=5),
            Document("witness", "notes", 1, 0, "t-done"),
        ],
        changes=changes(),
        watchers=[
            Watcher("steady", {"runs": 2, "data.witness.cells": 10}, seen()),
            Watcher("late", {"runs": 6, "data.witness.cells": 30}),
        ],
    )  # fmt: skip


def changes() -> list[Told]:
    """What the stream tells of the documents: each added, the cell replaced five times."""
    return [
        Told("data.witness.cells", 11, "item.added", 3),
        Told("data.witness.added", 12, "item.added", 7),
        Told("data.witness.added", 13, "item.added", 8),
        Told("data.witness.notes", 14, "item.added", 1),
        *(Told("data.witness.cells", seq, "item.changed", 3) for seq in range(20, 25)),
    ]


def seen() -> list[Told]:
    """What a client saw of it, and of the runs from the third entry on."""
    return [
        Told("data.witness.cells", 11, "item.added", 3),
        Told("runs", 3, "run.succeeded"),
        Told("runs", 4, "run.failed"),
        Told("runs", 5, "run.running"),
        *(Told("data.witness.cells", seq, "item.changed", 3) for seq in range(20, 25)),
        Told("runs", 6, "run.lost"),
    ]
