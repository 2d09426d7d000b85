"""Users of the host application."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A user; `user_level` is 0 for streamers, 1 for standard users, 10 for administrators."""

    class UserLevel(models.IntegerChoices):
        STREAMER = 0
        STANDARD = 1
        ADMIN = 10

    avatar_config = models.JSONField(default=dict, blank=True, null=True)
    channel_profiles = models.ManyToManyField(
        "dispatcharr_channels.ChannelProfile", blank=True, related_name="users"
    )
    user_level = models.IntegerField(default=UserLevel.STREAMER)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)

    def __str__(self) -> str:
        return str(self.username)
