"""Real Django, real ORM: what import must find, and what the models do."""

import textwrap
from typing import Any

import pytest

from tests.e2e.platform import Api
from tests.e2e.written import Written

PLUGIN = """
import time
from django.db import transaction, connection, IntegrityError, close_old_connections, models
from django.db.models import Q, F, Count, Prefetch, OuterRef, Exists, Max
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.conf import settings
from django.utils import timezone
from apps.accounts.models import User
from apps.channels.models import *
from apps.m3u.models import M3UAccount, M3UAccountProfile
from apps.epg.models import EPGSource, EPGData, ProgramData, Programme
from apps.vod.models import *
from apps.plugins.models import PluginConfig, PluginData
from core.models import CoreSettings, StreamProfile, SystemEvent, SystemNotification
from django_celery_beat.models import PeriodicTask, CrontabSchedule, IntervalSchedule

SAVED = []

@receiver(post_save, sender=Channel)
def saved(sender, instance, created, **kwargs):
    SAVED.append((instance.name, created))

class Plugin:
    name = "Probe"
    def run(self, action, params, context):
        scope = {**globals(), "params": params, "self": self}
        exec("def go():\\n" + params["code"], scope)
        return {"value": scope["go"]()}
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def there(request: pytest.FixtureRequest) -> Any:
    """A platform on each of the databases."""
    return request.getfixturevalue("platform" if request.param == "sqlite" else "on_postgresql")


@pytest.fixture(scope="module")
def ask(there: Any) -> Any:
    """Runs a body of statements inside one plugin that has imported everything; what it returns."""
    with there.client() as http:
        written = Written(there, Api(http))
        key = written.enabled("orm_probe", PLUGIN)

        def ask(body: str, *, status: int = 200) -> Any:
            code = textwrap.indent(textwrap.dedent(body).strip(), "    ")
            answer = written.api.run(key, "go", {"code": code})
            assert answer.status_code == status, answer.text
            return answer.json()["result"]["value"] if status == 200 else answer.json()["error"]

        yield ask
        written.remove()


def test_channels_streams_and_groups_are_made_joined_and_counted(ask: Any) -> None:
    found = ask("""
        group, _ = ChannelGroup.objects.get_or_create(name="Sports")
        stream = Stream.objects.create(name="One HD", url="http://example.com/1")
        channel = Channel.objects.create(name="One", channel_number=1.5, channel_group=group)
        ChannelStream.objects.create(channel=channel, stream=stream, order=0)
        rows = Channel.objects.filter(channel_group__name="Sports").annotate(n=Count("streams")).values("name", "n")
        return [list(rows), stream.m3u_account.name, [s.name for s in channel.streams.all()]]
    """)
    assert found == [[{"name": "One", "n": 1}], "custom", ["One HD"]]


def test_tables_carry_the_labels_of_dispatcharr(ask: Any) -> None:
    found = ask("""
        chosen = (Channel, ChannelStream, M3UAccountProfile, ProgramData, CoreSettings, User, M3UMovieRelation)
        return [m._meta.db_table for m in chosen] + [Channel._meta.pk.get_internal_type()]
    """)
    assert found == [
        "dispatcharr_channels_channel", "dispatcharr_channels_channelstream", "m3u_m3uaccountprofile",
        "epg_programdata", "core_coresettings", "accounts_user", "vod_m3umovierelation", "BigAutoField",
    ]  # fmt: skip


def test_the_rows_that_exist_from_the_start_are_there(ask: Any) -> None:
    found = ask("""
        custom = M3UAccount.objects.get(name="custom")
        return [custom.locked, StreamProfile.objects.filter(locked=True).count(), CoreSettings.get_system_time_zone()]
    """)
    assert found == [True, 5, "UTC"]


def test_saving_has_the_side_effects_that_results_depend_on(ask: Any) -> None:
    found = ask("""
        Channel.objects.create(name="before")
        account = M3UAccount.objects.create(name="Prov", max_streams=3)
        profile = ChannelProfile.objects.create(name="Kids")
        members = ChannelProfileMembership.objects.filter(channel_profile=profile, enabled=True).count()
        later = Channel.objects.create(name="later")
        dummy = EPGSource.objects.create(name="My Dummy", source_type="dummy")
        xmltv = EPGSource.objects.create(name="Guide", source_type="xmltv")
        stream = Stream.objects.create(name="s", m3u_account=account)
        account_id = account.id
        account.delete()
        return {
            "profiles": [members == Channel.objects.count() - 1, later.channelprofilemembership_set.count()],
            "default": M3UAccountProfile.objects.filter(m3u_account_id=account_id).count(),
            "dummy": [dummy.epgs.count(), xmltv.epgs.count()],
            "cascade": Stream.objects.filter(pk=stream.pk).exists(),
        }
    """)
    assert found == {"profiles": [True, 0], "default": 0, "dummy": [1, 0], "cascade": False}
    assert ask('return [p.name for p in M3UAccount.objects.create(name="Two").profiles.all()]') == [
        "Two Default"
    ]


def test_the_specifications_recording_keeps_its_title(ask: Any) -> None:
    found = ask("""
        channel = Channel.objects.create(name="rec")
        now = timezone.now()
        Recording.objects.create(channel=channel, start_time=now, end_time=now, title="Game Recording")
        read = Recording.objects.get(channel=channel)
        return [read.title, read.custom_properties, Programme is ProgramData]
    """)
    assert found == ["Game Recording", {"title": "Game Recording"}, True]


def test_every_kind_of_query_in_use_works(ask: Any) -> None:
    found = ask("""
        g, _ = ChannelGroup.objects.get_or_create(name="Q")
        made = Channel.objects.bulk_create([Channel(name=f"q{n}", channel_number=n, channel_group=g) for n in range(6)])
        Logo.objects.bulk_create([Logo(name="l", url="u1"), Logo(name="m", url="u1")], ignore_conflicts=True)
        mine = Channel.objects.filter(name__startswith="q", channel_group=g)
        mine.filter(channel_number__gte=3).update(channel_number=F("channel_number") + 100)
        for c in made: c.user_level = 7
        Channel.objects.bulk_update(made, ["user_level"])
        Stream.objects.create(name="j", url="http://j", custom_properties={"a": {"b": [1]}}, stream_stats={"fps": 50})
        obj, created = Channel.objects.update_or_create(name="q0", defaults={"tvg_id": "t"})
        streams = Stream.objects.filter(channels=OuterRef("pk"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM dispatcharr_channels_channel WHERE user_level = %s", [7])
            raw = cursor.fetchone()[0]
        return {
            "max": mine.aggregate(m=Max("channel_number"))["m"],
            "flat": list(mine.exclude(name="q1").order_by("name").values_list("name", flat=True)[:2]),
            "only": mine.only("name").first().user_level, "raw": raw, "logos": Logo.objects.filter(url="u1").count(),
            "json": Stream.objects.filter(custom_properties__a__b__0=1, stream_stats__fps__gte=25).count(),
            "q": mine.filter(Q(name="q1") | ~Q(name__lt="q4")).distinct().count(),
            "exists": mine.annotate(has=Exists(streams)).filter(has=True).count(),
            "prefetch": [len(c.streams.all()) for c in mine.prefetch_related(Prefetch("streams"))[:1]],
            "iter": sum(1 for _ in mine.select_related("channel_group").iterator(chunk_size=2)),
            "lock": created, "groups": list(mine.values("channel_group__name").annotate(n=Count("id", distinct=True)).values_list("n", flat=True)),
        }
    """)
    assert found == {
        "max": 105, "flat": ["q0", "q2"], "only": 7, "raw": 6, "logos": 1, "json": 1, "q": 3, "exists": 0,
        "prefetch": [0], "iter": 6, "lock": False, "groups": [6],
    }  # fmt: skip


def test_a_transaction_rolls_back_whole_and_savepoints_by_themselves(ask: Any) -> None:
    found = ask("""
        try:
            with transaction.atomic():
                ChannelGroup.objects.create(name="gone")
                list(ChannelGroup.objects.select_for_update().filter(name="gone"))
                raise RuntimeError
        except RuntimeError:
            pass
        with transaction.atomic():
            ChannelGroup.objects.create(name="kept")
            try:
                with transaction.atomic():
                    ChannelGroup.objects.create(name="kept")
            except IntegrityError:
                pass
            ChannelGroup.objects.create(name="after the error")
        return sorted(ChannelGroup.objects.filter(name__in=["gone", "kept", "after the error"]).values_list("name", flat=True))
    """)
    assert found == ["after the error", "kept"]


def test_plugin_data_in_a_transaction_is_seen_in_it_and_sent_or_dropped_with_it(ask: Any) -> None:
    found = ask("""
        key, D = "orm_probe", PluginData.objects
        D.set_collection(key, "atomic", [{"n": 1}, {"n": 2}])
        first, second = [r.id for r in D.get_collection(key, "atomic")]
        try:
            with transaction.atomic():
                D.add_to_collection(key, "atomic", {"n": 99})
                D.clear_collection(key, "atomic")
                inside = len(D.get_collection(key, "atomic"))
                raise RuntimeError
        except RuntimeError:
            rolled = [d["n"] for d in D.get_collection_data(key, "atomic")]
        with transaction.atomic():
            third = D.add_to_collection(key, "atomic", {"n": 3})
            D.update_in_collection(key, "atomic", str(first), {"n": 11})
            removed = [D.remove_from_collection(key, "atomic", second), D.remove_from_collection(key, "atomic", second)]
            try:
                with transaction.atomic():
                    D.add_to_collection(key, "atomic", {"n": "dropped with its savepoint"})
                    D.set_collection(key, "other", [{"x": 1}])
                    raise RuntimeError
            except RuntimeError:
                pass
            D.set_collection(key, "second", [{"_id": 7, "a": 1}, {"a": 2}])
            seen = [d["n"] for d in D.get_collection_data(key, "atomic")]
        after = [d["n"] for d in D.get_collection_data(key, "atomic")]
        return [inside, rolled, removed, seen, after, D.get_collection_data(key, "second"), len(D.get_collection(key, "other")), third.id > second]
    """)
    assert found == [
        0,
        [1, 2],
        [True, False],
        [11, 3],
        [11, 3],
        [{"a": 1, "_id": 7}, {"a": 2, "_id": 8}],
        0,
        True,
    ]


def test_plugin_data_in_a_transaction_is_stored_as_it_was_given(ask: Any) -> None:
    found = ask("""
        key, D = "orm_probe", PluginData.objects
        given = {"tags": ["as given"]}
        with transaction.atomic():
            made = D.add_to_collection(key, "given", given)
            given["tags"].append("later")
            made.data["tags"].append("in what came back")
            D.get_collection(key, "given")[0].data["tags"].append("in what was read")
            seen = D.get_collection_data(key, "given")[0]["tags"]
            try:
                D.set_collection(key, "given", [{"ok": 1}, {"not": object()}])
            except TypeError as error:
                refused = "JSON cannot hold" in str(error)
        return [seen, D.get_collection_data(key, "given")[0]["tags"], refused]
    """)
    assert found == [["as given"], ["as given"], True]


def test_signal_receivers_of_a_plugin_hear_of_what_it_saves(ask: Any) -> None:
    found = ask("""
        SAVED.clear()
        channel = Channel.objects.create(name="heard")
        channel.save()
        return SAVED
    """)
    assert found == [["heard", True], ["heard", False]]


def test_a_config_reads_and_saves_like_a_model(ask: Any, there: Any) -> None:
    found = ask("""
        C = PluginConfig.objects
        row = C.get(key="orm_probe")
        row.settings["state"] = {"count": 1}
        row.save(update_fields=["settings"])
        again, created = C.get_or_create(key="orm_probe", defaults={"settings": {}})
        C.filter(key="orm_probe").update(settings={**again.settings, "more": True})
        row.refresh_from_db()
        C.update_or_create(key="orm_probe", defaults={"settings": {**row.settings, "last": 1}})
        missing = None
        try:
            C.get(key="orm_probe", enabled=False)
        except PluginConfig.DoesNotExist as error:
            missing = str(error)
        return {
            "settings": C.filter(key="orm_probe").first().settings, "created": created, "missing": missing,
            "values": list(C.filter(key="orm_probe").values_list("settings__state__count", flat=True)),
            "all": C.filter(enabled=True, key__in=["orm_probe"]).count(), "exists": C.filter(Q(settings__more=True)).exists(),
            "named": [c.name for c in C.all() if c.key == "orm_probe"],
        }
    """)
    assert found == {
        "settings": {"state": {"count": 1}, "more": True, "last": 1}, "created": False,
        "missing": "PluginConfig matching query does not exist.", "values": [1], "all": 1, "exists": True,
        "named": ["Probe"],
    }  # fmt: skip
    with there.client() as http:
        assert Api(http).plugins()["orm_probe"]["settings"]["state"] == {"count": 1}


def test_users_cache_settings_and_films_are_there(ask: Any) -> None:
    found = ask("""
        cache.set("a", {"b": 1}, 60)
        user = get_user_model().objects.create_user("anna", password="x", user_level=10)
        movie = Movie.objects.create(name="Film", year=1999, tmdb_id="1")
        account = M3UAccount.objects.create(name="VOD")
        M3UMovieRelation.objects.create(m3u_account=account, movie=movie, stream_id="5", container_extension="mkv")
        series = Series.objects.create(name="Show")
        Episode.objects.create(series=series, name="Pilot", season_number=1, episode_number=1)
        return [cache.get("a"), user.username, movie.m3u_relations.count(), series.episodes.count(), settings.USE_TZ]
    """)
    assert found == [{"b": 1}, "anna", 1, 1, True]


def test_connections_are_closed_after_each_run(ask: Any) -> None:
    ask("return Channel.objects.count()")
    assert ask("return connection.connection is None") is True


def test_five_thousand_channels_are_made_and_changed_in_bulk(ask: Any) -> None:
    found = ask("""
        began = time.monotonic()
        with transaction.atomic():
            Channel.objects.bulk_create([Channel(name=f"bulk {n}", channel_number=n) for n in range(5000)], batch_size=500)
        rows = list(Channel.objects.filter(name__startswith="bulk "))
        for row in rows: row.tvg_id = f"id.{row.channel_number:.0f}"
        Channel.objects.bulk_update(rows, ["tvg_id"], batch_size=500)
        n = Channel.objects.filter(name__startswith="bulk ").exclude(tvg_id=None).count()
        deleted, _ = Channel.objects.filter(name__startswith="bulk ").delete()
        return [n, deleted]
    """)
    assert found == [5000, 5000]
