"""The list, navigation, pages and logos; enabling, settings, reload, import, delete."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from services.gateway import schemas
from services.gateway.settings import Settings
from tests.integration.gateway.conftest import Served, served
from tests.integration.gateway.listed import LIST, REGION, eventually, shown
from tests.integration.gateway.platform import DIGEST, PNG, Platform, body, manifest

PASSWORD = {"id": "api_key", "label": "Key", "type": "string", "input_type": "password"}
PAGES = {
    "main": {"title": "Main", "components": [{"type": "text", "content": "Hello"}]},
    "more": {"title": "More", "components": []},
}


async def test_the_list_has_every_key_and_is_the_documented_model(site: Served) -> None:
    await site.platform.install(
        manifest(
            "calendar",
            name="Calendar",
            version="1",
            fields=[REGION, PASSWORD],
            actions=[{"id": "sync", "label": "Sync", "confirm": True}],
            navigation={"label": "Calendar", "position": "top"},
            pages=PAGES,
            has_logo=True,
            extra={"source_repo": "https://x", "is_managed": "yes", "homepage": "https://h"},
        ),
        enabled=True,
        api_key="secret",
        region="us",
        stray=1,
    )
    await site.platform.changed("calendar", "settings")
    await eventually(
        lambda: bool((p := site.gateway.view.get("calendar")) and p.config.settings), site.gateway
    )
    item = await shown(site.as_("admin"), "calendar")
    schemas.PluginItem.model_validate(item)
    assert set(schemas.PluginItem.model_fields) - set(item) == set()
    assert item["settings"] == {"api_key": "********", "region": "us", "stray": 1}
    assert item["fields"] == [REGION, PASSWORD]
    assert item["actions"] == [{"id": "sync", "label": "Sync", "confirm": True}]
    assert item["enabled"] is item["ever_enabled"] is item["trusted"] is item["loaded"] is True
    assert item["logo_url"] == f"{site.url}/api/plugins/plugins/calendar/logo/"
    assert item["source_repo"] == "https://x"
    assert item["is_managed"] is False
    assert item["homepage"] == "https://h"
    assert item["pages"]["main"]["title"] == "Main"
    for level in ("user", "viewer"):
        assert (await shown(site.as_(level), "calendar"))["settings"] == {}


async def test_etags_spare_the_body_until_something_changes(site: Served) -> None:
    await site.platform.install(manifest("a", name="A", navigation={"label": "A"}, pages=PAGES), enabled=True)
    client = site.as_("admin")
    await eventually(lambda: bool((p := site.gateway.view.get("a")) and p.is_current), site.gateway)
    await site.gateway.feed.sync()
    for path in (LIST, "/api/plugins/navigation/", "/api/plugins/a/page/", "/api/plugins/a/page/more/"):
        first = await client.get(path)
        assert first.status_code == 200
        etag = first.headers["etag"]
        assert not etag.startswith("W/")
        same = await client.get(path, headers={"If-None-Match": f'"other", {etag}'})
        assert same.status_code == 304
        assert same.content == b""
    listed = (await client.get(LIST)).headers["etag"]
    await site.platform.install(manifest("a", name="B", digest=DIGEST + "2"))
    await eventually(lambda: site.gateway.view.get("a").name == "B", site.gateway)  # type: ignore[union-attr]
    changed = await client.get(LIST, headers={"If-None-Match": listed})
    assert changed.status_code == 200


async def test_navigation_shows_enabled_plugins_in_order(site: Served) -> None:
    for key, position in (("bottom", None), ("top", "top"), ("two", 2), ("one", 1)):
        found = {"label": key.title(), **({} if position is None else {"position": position})}
        await site.platform.install(manifest(key, navigation=found), enabled=True)
    await site.platform.install(manifest("off", navigation={"label": "Off"}))
    await site.platform.install(manifest("plain"), enabled=True)
    await site.gateway.feed.sync()
    answer = body(await site.as_("viewer").get("/api/plugins/navigation/"))
    assert answer["success"] is True
    assert [entry["key"] for entry in answer["navigation"]] == ["one", "two", "top", "bottom"]
    assert answer["navigation"][0] == {
        "key": "one",
        "label": "One",
        "icon": "puzzle",
        "path": "/plugins/one",
        "badge": None,
        "position": 1,
    }


async def test_pages(site: Served) -> None:
    await site.platform.install(manifest("a", name="A", pages=PAGES), enabled=True)
    await site.platform.install(manifest("off", pages=PAGES))
    await site.platform.install(manifest("none"), enabled=True)
    await site.gateway.feed.sync()
    client = site.as_("viewer")
    answer = body(await client.get("/api/plugins/a/page/"))
    assert answer["success"] is True
    assert answer["plugin"] == {"key": "a", "name": "A"}
    assert answer["page"] == PAGES["main"]
    assert body(await client.get("/api/plugins/a/page/more"))["page"]["title"] == "More"
    assert (await client.get("/api/plugins/a/page/nope/")).status_code == 404
    assert (await client.get("/api/plugins/none/page/")).status_code == 404
    assert (await client.get("/api/plugins/off/page/")).status_code == 403
    assert (await client.get("/api/plugins/nobody/page/")).status_code == 404


async def test_logos_are_public(site: Served) -> None:
    await site.platform.install(manifest("a", has_logo=True))
    await site.platform.install(manifest("b"))
    await site.gateway.feed.sync()
    client = site.client()
    logo = await client.get("/api/plugins/plugins/a/logo/")
    assert logo.status_code == 200
    assert logo.headers["content-type"] == "image/png"
    assert logo.content == PNG
    again = await client.get("/api/plugins/plugins/a/logo/", headers={"If-None-Match": logo.headers["etag"]})
    assert again.status_code == 304
    assert (await client.get("/api/plugins/plugins/b/logo/")).status_code == 404
    assert (await client.get("/api/plugins/plugins/c/logo/")).status_code == 404


@pytest.mark.parametrize(
    ("sent", "enabled"),
    [
        (True, True),
        (1, True),
        ("yes", True),
        ("ON", True),
        ("y", True),
        (False, False),
        (0, False),
        ("n", False),
    ],
)
async def test_enabled_takes_what_upstream_takes(site: Served, sent: Any, enabled: bool) -> None:
    await site.platform.install(manifest("a", name="A"))
    response = await site.as_("admin").post(f"{LIST}a/enabled/", json={"enabled": sent})
    answer = body(response)
    assert response.status_code == 200
    assert answer["enabled"] is enabled
    assert answer["ever_enabled"] is enabled
    assert answer["plugin"]["enabled"] is enabled
    assert answer["plugin"]["loaded"] is enabled


@pytest.mark.parametrize("sent", ["maybe", 2, None, [], {}, 1.0])
async def test_enabled_refuses_everything_else(site: Served, sent: Any) -> None:
    await site.platform.install(manifest("a"))
    response = await site.as_("admin").post(f"{LIST}a/enabled/", json={"enabled": sent})
    assert response.status_code == 400
    assert body(response)["path"] == "enabled"


async def test_enabling_waits_for_the_home_and_no_longer_than_it_may(
    platform: Platform, settings_of: Callable[..., Settings]
) -> None:
    async with served(platform, settings_of(), view_s=0.3) as site:
        platform.loads = False
        await platform.install(manifest("slow"))
        response = await site.as_("admin").post(f"{LIST}slow/enabled/", json={"enabled": True})
        assert response.status_code == 200
        assert body(response)["plugin"]["loaded"] is False
        pending = asyncio.create_task(site.as_("admin").post(f"{LIST}slow/enabled/", json={"enabled": True}))
        await asyncio.sleep(0.05)
        await platform.load(manifest("slow"), ok=False, error="no class Plugin")
        answer = body(await pending)
        assert answer["success"] is True
        assert answer["plugin"]["loaded"] is False
        assert answer["plugin"]["load_error"] == "no class Plugin"
        assert answer["plugin"]["errors"][-1]["message"] == "no class Plugin"


async def test_an_invalid_plugin_cannot_be_enabled(site: Served) -> None:
    await site.platform.install(
        manifest("runs", invalid=True, errors=[{"path": "", "message": "the key is reserved"}])
    )
    response = await site.as_("admin").post(f"{LIST}runs/enabled/", json={"enabled": True})
    assert response.status_code == 409
    assert "reserved" in body(response)["detail"]


async def test_settings_are_replaced_validated_and_masked(site: Served) -> None:
    await site.platform.install(manifest("a", fields=[REGION, PASSWORD]))
    client, url = site.as_("admin"), f"{LIST}a/settings/"
    response = await client.post(url, json={"settings": {"api_key": "s3", "region": "us", "old": [1]}})
    assert response.status_code == 200
    assert body(response) == {
        "success": True,
        "settings": {"api_key": "********", "region": "us", "old": [1]},
    }
    assert (await shown(client, "a"))["settings"]["region"] == "us"
    # What was shown comes back: the password stays, the rest is replaced.
    await client.post(url, json={"settings": {"api_key": "********", "region": "eu"}})
    assert site.platform.configs["a"].settings == {"api_key": "s3", "region": "eu"}
    await client.post(url, json={"settings": {"api_key": "new", "region": "eu"}})
    assert site.platform.configs["a"].settings["api_key"] == "new"
    wrong = await client.post(url, json={"settings": {"region": 5}})
    assert wrong.status_code == 422
    assert body(wrong)["errors"] == [{"path": "settings.region", "message": "must be text"}]
    for bad in ([], "x", 5):
        assert (await client.post(url, json={"settings": bad})).status_code == 400
    assert (await client.post(url, json=[])).status_code == 400
    assert (await client.post(url, json={})).status_code == 400
    empty = await client.post(url, json={"settings": None})
    assert body(empty)["settings"] == {}
    assert (await client.post(f"{LIST}nobody/settings/", json={"settings": {}})).status_code == 404


async def test_reload_counts_and_answers_when_the_plugin_is_loaded_anew(site: Served) -> None:
    await site.platform.install(manifest("a"), enabled=True)
    await site.platform.install(manifest("b"))
    client = site.as_("admin")
    assert body(await client.post(f"{LIST}reload/")) == {"success": True, "count": 2}
    assert body(await client.post(f"{LIST}a/reload/")) == {"success": True, "count": 2}
    found = site.gateway.view.get("a")
    assert found is not None
    assert found.manifest.generation == 2
    assert found.is_current
    assert (await client.post(f"{LIST}nobody/reload/")).status_code == 404


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("p/plugin.py", "class Plugin: pass")
    return buffer.getvalue()


async def test_import(site: Served) -> None:
    client, url = site.as_("admin"), f"{LIST}import/"
    response = await client.post(url, files={"file": ("fresh.zip", zipped())})
    assert response.status_code == 200, response.text
    answer = body(response)
    assert (answer["success"], answer["was_managed"]) == (True, False)
    assert answer["plugin"]["key"] == "fresh"
    assert answer["plugin"]["name"] == "Imported"
    again = await client.post(url, files={"file": ("fresh.zip", zipped())})
    assert again.status_code == 400
    assert "exists" in body(again)["error"]
    over = await client.post(url, files={"file": ("fresh.zip", zipped())}, data={"overwrite": "true"})
    assert over.status_code == 200
    assert site.platform.imports[-1].overwrite is True
    for sent in (
        {"files": {"file": ("x.zip", b"no zip")}},
        {"files": {"other": ("x.zip", zipped())}},
        {"data": {"file": "text"}, "files": {"x": b""}},
        {"json": {}},
        {"content": b"garbage", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"garbage", "headers": {"content-type": "multipart/form-data"}},
    ):
        refused = await client.post(url, **sent)  # type: ignore[arg-type]
        assert refused.status_code == 400, sent
    large = await client.post(url, files={"file": ("x.zip", bytes(64 * 1024 * 1024 + 1))})
    assert large.status_code == 413


async def test_delete_stops_first_and_takes_data_only_when_asked(site: Served) -> None:
    client = site.as_("admin")
    for with_data in (False, True):
        await site.platform.install(manifest("a"), enabled=True)
        await site.gateway.feed.sync()
        await client.post("/api/plugins/a/data/things/", json={"x": 1})
        response = await client.delete(f"{LIST}a/delete/", params={"data": str(with_data).lower()})
        assert response.status_code == 200
        assert body(response) == {"success": True}
        assert "a" not in site.platform.configs
        assert bool(site.platform.collections.items) is not with_data
        assert body(await client.get(LIST))["plugins"] == []
    assert (await client.delete(f"{LIST}a/delete/")).status_code == 404
