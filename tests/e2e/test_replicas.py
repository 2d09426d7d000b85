"""Two executors and two data services share the plugins and the work; one may be killed."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.platform import Api, Platform, wait_until

KEEPING = """
    import os, time
    class Plugin:
        name = "Keeping"
        def __init__(self):
            self.calls = 0
        def run(self, action, params, context):
            if action == "sleep":
                time.sleep(params["seconds"])
            self.calls += 1
            return {"calls": self.calls}
"""


@pytest.mark.timeout(120)
def test_two_executors_share_the_plugins_and_a_killed_ones_move(
    own_platform: Callable[..., Platform],
) -> None:
    mine = own_platform("--executors", "2", "--data-replicas", "2")
    keys = [mine.write_plugin(f"keeping_{number}", KEEPING) for number in range(8)]
    mine.start()
    with mine.client() as http:
        api = Api(http)
        for key in keys:
            assert api.enable(key)["loaded"]
            assert api.result(key, "count") == {"calls": 1}

        def homes() -> Counter[str]:
            runs = http.get("/api/runs/", params={"limit": 100}).json()["runs"]
            return Counter(run["executor"] for run in runs if run["state"] == "succeeded")

        shares = wait_until(lambda: h if sum((h := homes()).values()) == 8 else None, 10)
        assert len(shares) == 2, shares

        # One plugin's run is under way when its executor is killed; every other plugin only moves.
        answers: list[object] = []
        sleeping = keys[0]
        waiting = threading.Thread(
            target=lambda: answers.append(api.run(sleeping, "sleep", {"seconds": 30}, wait=40).json())
        )
        waiting.start()
        run = wait_until(
            lambda: next(
                (
                    r
                    for r in http.get("/api/runs/", params={"state": "running"}).json()["runs"]
                    if r["plugin"] == sleeping
                ),
                None,
            ),
            10,
        )
        executors = mine.pids("executor")
        victim = next(
            pid for pid in executors if run["executor"].encode() in Path(f"/proc/{pid}/environ").read_bytes()
        )
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        for key in keys[1:]:
            assert api.run(key, "count", wait=30).status_code == 200, mine.tail()
        moved_after = time.monotonic() - killed
        assert moved_after < 20
        waiting.join(60)
        assert answers
        ended = wait_until(
            lambda: (r := http.get(f"/api/runs/{run['run_id']}").json())["state"] != "running" and r, 30
        )
        assert ended["state"] == "lost"
        assert ended["cause"] == "executor_gone"


@pytest.mark.timeout(120)
def test_a_killed_data_service_loses_no_answered_write(own_platform: Callable[..., Platform]) -> None:
    mine = own_platform("--data-replicas", "2")
    mine.install("hello")
    mine.start()
    with mine.client() as http:
        path = "/api/plugins/hello/data/notes/"
        answered = []
        for number in range(40):
            if number == 15:
                os.kill(mine.pids("data")[0], signal.SIGKILL)
            answer = http.post(path, json={"number": number})
            if answer.status_code == 201:
                answered.append(number)
            else:
                assert answer.status_code in {503, 504}, answer.text
        kept = [item["number"] for item in http.get(path).json()["data"]]
        assert set(answered) <= set(kept)
        assert len(kept) == len(set(kept))
        assert len(answered) >= 38
