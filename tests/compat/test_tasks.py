"""Celery as plugins know it: real Celery, whose tasks are runs."""

from typing import Any

import pytest

from tests.e2e.fixtures import writing
from tests.e2e.platform import Api, wait_until

FILES = {
    "plugin.py": """
        import time
        from celery import chain, chord, group, current_app
        from celery.result import AsyncResult
        from dispatcharr.celery import app
        from .tasks import add, total, fails, flaky, slow, moved, note

        class Plugin:
            name = "Tasks"
            def run(self, action, params, context):
                return {"value": getattr(self, action)(**params)}
            def delay(self):
                task = add.delay(2, 3)
                return [task.get(timeout=20), task.state, len(task.id), task.id[:8] != "00000000"]
            def canvas(self):
                result = chord([add.s(n, n) for n in range(5)], total.s()).delay()
                chained = chain(add.s(1, 2), add.s(10), add.s(100)).apply_async()
                grouped = group(add.s(n, 1) for n in range(4)).apply_async()
                linked = add.apply_async((1, 1), link=note.s("linked"))
                linked.get(timeout=20)
                return [result.get(timeout=30), chained.get(timeout=30), grouped.get(timeout=30), current_app.main]
            def failing(self):
                task = fails.delay()
                try:
                    task.get(timeout=20)
                except ValueError as error:
                    return [str(error), task.state, AsyncResult(task.id).failed()]
            def retried(self):
                return flaky.delay("key").get(timeout=30)
            def later(self):
                began = time.time()
                task = moved.apply_async(countdown=2)
                return [task.get(timeout=30) - began, AsyncResult(task.id).successful()]
            def revoke(self):
                task = moved.apply_async(countdown=3600)
                task.revoke()
                running = slow.delay()
                while running.state != "STARTED" and running.state != "PROGRESS":
                    time.sleep(0.05)
                running.revoke(terminate=True)
                return [AsyncResult(task.id).state, AsyncResult(running.id).state, running.id]
            def send(self):
                return app.send_task("named.from.elsewhere", args=[4]).get(timeout=20)
            def nobodys(self):
                try:
                    app.send_task("nobodys").get(timeout=20)
                except Exception as error:
                    return str(error)
            def many(self):
                return sum(t.get(timeout=40) for t in [add.delay(n, 0) for n in range(20)])
    """,
    "tasks.py": """
        import time
        from celery import shared_task
        from apps.plugins.models import PluginData

        @shared_task
        def add(a, b):
            return a + b

        @shared_task(name="tasks_plugin.total")
        def total(numbers):
            return sum(numbers)

        @shared_task
        def fails():
            raise ValueError("as it must")

        @shared_task(bind=True, max_retries=3)
        def flaky(self, key):
            if self.request.retries < 2:
                raise self.retry(countdown=0.1, exc=RuntimeError("not yet"))
            return self.request.retries

        @shared_task
        def moved():
            return time.time()

        @shared_task
        def note(value, text):
            PluginData.objects.add_to_collection("task_probe", "notes", {"value": value, "text": text})

        @shared_task(bind=True)
        def slow(self):
            for n in range(600):
                self.update_state(state="PROGRESS", meta={"current": n, "total": 600, "message": "working"})
                time.sleep(0.05)
    """,
    "helpers/elsewhere.py": """
        from celery import shared_task

        @shared_task(name="named.from.elsewhere")
        def square(n):
            return n * n
    """,
    "helpers/__init__.py": "",
    "broken/with_tasks.py": "import celery\nraise RuntimeError('imported unasked')",
    "broken/without.py": """
        from pathlib import Path

        def shown(self):
            return self.task_id

        Path("/data/imported").write_text("a file that makes no task was imported")
    """,
}


@pytest.fixture(scope="module")
def probe(platform: Any) -> Any:
    with writing(platform) as written:
        written.enabled("task_probe", FILES)
        yield written.api


def value(api: Api, action: str) -> Any:
    return api.result("task_probe", action)["value"]


def test_a_run_waits_for_its_own_task(probe: Api) -> None:
    assert value(probe, "delay") == [5, "SUCCESS", 36, True]


def test_chords_chains_groups_and_links_work(probe: Api) -> None:
    assert value(probe, "canvas") == [20, 113, [1, 2, 3, 4], "dispatcharr"]
    notes = wait_until(
        lambda: probe.http.get("/api/plugins/task_probe/data/notes/").json()["data"], 20, lambda: "no note"
    )
    assert [note["text"] for note in notes] == ["linked"]


def test_a_task_that_raises_has_failed(probe: Api) -> None:
    assert value(probe, "failing") == ["as it must", "FAILURE", True]


def test_a_task_retries_itself(probe: Api) -> None:
    assert value(probe, "retried") == 2


def test_a_countdown_is_waited_for(probe: Api) -> None:
    waited, successful = value(probe, "later")
    assert waited >= 1.9
    assert successful is True


def test_revoking_ends_what_waits_and_what_runs(probe: Api) -> None:
    waiting, running, _ = value(probe, "revoke")
    assert (waiting, running) == ("REVOKED", "REVOKED")


def test_tasks_are_found_wherever_the_plugin_has_them(probe: Api) -> None:
    assert value(probe, "send") == 16


def test_looking_for_a_task_imports_only_what_speaks_of_tasks_and_outlives_what_breaks(
    probe: Api, platform: Any
) -> None:
    assert "has no task 'nobodys'" in value(probe, "nobodys")
    assert not (platform.data_dir / "files" / "imported").exists()


def test_more_tasks_than_run_at_once_all_end(probe: Api) -> None:
    assert value(probe, "many") == 190


def test_tasks_are_runs_with_their_parent(probe: Api) -> None:
    answer = probe.run("task_probe", "delay").json()

    def found() -> Any:
        page = probe.http.get("/api/runs/", params={"parent": answer["run_id"]}).json()
        runs = [run for run in page["runs"] if run["state"] == "succeeded"]
        return runs or None

    run = wait_until(found, 20, lambda: "no run of the task")[0]
    assert (run["kind"], run["action"].rpartition(".")[2], run["plugin"]) == ("task", "add", "task_probe")
