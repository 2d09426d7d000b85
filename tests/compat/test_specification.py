"""The specification's examples of tasks, models and transactions, run as they stand there."""

from tests.e2e.platform import Api, wait_until
from tests.e2e.written import Written

TASKS = """
    from celery import shared_task
    from apps.plugins.models import PluginData

    @shared_task
    def sync_calendars_task(plugin_key: str):
        PluginData.objects.add_to_collection(plugin_key, "synced", {"by": "task"})

    @shared_task
    def my_task():
        sync_calendars_task("spec_tasks")

    class Plugin:
        name = "Tasks"
        def run(self, action: str, params: dict, context: dict) -> dict:
            if action == "sync_all":
                task = sync_calendars_task.delay("spec_tasks")
                return {
                    "status": "queued",
                    "message": f"Sync started (task: {task.id[:8]}...)",
                }
            if action == "heavy_task":
                my_task.delay()  # Return immediately
                return {"status": "queued", "message": "Task started"}
"""
MODELS = """
    from apps.channels.models import Channel, ChannelGroup
    from apps.epg.models import EPGSource, Programme
    from apps.m3u.models import M3UAccount
    from core.models import StreamProfile
    from django.db import transaction
    from django.utils import timezone

    class Plugin:
        name = "Models"
        def run(self, action: str, params: dict, context: dict) -> dict:
            if action == "undo":
                try:
                    with transaction.atomic():
                        ChannelGroup.objects.create(name="Undone")
                        raise RuntimeError
                except RuntimeError:
                    return {"status": "ok", "left": ChannelGroup.objects.filter(name="Undone").count()}
            group, _ = ChannelGroup.objects.get_or_create(name="Sports")
            Channel.objects.create(name="Spec One", channel_group=group)
            # Query channels
            channels = Channel.objects.filter(channel_group__name="Sports")
            channel = channels.get(name="Spec One")
            start = end = timezone.now()

            # Create recordings
            from apps.channels.models import Recording
            Recording.objects.create(
                channel=channel,
                start_time=start,
                end_time=end,
                title="Game Recording",
            )
            return {"status": "ok", "title": channel.recordings.get().title}
"""


def test_tasks_are_started_and_run_behind_the_answer(written: Written, api: Api) -> None:
    key = written.enabled("spec_tasks", TASKS)
    started = api.result(key, "sync_all")
    assert (started["status"], started["message"][:20]) == ("queued", "Sync started (task: ")
    assert api.result(key, "heavy_task") == {"status": "queued", "message": "Task started"}

    def synced() -> bool:
        items = api.http.get(f"/api/plugins/{key}/data/synced/").json()["data"]
        return [item["by"] for item in items] == ["task", "task"]

    wait_until(synced, 20, lambda: "the tasks did not run")


def test_models_are_queried_and_recordings_created(written: Written, api: Api) -> None:
    key = written.enabled("spec_models", MODELS)
    assert api.result(key, "go") == {"status": "ok", "title": "Game Recording"}


def test_a_transaction_that_fails_leaves_nothing(written: Written, api: Api) -> None:
    key = written.enabled("spec_models", MODELS)
    assert api.result(key, "undo") == {"status": "ok", "left": 0}
