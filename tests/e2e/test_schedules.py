"""Schedules on the real platform: what ticks while everything is killed in turn is one run each, and seen."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.platform import Api, Platform, wait_until

JOURNAL = """
    import plugarr

    class Plugin:
        name = "Journal"
        actions = [{"id": "note", "label": "Note"}]

        def run(self, action, params, context):
            with open("/data/journal.txt", "a") as journal:
                journal.write(f"{plugarr.run_id}\\n")
            return {"status": "ok"}
"""


def ticks(http: httpx.Client, schedule: str) -> list[dict[str, Any]]:
    answer = http.get(f"/api/schedules/{schedule}/ticks/", params={"limit": 1000})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["ticks"]
    return found


def ran(http: httpx.Client, schedule: str) -> set[str]:
    return {tick["run_id"] for tick in ticks(http, schedule) if tick["outcome"] == "ran"}


def answering(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(240)
def test_a_schedule_ticks_on_whatever_is_killed_and_shows_what_it_missed(
    own_platform: Callable[..., Platform],
) -> None:
    mine = own_platform("--data-replicas", "2")
    mine.write_plugin("journal", JOURNAL)
    mine.start()
    with mine.client() as http:
        Api(http).enable("journal")
        made = http.post(
            "/api/schedules/",
            json={
                "name": "Often",
                "plugin": "journal",
                "action": "note",
                "interval_s": 1,
                "overlap": "allow",
            },
        )
        assert made.status_code == 201, made.text
        schedule = made.json()["id"]

        def more(than: set[str]) -> Callable[[], set[str] | None]:
            def check() -> set[str] | None:
                if not answering(http):
                    return None
                found = ran(http, schedule) if http.get(f"/api/schedules/{schedule}/").is_success else set()
                return found if found - than else None

            return check

        seen = wait_until(more(set()), 30)
        key = http.post("/api/accounts/api-keys/", json={"name": "cli"}).json()["secret"]
        listed = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "schedules", "--url", mine.url, "--api-key", key],
            capture_output=True,
            text=True,
            check=True,
            env=mine.environment() | {"COLUMNS": "200"},
        )
        assert all(said in listed.stdout for said in ("Often", "journal.note", "every 1 s")), listed.stdout
        for name in ("nats-server", "mongod", "data", "executor"):
            for pid in mine.pids(name):
                os.kill(pid, signal.SIGKILL)
            seen = wait_until(more(seen), 60, mine.tail)

    mine.stop(signal.SIGKILL)
    wait_until(lambda: not any(mine.pids(name) for name in ("data", "executor")), 20)
    mine.start()
    with mine.client() as http:
        wait_until(lambda: ran(http, schedule) - seen or None, 60, mine.tail)
        shown = http.get(f"/api/schedules/{schedule}/").json()
        assert shown["missed_count"] > 0
        assert shown["next_at"] > shown["last_at"]
        missed = [tick for tick in ticks(http, schedule) if tick["outcome"] == "missed"]
        assert sum(tick["count"] for tick in missed) == shown["missed_count"]
        assert {tick["reason"] for tick in missed} == {"the platform was not running"}
        assert http.post(f"/api/schedules/{schedule}/pause/").json()["enabled"] is False

        # Every tick is one run, and each of those wrote its line at most once: a lost one may not have.
        found = ran(http, schedule)

        def ended() -> dict[str, str] | None:
            states = {run_id: http.get(f"/api/runs/{run_id}/").json()["state"] for run_id in found}
            return None if set(states.values()) & {"queued", "running"} else states

        states = wait_until(ended, 90, mine.tail)
        lines = Counter((mine.data_dir / "files" / "journal.txt").read_text().split())
        assert set(lines.values()) == {1}
        assert set(lines) <= found
        assert {run_id for run_id, state in states.items() if state == "succeeded"} <= set(lines)
        assert Counter(states.values())["succeeded"] >= len(states) - 3, states
        run = http.get(f"/api/runs/{next(iter(lines))}/").json()
        assert (run["trigger"], run["actor"], run["schedule_id"]) == (
            "schedule",
            f"schedule:{schedule}",
            schedule,
        )
