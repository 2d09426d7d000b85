"""What a gateway knows of plugins follows what is stored, whatever comes late, twice, broken or not at all."""

from collections.abc import Callable

from services.gateway.settings import Settings
from shared.contracts.plugins import Home
from shared.contracts.streams import LEASES, MANIFESTS
from shared.messaging.kv import Kv
from tests.integration.gateway.conftest import Served, served
from tests.integration.gateway.listed import LIST, REGION, eventually, shown
from tests.integration.gateway.platform import Platform, body, manifest


async def test_documents_of_an_old_epoch_are_refused(site: Served) -> None:
    await site.platform.install(manifest("a", name="New", epoch=9))
    view = site.gateway.view
    await eventually(lambda: view.get("a") is not None, site.gateway)
    await site.platform.install(manifest("a", name="Old", epoch=3))
    await site.platform.install(manifest("b"))
    await eventually(lambda: view.get("b") is not None, site.gateway)
    assert view.get("a").name == "New"  # type: ignore[union-attr]
    await site.gateway.feed.sync()
    assert view.get("a").name == "New"  # type: ignore[union-attr]


async def test_a_loaded_document_of_an_older_lease_counts_only_for_the_home(site: Served) -> None:
    view = site.gateway.view
    await site.platform.install(manifest("a"), enabled=True)
    await site.platform.load(manifest("a"), executor="new", epoch=9)
    await eventually(lambda: bool((d := view.loaded("a")) and d.executor == "new"), site.gateway)
    await site.platform.load(manifest("a"), executor="old", epoch=5)
    await site.gateway.feed.sync()
    assert view.loaded("a").executor == "new"  # type: ignore[union-attr]
    home = Home(plugin="a", executor="old", epoch=5, site="s")
    await Kv(site.platform.executor, LEASES).put("home.a", home.model_dump_json().encode())
    await site.platform.load(manifest("a"), executor="old", epoch=5, name="moved")
    await eventually(lambda: view.loaded("a").executor == "old", site.gateway)  # type: ignore[union-attr]


async def test_a_change_whose_message_was_lost_is_found_by_reading_all(site: Served) -> None:
    await site.platform.install(manifest("a"), enabled=True)
    await site.platform.install(manifest("b"))
    await site.gateway.feed.sync()
    for stop in site.gateway.feed._stops:
        await stop()
    site.gateway.feed._stops.clear()
    await site.platform.install(manifest("c"))
    await Kv(site.platform.registry, MANIFESTS).delete("manifest.b")
    del site.platform.configs["a"]
    await site.gateway.feed.sync()
    view = site.gateway.view
    assert view.get("c") is not None
    assert view.get("b") is None
    assert view.get("a").config.enabled is False  # type: ignore[union-attr]


async def test_a_document_that_nobody_understands_harms_no_other(site: Served) -> None:
    await Kv(site.platform.registry, MANIFESTS).put("manifest.broken", b"{")
    await site.platform.install(manifest("fine"))
    await site.gateway.feed.sync()
    keys = [plugin["key"] for plugin in body(await site.as_("viewer").get(LIST))["plugins"]]
    assert keys == ["fine"]


async def test_another_gateways_change_is_seen_soon(
    platform: Platform, settings_of: Callable[..., Settings]
) -> None:
    async with served(platform, settings_of()) as one, served(platform, settings_of()) as two:
        await platform.install(manifest("a", fields=[REGION]))
        await one.as_("admin").post(f"{LIST}a/enabled/", json={"enabled": True})
        await one.as_("admin").post(f"{LIST}a/settings/", json={"settings": {"region": "x"}})
        await eventually(
            lambda: bool((p := two.gateway.view.get("a")) and p.config.settings == {"region": "x"}),
            two.gateway,
        )
        assert (await shown(two.as_("admin"), "a"))["enabled"] is True
