"""Guides: sources, their channels, and what is on."""

from django.db import models


class EPGSource(models.Model):
    """Where guide data come from. One of type `dummy` gets its one `EPGData` row when it is made."""

    SOURCE_TYPE_CHOICES = (
        ("xmltv", "XMLTV URL"),
        ("schedules_direct", "Schedules Direct API"),
        ("dummy", "Custom Dummy EPG"),
    )
    STATUS_IDLE = "idle"
    STATUS_FETCHING = "fetching"
    STATUS_PARSING = "parsing"
    STATUS_ERROR = "error"
    STATUS_SUCCESS = "success"
    STATUS_DISABLED = "disabled"
    STATUS_CHOICES = (
        (STATUS_IDLE, "Idle"),
        (STATUS_FETCHING, "Fetching"),
        (STATUS_PARSING, "Parsing"),
        (STATUS_ERROR, "Error"),
        (STATUS_SUCCESS, "Success"),
        (STATUS_DISABLED, "Disabled"),
    )

    name = models.CharField(max_length=255, unique=True)
    source_type = models.CharField(max_length=20, choices=SOURCE_TYPE_CHOICES, default="xmltv")
    url = models.URLField(max_length=1000, blank=True, null=True)
    username = models.CharField(max_length=255, blank=True, null=True)
    password = models.CharField(max_length=255, blank=True, null=True)
    is_active = models.BooleanField(default=True)
    file_path = models.CharField(max_length=1024, blank=True, null=True)
    refresh_interval = models.IntegerField(default=0)
    refresh_task = models.ForeignKey(
        "django_celery_beat.PeriodicTask", on_delete=models.SET_NULL, null=True, blank=True
    )
    priority = models.PositiveIntegerField(default=0)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)
    status = models.CharField(max_length=20, choices=STATUS_CHOICES, default=STATUS_IDLE)
    last_message = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.name)


class EPGData(models.Model):
    """A channel of a guide."""

    tvg_id = models.CharField(max_length=255, null=True, blank=True, db_index=True)
    name = models.CharField(max_length=512)
    icon_url = models.URLField(max_length=500, null=True, blank=True)
    epg_source = models.ForeignKey(
        EPGSource, on_delete=models.CASCADE, related_name="epgs", null=True, blank=True
    )

    class Meta:
        unique_together = (("tvg_id", "epg_source"),)

    def __str__(self) -> str:
        return f"EPG Data for {self.name}"


class ProgramData(models.Model):
    """A programme."""

    epg = models.ForeignKey(EPGData, on_delete=models.CASCADE, related_name="programs")
    start_time = models.DateTimeField(db_index=True)
    end_time = models.DateTimeField(db_index=True)
    title = models.CharField(max_length=255)
    sub_title = models.TextField(blank=True, null=True)
    description = models.TextField(blank=True, null=True)
    tvg_id = models.CharField(max_length=255, null=True, blank=True)
    program_id = models.CharField(max_length=64, null=True, blank=True, db_index=True)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)

    def __str__(self) -> str:
        return f"{self.title} ({self.start_time} - {self.end_time})"


Programme = ProgramData
"""The specification's name for it."""
