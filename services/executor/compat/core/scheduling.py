"""Periodic tasks by name: rows of `django_celery_beat`, which become schedules of the platform."""

import json
from collections.abc import Mapping
from typing import Any

from plugarr_host.django_ready import ready

ready()

from django.db import transaction  # noqa: E402 - only once Django is ready
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask  # noqa: E402

from core.models import CoreSettings  # noqa: E402

_CRON_FIELDS = 5


def create_or_update_periodic_task(
    task_name: str,
    celery_task_path: str,
    kwargs: Mapping[str, Any] | None = None,
    interval_hours: float = 0,
    cron_expression: str = "",
    enabled: bool = True,
) -> PeriodicTask:
    """The row, made or brought up to date. A cron expression goes before an interval; neither disables it."""
    with transaction.atomic():
        timing: dict[str, Any] = {"crontab": None, "interval": None}
        if cron_expression.strip():
            timing["crontab"] = _crontab(cron_expression)
        else:
            timing["interval"] = _interval(interval_hours)
        row, _ = PeriodicTask.objects.update_or_create(
            name=task_name,
            defaults={
                "task": celery_task_path,
                "kwargs": json.dumps(dict(kwargs or {})),
                "enabled": enabled and bool(cron_expression.strip() or interval_hours > 0),
                **timing,
            },
        )
    return row


def delete_periodic_task(task_name: str) -> bool:
    """Whether there was such a row."""
    rows = list(PeriodicTask.objects.filter(name=task_name))
    for row in rows:
        row.delete()
    return bool(rows)


def _crontab(expression: str) -> CrontabSchedule:
    parts = expression.split()
    if len(parts) != _CRON_FIELDS:
        raise ValueError(f"{expression!r} is no cron expression of five fields")
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    zone = CoreSettings.get_system_time_zone()
    return CrontabSchedule.objects.get_or_create(**dict(zip(names, parts, strict=True)), timezone=zone)[0]


def _interval(hours: float) -> IntervalSchedule:
    if hours == int(hours):
        every, period = max(1, int(hours)), IntervalSchedule.HOURS
    else:
        every, period = max(1, round(hours * 60)), IntervalSchedule.MINUTES
    return IntervalSchedule.objects.get_or_create(every=every, period=period)[0]
