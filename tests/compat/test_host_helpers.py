"""Helpers of the host application: events, Redis, periodic tasks, its own tasks, and what is out of scope."""

from typing import Any

import pytest

from tests.e2e.fixtures import writing
from tests.e2e.platform import Api, wait_until
from tests.e2e.written import Written

FILES = {
    "plugin.py": """
        import json
        from celery import shared_task
        from apps.plugins.models import PluginData
        from core.models import SystemEvent
        from core.utils import RedisClient, log_system_event, send_websocket_update
        from core.utils import send_notification_dismissed, send_websocket_notification
        from core.scheduling import create_or_update_periodic_task, delete_periodic_task
        from django.db import transaction
        from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
        from apps.m3u.tasks import refresh_m3u_accounts, refresh_single_m3u_account
        from apps.epg.tasks import refresh_all_epg_data, refresh_epg_data
        from version import __version__

        @shared_task(name="helper_probe.beat")
        def beat(text):
            PluginData.objects.add_to_collection("helper_probe", "beats", {"text": text})

        class Plugin:
            name = "Helpers"
            actions = [{"id": "heard", "label": "Heard", "events": ["recording_start"]}]
            def run(self, action, params, context):
                if action == "heard":
                    PluginData.objects.add_to_collection("helper_probe", "heard", params["payload"])
                    return {"status": "ok"}
                scope = {**globals()}
                exec("def go():\\n" + params["code"], scope)
                return {"value": scope["go"]()}
    """,
}


@pytest.fixture(scope="module")
def probe(platform: Any) -> Any:
    with writing(platform) as written:
        written.enabled("helper_probe", FILES)
        yield written


def ask(probe: Written, *lines: str) -> Any:
    code = "\n".join(f"    {line}" for line in lines)
    return probe.api.result("helper_probe", "do", {"code": code})["value"]


def schedules(probe: Written) -> dict[str, Any]:
    answer = probe.api.http.get("/api/schedules/", params={"plugin": "helper_probe"})
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["schedules"]}


def items(probe: Written, collection: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = probe.api.http.get(f"/api/plugins/helper_probe/data/{collection}/").json()[
        "data"
    ]
    return found


def test_a_system_event_is_stored_and_runs_the_actions_that_follow_it(probe: Written) -> None:
    stored = ask(
        probe,
        "log_system_event('recording_start', channel_name='One', reason='test')",
        "row = SystemEvent.objects.get(event_type='recording_start')",
        "return [row.channel_name, row.details]",
    )
    assert stored == ["One", {"reason": "test"}]
    heard = wait_until(lambda: items(probe, "heard"), 20, lambda: "the action did not run")
    assert (heard[0]["channel_name"], heard[0]["reason"]) == ("One", "test")


def test_redis_is_shared_and_decodes_its_answers(probe: Written, platform: Any) -> None:
    assert ask(
        probe,
        "client = RedisClient.get_client()",
        "client.set('k', 'v', ex=60); client.hset('h', mapping={'a': 1})",
        "with client.lock('one', timeout=5): pass",
        "return [client.get('k'), client.hgetall('h'), client is RedisClient.get_client()]",
    ) == ["v", {"a": "1"}, True]
    with platform.client() as http:
        other = Written(platform, Api(http))
        other.enabled(
            "redis_other",
            """
            from core.utils import RedisClient
            class Plugin:
                name = "Other"
                def run(self, action, params, context):
                    return {"value": RedisClient.get_client().get("k")}
            """,
        )
        assert other.api.result("redis_other", "read")["value"] == "v"
        other.remove()


def test_sending_notifications_never_raises(probe: Written) -> None:
    assert ask(
        probe,
        "send_websocket_update('updates', 'update', {'x': object()})",
        "send_websocket_notification({'title': 'T', 'message': 'M'})",
        "return send_notification_dismissed('key')",
    ) is None  # fmt: skip


def test_a_saved_periodic_task_is_a_schedule_and_runs(probe: Written) -> None:
    ask(
        probe,
        "every, _ = IntervalSchedule.objects.get_or_create(every=1, period='seconds')",
        "PeriodicTask.objects.create(name='tick', task='helper_probe.beat', interval=every, args='[\"it ran\"]')",
        "return 1",
    )
    assert schedules(probe)["tick"]["interval_s"] == 1
    assert wait_until(lambda: items(probe, "beats"), 20, lambda: "no tick")[0]["text"] == "it ran"

    def counted() -> bool:
        return bool(ask(probe, "return PeriodicTask.objects.get(name='tick').total_run_count"))

    wait_until(counted, 20, lambda: "the row does not count")
    ask(probe, "row = PeriodicTask.objects.get(name='tick')", "row.enabled = False", "row.save()", "return 1")
    assert schedules(probe)["tick"]["enabled"] is False
    ask(probe, "PeriodicTask.objects.filter(name='tick').delete()", "return 1")
    assert "tick" not in schedules(probe)


def test_a_row_that_is_rolled_back_is_no_schedule(probe: Written) -> None:
    ask(
        probe,
        "every, _ = IntervalSchedule.objects.get_or_create(every=1, period='hours')",
        "try:",
        "    with transaction.atomic():",
        "        PeriodicTask.objects.create(name='never', task='helper_probe.beat', interval=every)",
        "        raise RuntimeError",
        "except RuntimeError: return 1",
    )
    assert "never" not in schedules(probe)


def test_core_scheduling_makes_changes_and_removes_schedules(probe: Written) -> None:
    make = "create_or_update_periodic_task('nightly', 'helper_probe.beat', kwargs={'text': 'x'}, "
    ask(probe, make + "cron_expression='30 3 * * 1')", "return 1")
    assert schedules(probe)["nightly"]["cron"] == "30 3 * * 1"
    ask(probe, make + "interval_hours=6)", "return 1")
    assert (schedules(probe)["nightly"]["cron"], schedules(probe)["nightly"]["interval_s"]) == (None, 21600)
    assert ask(
        probe, "return [delete_periodic_task('nightly'), delete_periodic_task('nightly')]"
    ) == [True, False]  # fmt: skip
    assert "nightly" not in schedules(probe)


def test_tasks_of_the_host_application_say_what_they_need(probe: Written) -> None:
    said = ask(
        probe,
        "try: refresh_single_m3u_account.delay(1).get(timeout=20)",
        "except Exception as error: return str(error)",
    )
    assert "PLUGARR_DISPATCHARR_URL" in said


def test_what_is_out_of_scope_says_so_in_one_sentence(probe: Written) -> None:
    said = ask(
        probe,
        "try:",
        "    from apps.proxy.ts_proxy.server import ProxyServer",
        "except ImportError as error: return str(error)",
    )
    assert said.startswith("apps.proxy is not available: ")
    assert ask(probe, "return __version__") == "0.29.0"


@pytest.mark.parametrize(
    "name", ["requests", "rapidfuzz", "pytz", "dateutil", "PIL", "yaml", "jinja2", "regex"]
)
def test_third_party_packages_that_plugins_expect_are_there(probe: Written, name: str) -> None:
    assert ask(probe, f"import {name}", f"return {name}.__name__") == name
