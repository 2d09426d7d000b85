"""Real Django, real ORM: what import must find, and what the models do."""

import textwrap
from typing import Any

from tests.e2e.platform import Api
from tests.e2e.written import Written

PLUGIN = """
from django.db import transaction, connection, IntegrityError, close_old_connections
from django.db.models import Q, F, Count, Prefetch, OuterRef, Exists
from django.utils import timezone
from apps.channels.models import *
from apps.m3u.models import M3UAccount, M3UAccountProfile
from apps.epg.models import EPGSource, EPGData, ProgramData, Programme
from core.models import CoreSettings, StreamProfile

class Plugin:
    name = "Probe"
    def run(self, action, params, context):
{body}
"""


def ask(written: Written, api: Api, folder: str, body: str) -> Any:
    """The value that a plugin with this body of `run` returns."""
    source = PLUGIN.replace("{body}", textwrap.indent(textwrap.dedent(body).strip(), " " * 8))
    written.enabled(folder, source)
    return api.result(folder, "go")["result"]


def test_channels_streams_and_groups_are_made_joined_and_counted(written: Written, api: Api) -> None:
    found = ask(
        written,
        api,
        "orm_basics",
        """
        group, _ = ChannelGroup.objects.get_or_create(name="Sports")
        stream = Stream.objects.create(name="One HD", url="http://example.com/1")
        channel = Channel.objects.create(name="One", channel_number=1.5, channel_group=group)
        ChannelStream.objects.create(channel=channel, stream=stream, order=0)
        rows = Channel.objects.filter(channel_group__name="Sports").annotate(n=Count("streams")).values("name", "n")
        return [list(rows), stream.m3u_account.name, [s.name for s in channel.streams.all()]]
        """,
    )
    assert found == [[{"name": "One", "n": 1}], "custom", ["One HD"]]
