"""Plugins come in as ZIPs and go away again: whole, or not at all."""

import asyncio
import io
import shutil
import zipfile

import pytest
from nats.js.errors import NotFoundError

from services.registry.directory import OWN
from shared import errors
from shared.contracts import catalog as c
from shared.contracts.base import ObjectRef
from shared.contracts.plugins import DeletePlugin, ImportPlugin
from shared.contracts.streams import PACKAGES, plugin_durable
from shared.messaging.objects import Objects
from tests.integration.registry.conftest import CODE, Stage, write_plugin


def zipped(files: dict[str, bytes | str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def plugin_zip(folder: str = "My-Zip Plug/", version: str = "1", **more: str) -> bytes:
    code = CODE.format(name="Zipped", version=version)
    return zipped({f"{folder}plugin.py": code, **{folder + name: data for name, data in more.items()}})


def nothing_left(stage: Stage) -> bool:
    return not any((stage.plugins / OWN).iterdir())


async def test_an_import_is_listed_disabled_and_executes_nothing(stage: Stage) -> None:
    await stage.start()
    command = await stage.upload(plugin_zip(helper="x"))
    imported = await stage.answers(c.IMPORT_PLUGIN, command)
    assert (imported.key, imported.replaced, imported.was_managed) == ("my_zip_plug", False, False)
    manifest = await stage.manifest("my_zip_plug")
    assert manifest is not None
    assert manifest.name == "Zipped"
    assert manifest.digest
    assert sorted(path.name for path in (stage.plugins / "my_zip_plug").iterdir()) == ["helper", "plugin.py"]
    assert nothing_left(stage)
    await stage.until_changed("my_zip_plug", "discovered")


async def test_a_flat_archive_is_named_after_its_file(stage: Stage) -> None:
    await stage.start()
    command = await stage.upload(plugin_zip(folder=""), "Sports Calendar-main.ZIP")
    assert (await stage.answers(c.IMPORT_PLUGIN, command)).key == "sports_calendar_main"


async def test_overwriting_swaps_whole_and_only_when_asked(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "My_Zip_Plug", old__txt=b"old")
    (folder / "plugin.json").write_text('{"name": "Old", "is_managed": true}')
    await stage.start()
    old = await stage.until("my_zip_plug")
    with pytest.raises(errors.Invalid, match="exists already"):
        await stage.answers(c.IMPORT_PLUGIN, await stage.upload(plugin_zip(version="2")))
    command = await stage.upload(plugin_zip(version="2"), overwrite=True)
    imported = await stage.answers(c.IMPORT_PLUGIN, command)
    assert imported.replaced
    assert imported.was_managed
    new = await stage.until("my_zip_plug", lambda m: m.version == "2")
    assert new.folder == "My_Zip_Plug"
    assert new.previous == old.digest
    assert [path.name for path in folder.iterdir()] == ["plugin.py"]
    # The version before is kept for homes that have it.
    assert await Objects(await stage.bus_of("executor"), PACKAGES).has(old.digest or "")


async def test_a_failure_after_the_swap_brings_the_old_one_back(stage: Stage) -> None:
    write_plugin(stage.plugins, "my_zip_plug", old__txt=b"old")
    app = await stage.start()
    old = await stage.until("my_zip_plug")
    await stage.answers(c.IMPORT_PLUGIN, await stage.upload(plugin_zip(folder="other/")))

    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(packages, name)

        async def put(self, _digest: str, _data: bytes) -> None:
            raise errors.Unavailable("the bus cannot store more now")

    packages = app.catalogue._packages
    app.catalogue._packages = Full()  # type: ignore[assignment]
    command = await stage.upload(plugin_zip(version="2"), overwrite=True)
    with pytest.raises(errors.Unavailable, match="cannot store more"):
        await stage.gateway.request(c.IMPORT_PLUGIN, command)
    with pytest.raises(errors.Unavailable, match="cannot store more"):
        await stage.gateway.request(
            c.IMPORT_PLUGIN, await stage.upload(plugin_zip(folder="fresh/", version="3"))
        )
    assert (stage.plugins / "my_zip_plug" / "old.txt").read_bytes() == b"old"
    assert not (stage.plugins / "fresh").exists()
    assert nothing_left(stage)
    now = await stage.manifest("my_zip_plug")
    assert now is not None
    assert now.digest == old.digest


async def test_what_breaks_a_rule_changes_nothing(stage: Stage) -> None:
    await stage.start()
    code = CODE.format(name="x", version="1")
    refused = {
        "not a ZIP": b"hello",
        "The file is empty": b"",
        "The archive is empty": zipped({}),
        "no plugin": zipped({"a/readme.md": "x"}),
        "more than 2,000": zipped({f"a/{n}.py": "" for n in range(2001)}),
        "reserved": zipped({"runs/plugin.py": code}),
        "escapes": zipped({"a/plugin.py": code, "../evil.py": "x"}),
        "absolute": zipped({"a/plugin.py": code, "/etc/evil": "x"}),
        "more than 200 MiB": zipped({"a/plugin.py": code, "a/bomb": bytes(201 * 1024 * 1024)}),
    }
    for reason, data in refused.items():
        with pytest.raises(errors.Invalid, match=reason):
            await stage.answers(c.IMPORT_PLUGIN, await stage.upload(data))
    assert [path.name for path in stage.plugins.iterdir()] == [OWN]
    assert nothing_left(stage)
    gone = ImportPlugin(upload=ObjectRef(digest="0" * 64, size=1), filename="x.zip")
    with pytest.raises(errors.Invalid, match="no longer there"):
        await stage.answers(c.IMPORT_PLUGIN, gone)


async def test_of_two_imports_at_once_one_is_first(stage: Stage) -> None:
    await stage.start()
    await stage.answers(c.IMPORT_PLUGIN, await stage.upload(plugin_zip(folder="warm/")))
    commands = [await stage.upload(plugin_zip(version=str(number))) for number in range(4)]
    results = await asyncio.gather(
        *(stage.gateway.request(c.IMPORT_PLUGIN, command) for command in commands), return_exceptions=True
    )
    assert sum(isinstance(result, errors.Invalid) for result in results) == 3
    won = next(number for number, result in enumerate(results) if not isinstance(result, Exception))
    assert f'version = "{won}"' in (stage.plugins / "my_zip_plug" / "plugin.py").read_text()


async def test_a_deleted_plugin_leaves_nothing(stage: Stage) -> None:
    write_plugin(stage.plugins, "Odd Näme!")
    await stage.start()
    manifest = await stage.until("odd_näme!")
    await stage.answers(c.DELETE_PLUGIN, DeletePlugin(key="odd_näme!", actor="admin"))
    assert not (stage.plugins / "Odd Näme!").exists()
    assert await stage.manifest("odd_näme!") is None
    assert not await Objects(await stage.bus_of("executor"), PACKAGES).has(manifest.digest or "")
    assert (await stage.until_changed("odd_näme!", "removed")).actor == "admin"
    assert nothing_left(stage)
    with pytest.raises(errors.NotFound):
        await stage.answers(c.DELETE_PLUGIN, DeletePlugin(key="odd_näme!"))


async def test_a_package_that_another_plugin_has_too_outlives_the_deleted_one(stage: Stage) -> None:
    for name in ("one", "two"):
        folder = write_plugin(stage.plugins, name)
        (folder / "plugin.py").write_text("class Plugin:\n    def run(self, *a): ...\n")
    write_plugin(stage.plugins, "Double")
    write_plugin(stage.plugins, "double", version="2")
    await stage.start()
    one, two = await stage.until("one"), await stage.until("two")
    assert one.digest == two.digest
    await stage.answers(c.DELETE_PLUGIN, DeletePlugin(key="one"))
    assert await Objects(await stage.bus_of("executor"), PACKAGES).has(two.digest or "")
    await stage.answers(c.DELETE_PLUGIN, DeletePlugin(key="double"))
    assert (await stage.until("double")).folder == "double"


async def test_a_missing_plugin_can_be_deleted(stage: Stage) -> None:
    write_plugin(stage.plugins, "stays")
    folder = write_plugin(stage.plugins, "gone")
    await stage.start()
    await stage.until("gone")
    shutil.rmtree(folder)
    await stage.until("gone", lambda m: m.missing)
    await stage.answers(c.DELETE_PLUGIN, DeletePlugin(key="gone"))
    await stage.until_gone("gone")


async def test_what_a_killed_predecessor_left_half_done_is_undone(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "precious")
    workspace = stage.plugins / OWN / "tmp1"
    (workspace / "old").mkdir(parents=True)
    folder.rename(workspace / "old" / "precious")
    (workspace / "new").mkdir()
    await stage.start()
    assert not (await stage.until("precious")).missing
    assert (folder / "plugin.py").exists()
    assert not workspace.exists()


async def consumer_width(stage: Stage, plugin: str) -> int | None:
    js = stage.provisioner.nc.jetstream()
    try:
        info = await js.consumer_info(c.RUN_CMD, plugin_durable(plugin))
    except NotFoundError:
        return None
    return info.config.max_ack_pending


async def until_width(stage: Stage, plugin: str, width: int | None) -> None:
    async with asyncio.timeout(15):
        while await consumer_width(stage, plugin) != width:  # noqa: ASYNC110 - nothing tells of consumers
            await asyncio.sleep(0.05)


async def test_an_enabled_plugin_has_a_consumer_as_wide_as_its_manifest_says(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "wide")
    (folder / "plugin.json").write_text('{"name": "Wide", "execution": {"concurrency": 3}}')
    await stage.start()
    await stage.until("wide")
    await stage.switch("wide", enabled=True)
    await until_width(stage, "wide", 3)
    (folder / "plugin.json").write_text('{"name": "Wide", "execution": {"concurrency": 5}}')
    await until_width(stage, "wide", 5)
    await stage.switch("wide", enabled=False)
    await until_width(stage, "wide", None)
