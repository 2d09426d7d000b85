"""Recordings."""

from typing import Any

from django.db import models


class Recording(models.Model):
    """A recording that is planned or made. `title` is the specification's; it is kept in `custom_properties`."""

    channel = models.ForeignKey(
        "dispatcharr_channels.Channel", on_delete=models.CASCADE, related_name="recordings"
    )
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    task_id = models.CharField(max_length=255, null=True, blank=True)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)

    class Meta:
        app_label = "dispatcharr_channels"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        title = kwargs.pop("title", None)
        super().__init__(*args, **kwargs)
        if title is not None:
            self.title = title

    def __str__(self) -> str:
        return f"{self.channel_id} - {self.start_time} to {self.end_time}"

    @property
    def title(self) -> str | None:
        """What it is called."""
        properties = self.custom_properties
        return properties.get("title") if isinstance(properties, dict) else None

    @title.setter
    def title(self, title: str) -> None:
        self.custom_properties = {**(self.custom_properties or {}), "title": title}
