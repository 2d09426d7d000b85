"""Rows that come with rows: what the host application does when something is saved."""

from typing import Any

from django.apps import apps
from django.db.models.signals import post_save, pre_save

_EVERYTHING = "^(.*)$"
_UNCHANGED = "$1"


def connect() -> None:
    """Have the side effects happen in this process."""
    model = apps.get_model
    post_save.connect(_default_profile, sender=model("m3u.M3UAccount"), dispatch_uid="default_profile")
    post_save.connect(
        _memberships, sender=model("dispatcharr_channels.ChannelProfile"), dispatch_uid="memberships"
    )
    post_save.connect(_dummy_guide, sender=model("epg.EPGSource"), dispatch_uid="dummy_guide")
    pre_save.connect(
        _custom_account, sender=model("dispatcharr_channels.Stream"), dispatch_uid="custom_account"
    )


def _default_profile(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw:
        instance.profiles.create(
            name=f"{instance.name} Default",
            is_default=True,
            is_active=True,
            max_streams=instance.max_streams,
            search_pattern=_EVERYTHING,
            replace_pattern=_UNCHANGED,
        )


def _memberships(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if not created or raw:
        return
    channels = apps.get_model("dispatcharr_channels.Channel").objects.values_list("pk", flat=True)
    membership = apps.get_model("dispatcharr_channels.ChannelProfileMembership")
    membership.objects.bulk_create(
        (membership(channel_profile=instance, channel_id=channel, enabled=True) for channel in channels),
        batch_size=1000,
    )


def _dummy_guide(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw and instance.source_type == "dummy":
        tvg_id = instance.name.replace(" ", "_").replace("-", "_")
        instance.epgs.get_or_create(tvg_id=tvg_id, defaults={"name": instance.name})


def _custom_account(instance: Any, raw: bool = False, **_: Any) -> None:
    if instance.m3u_account_id is None and not raw:
        accounts = apps.get_model("m3u.M3UAccount").objects
        instance.m3u_account = accounts.filter(name="custom", locked=True).first()
