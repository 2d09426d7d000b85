"""Rows of `django_celery_beat` as schedules on the bus: what is saved is kept there, what is deleted ends."""

import json
import logging
from typing import Any, Final

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from django_celery_beat import models as beat
from kombu.serialization import dumps

from plugarr_host.failures import PlatformError
from plugarr_host.host_database import is_sqlite
from plugarr_host.platform import platform

logger = logging.getLogger("plugarr.beat")

_SECONDS: Final = {"days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "microseconds": 1e-6}
_THEIRS: Final = ("apps.", "core.")
"""What tasks of a running Dispatcharr are called: those its own beat runs."""


class NotASchedule(ValueError):
    """The platform has no schedule like this one; the message says what to use."""


def connect() -> None:
    """Follow the rows that this process saves and deletes."""
    post_save.connect(_saved, sender=beat.PeriodicTask, dispatch_uid="plugarr_beat_saved")
    post_delete.connect(_deleted, sender=beat.PeriodicTask, dispatch_uid="plugarr_beat_deleted")
    for timing in (beat.CrontabSchedule, beat.IntervalSchedule, beat.ClockedSchedule):
        post_save.connect(_timing_saved, sender=timing, dispatch_uid=f"plugarr_beat_{timing.__name__}")


def _saved(instance: Any, raw: bool = False, **_: Any) -> None:
    if platform.channel is not None and not raw:
        transaction.on_commit(lambda: _keep(instance, only_known=False))


def _deleted(instance: Any, **_: Any) -> None:
    if platform.channel is not None:
        row = str(instance.pk)
        transaction.on_commit(lambda: platform.call("beat.drop", row=row))


def _timing_saved(instance: Any, created: bool = False, **_: Any) -> None:
    if platform.channel is not None and not created:
        transaction.on_commit(lambda: _keep_users(instance))


def _keep_users(timing: Any) -> None:
    # Plugins share these rows: tasks of the others are not the schedules of whoever saves one.
    for task in timing.periodictask_set.all():
        _keep(task, only_known=True)


def _keep(task: Any, *, only_known: bool) -> None:
    if not is_sqlite() and task.task.startswith(_THEIRS):
        return
    try:
        _tell(task, only_known=only_known)
    except (NotASchedule, PlatformError) as error:
        logger.warning("periodic task %r is no schedule of the platform: %s", task.name, error)


def _tell(task: Any, *, only_known: bool) -> None:
    try:
        timing = timing_of(task)
    except NotASchedule:
        # It is not to go on as it was before.
        platform.call("beat.drop", row=str(task.pk))
        raise
    args, kwargs = json.loads(task.args or "[]"), json.loads(task.kwargs or "{}")
    _, _, body = dumps([args, kwargs, {}], serializer="json")
    message = {"headers": {"task": task.task}, "body": body, "periodic_task": task.pk}
    platform.call(
        "beat.keep",
        row=str(task.pk),
        name=task.name,
        task=task.task,
        message=message,
        enabled=bool(task.enabled),
        only_known=only_known,
        **timing,
    )


def timing_of(task: Any) -> dict[str, Any]:
    """When a row is due, as the platform says it. Raises `NotASchedule`."""
    if task.one_off and task.clocked is None:
        raise NotASchedule("one_off is not supported for what is due again and again: use a clocked time")
    if task.start_time is not None and task.start_time > timezone.now():
        raise NotASchedule("start_time is not supported: enable the task when it is to begin")
    if task.expires is not None:
        raise NotASchedule("expires is not supported: disable the task when it is to end")
    if task.crontab is not None:
        cron = task.crontab
        parts = (cron.minute, cron.hour, cron.day_of_month, cron.month_of_year, cron.day_of_week)
        fields = " ".join("".join(str(part).split()) for part in parts)
        return {"cron": fields, "timezone": str(cron.timezone)}
    if task.interval is not None:
        seconds = task.interval.every * _SECONDS[task.interval.period]
        if seconds < 1:
            raise NotASchedule("an interval is at least one second")
        return {"interval_s": seconds}
    if task.clocked is not None:
        return {"at": task.clocked.clocked_time.isoformat()}
    if task.solar is not None:
        raise NotASchedule("solar schedules are not supported: use a crontab")
    raise NotASchedule("it has neither crontab nor interval nor clocked time")


def ran(row: Any) -> None:
    """Count a run in its row, as Celery's own scheduler does."""
    from django.db.models import F  # noqa: PLC0415 - beside its one use

    beat.PeriodicTask.objects.filter(pk=row).update(
        last_run_at=timezone.now(), total_run_count=F("total_run_count") + 1
    )
