"""Channels, streams, and what belongs to them."""

import hashlib
import uuid
from typing import Any

from django.db import models

from apps.channels.records import Recording


class ChannelGroup(models.Model):
    """A group of channels and streams."""

    name = models.TextField(unique=True, db_index=True)

    def __str__(self) -> str:
        return str(self.name)


class Logo(models.Model):
    """A channel's picture."""

    name = models.CharField(max_length=255)
    url = models.TextField(unique=True)

    def __str__(self) -> str:
        return str(self.name)


class Stream(models.Model):
    """Something that can be played. One without an account belongs to account `custom`."""

    name = models.CharField(max_length=512, default="Default Stream")
    url = models.URLField(max_length=4096, blank=True, null=True)
    m3u_account = models.ForeignKey(
        "m3u.M3UAccount", on_delete=models.CASCADE, null=True, blank=True, related_name="streams"
    )
    logo_url = models.TextField(blank=True, null=True)
    tvg_id = models.CharField(max_length=255, blank=True, null=True)
    local_file = models.FileField(upload_to="uploads/", blank=True, null=True)
    current_viewers = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)
    channel_group = models.ForeignKey(
        ChannelGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="streams"
    )
    stream_profile = models.ForeignKey(
        "core.StreamProfile", on_delete=models.SET_NULL, null=True, blank=True, related_name="streams"
    )
    is_custom = models.BooleanField(default=False)
    is_adult = models.BooleanField(default=False, db_index=True)
    is_stale = models.BooleanField(default=False, db_index=True)
    is_catchup = models.BooleanField(default=False)
    catchup_days = models.PositiveIntegerField(default=0)
    stream_hash = models.CharField(max_length=255, null=True, unique=True, db_index=True)
    last_seen = models.DateTimeField(db_index=True, auto_now_add=True)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)
    stream_id = models.IntegerField(null=True, blank=True, db_index=True)
    stream_chno = models.FloatField(null=True, blank=True, db_index=True)
    stream_stats = models.JSONField(null=True, blank=True)
    stream_stats_updated_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ("-updated_at",)

    def __str__(self) -> str:
        return str(self.name or self.url or f"Stream ID {self.pk}")

    @classmethod
    def generate_hash_key(cls, name: str | None, url: str | None, tvg_id: str | None, *more: Any) -> str:
        """A hash by which a stream is found again."""
        parts = [str(part) for part in (name, url, tvg_id, *more) if part is not None]
        return hashlib.sha256("".join(parts).encode()).hexdigest()


class Channel(models.Model):
    """What viewers see: a number, a name, and streams in order."""

    channel_number = models.FloatField(db_index=True, null=True, blank=True)
    name = models.CharField(max_length=512)
    logo = models.ForeignKey(Logo, on_delete=models.SET_NULL, null=True, blank=True, related_name="channels")
    streams = models.ManyToManyField(
        Stream, blank=True, through="dispatcharr_channels.ChannelStream", related_name="channels"
    )
    channel_group = models.ForeignKey(
        ChannelGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="channels"
    )
    tvg_id = models.CharField(max_length=255, blank=True, null=True)
    tvc_guide_stationid = models.CharField(max_length=255, blank=True, null=True)
    epg_data = models.ForeignKey(
        "epg.EPGData", on_delete=models.SET_NULL, null=True, blank=True, related_name="channels"
    )
    stream_profile = models.ForeignKey(
        "core.StreamProfile", on_delete=models.SET_NULL, null=True, blank=True, related_name="channels"
    )
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True, db_index=True)
    user_level = models.IntegerField(default=0)
    is_adult = models.BooleanField(default=False, db_index=True)
    hidden_from_output = models.BooleanField(default=False, db_index=True)
    is_catchup = models.BooleanField(default=False)
    catchup_days = models.PositiveIntegerField(default=0)
    auto_created = models.BooleanField(default=False)
    auto_created_by = models.ForeignKey(
        "m3u.M3UAccount",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="auto_created_channels",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.channel_number} - {self.name}"


class ChannelStream(models.Model):
    """A stream's place in a channel."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE)
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("order",)
        constraints = (models.UniqueConstraint(fields=("channel", "stream"), name="unique_channel_stream"),)

    def __str__(self) -> str:
        return f"{self.channel_id} - {self.stream_id} ({self.order})"


class ChannelGroupM3UAccount(models.Model):
    """Whether an account's group is used, and how its channels are made."""

    channel_group = models.ForeignKey(ChannelGroup, on_delete=models.CASCADE, related_name="m3u_accounts")
    m3u_account = models.ForeignKey("m3u.M3UAccount", on_delete=models.CASCADE, related_name="channel_group")
    enabled = models.BooleanField(default=True)
    auto_channel_sync = models.BooleanField(default=False)
    auto_sync_channel_start = models.FloatField(null=True, blank=True)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)

    class Meta:
        unique_together = (("channel_group", "m3u_account"),)

    def __str__(self) -> str:
        return f"{self.channel_group_id} - {self.m3u_account_id} (Enabled: {self.enabled})"


class ChannelProfile(models.Model):
    """A choice of channels. A new one has every channel that there is."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return str(self.name)


class ChannelProfileMembership(models.Model):
    """Whether a channel is in a profile."""

    channel_profile = models.ForeignKey(ChannelProfile, on_delete=models.CASCADE)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    enabled = models.BooleanField(default=True)

    class Meta:
        unique_together = (("channel_profile", "channel"),)

    def __str__(self) -> str:
        return f"{self.channel_profile_id} - {self.channel_id} ({self.enabled})"


__all__ = [
    "Channel",
    "ChannelGroup",
    "ChannelGroupM3UAccount",
    "ChannelProfile",
    "ChannelProfileMembership",
    "ChannelStream",
    "Logo",
    "Recording",
    "Stream",
]
