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
            fields = [{"id": "secret", "label": "S", "type": "string", "input_type": "password"}]
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
    refused = ask(
        probe,
        "import os",
        "path = RedisClient.get_client().connection_pool.connection_kwargs['path']",
        "try: os.unlink(path)",
        "except OSError as error: return type(error).__name__",
    )
    assert refused == "OSError"
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


def test_a_timing_that_plugins_share_changes_the_schedules_of_each_and_makes_none(
    probe: Written, platform: Any
) -> None:
    ask(
        probe,
        "every, _ = IntervalSchedule.objects.get_or_create(every=5, period='hours')",
        "PeriodicTask.objects.create(name='mine', task='helper_probe.beat', interval=every)",
        "return 1",
    )
    with platform.client() as http:
        other = Written(platform, Api(http))
        other.enabled("sharing_probe", FILES)
        code = (
            "    every = IntervalSchedule.objects.get(every=5, period='hours'); every.every = 6; every.save()"
        )
        other.api.result("sharing_probe", "do", {"code": code})
        answer = http.get("/api/schedules/", params={"plugin": "sharing_probe"}).json()
        other.remove()
    assert answer["schedules"] == []
    change = "every = IntervalSchedule.objects.get(every=6, period='hours'); every.every = 7; every.save()"
    ask(probe, change, "return 1")
    assert schedules(probe)["mine"]["interval_s"] == 7 * 3600
    ask(probe, "PeriodicTask.objects.filter(name='mine').delete()", "return 1")


@pytest.mark.parametrize(
    "limit",
    ["one_off=True", "start_time=timezone.now() + timedelta(1)", "expires=timezone.now() + timedelta(1)"],
)
def test_a_row_whose_limits_cannot_be_kept_is_no_schedule_and_none_any_more(
    probe: Written, limit: str
) -> None:
    name, _, value = limit.partition("=")
    ask(
        probe,
        "every, _ = IntervalSchedule.objects.get_or_create(every=1, period='hours')",
        "PeriodicTask.objects.create(name='limited', task='helper_probe.beat', interval=every)",
        "return 1",
    )
    assert "limited" in schedules(probe)
    ask(
        probe,
        "from datetime import timedelta; from django.utils import timezone",
        "row = PeriodicTask.objects.get(name='limited')",
        f"row.{name} = {value}; row.save()",
    )
    assert "limited" not in schedules(probe)
    ask(probe, "PeriodicTask.objects.filter(name='limited').delete()", "return 1")


def test_passwords_that_tasks_are_given_are_shown_nowhere(probe: Written) -> None:
    http = probe.api.http
    path = "/api/plugins/plugins/helper_probe/settings/"
    assert http.post(path, json={"settings": {"secret": 'hunter"2'}}).status_code == 200
    ask(
        probe,
        "from apps.plugins.models import PluginConfig; import json",
        "given = PluginConfig.objects.get(key='helper_probe').settings['secret']",
        "beat.delay(given).get(timeout=20)",
        "every, _ = IntervalSchedule.objects.get_or_create(every=1, period='hours')",
        "row = dict(name='secretly', task='helper_probe.beat', interval=every, args=json.dumps([given]))",
        "PeriodicTask.objects.create(**row)",
    )
    assert 'hunter"2' in {one["text"] for one in items(probe, "beats")}
    page = http.get("/api/runs/", params={"plugin": "helper_probe", "kind": "task"}).json()
    runs = [http.get(f"/api/runs/{run['run_id']}/").text for run in page["runs"]]
    shown = schedules(probe)["secretly"]["params"]
    assert runs
    assert not [text for text in runs if "hunter" in text]
    assert shown["body"] == shown["headers"] == "********"
    ask(probe, "PeriodicTask.objects.filter(name='secretly').delete()", "return 1")


def test_an_event_that_cannot_be_stored_leaves_its_transaction_whole(probe: Written) -> None:
    assert ask(
        probe,
        "with transaction.atomic():",
        "    SystemEvent.objects.create(event_type='before')",
        "    log_system_event(None)",
        "    SystemEvent.objects.create(event_type='behind')",
        "return SystemEvent.objects.filter(event_type__in=['before', 'behind']).count()",
    ) == 2  # fmt: skip


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
