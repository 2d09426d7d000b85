"""Settings, stream profiles and what the host application reports."""

from typing import Any

from django.db import models

_SYSTEM_SETTINGS = "system_settings"


class UserAgent(models.Model):
    """What streams are asked for as."""

    name = models.CharField(max_length=512, unique=True)
    user_agent = models.CharField(max_length=512, unique=True)
    description = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.name)


class StreamProfile(models.Model):
    """How a stream is played."""

    name = models.CharField(max_length=255)
    command = models.CharField(max_length=255, blank=True)
    parameters = models.TextField(blank=True, null=True)
    is_active = models.BooleanField(default=True)
    locked = models.BooleanField(default=False)
    user_agent = models.ForeignKey(UserAgent, on_delete=models.SET_NULL, null=True, blank=True)

    def __str__(self) -> str:
        return str(self.name)


class CoreSettings(models.Model):
    """Settings by key."""

    key = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=255)
    value = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def get_system_time_zone(cls) -> str:
        """The IANA name of the zone that the administrator chose; UTC where nobody did."""
        value: Any = cls.objects.filter(key=_SYSTEM_SETTINGS).values_list("value", flat=True).first()
        zone = value.get("time_zone") if isinstance(value, dict) else None
        return str(zone) if zone else "UTC"


class SystemEvent(models.Model):
    """Something that happened to a channel, a recording or the application."""

    event_type = models.CharField(max_length=50, db_index=True)
    timestamp = models.DateTimeField(auto_now_add=True, db_index=True)
    channel_id = models.UUIDField(null=True, blank=True, db_index=True)
    channel_name = models.CharField(max_length=255, null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-timestamp",)

    def __str__(self) -> str:
        return f"{self.event_type} at {self.timestamp}"


class SystemNotification(models.Model):
    """A notice to users."""

    notification_key = models.CharField(max_length=255, unique=True)
    notification_type = models.CharField(max_length=50, default="info")
    priority = models.CharField(max_length=20, default="normal")
    title = models.CharField(max_length=255)
    message = models.TextField()
    action_data = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    admin_only = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return str(self.title)
