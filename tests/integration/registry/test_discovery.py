"""Plugins on the disk become manifests and packages on the bus, and follow what happens on the disk."""

import asyncio
import io
import shutil
import zipfile
from pathlib import Path

import pytest

from shared import errors
from shared.contracts import catalog as c
from shared.contracts.plugins import GetLogo, ReloadPlugins
from shared.contracts.streams import PACKAGES
from shared.messaging.objects import Objects
from tests.integration.registry.conftest import PNG, Stage, write_plugin


async def package_of(stage: Stage, key: str) -> dict[str, bytes]:
    manifest = await stage.manifest(key)
    assert manifest is not None
    assert manifest.digest is not None
    assert manifest.package is not None
    assert manifest.package.digest == manifest.digest
    data = await Objects(await stage.bus_of("executor"), PACKAGES).get(manifest.digest)
    assert len(data) == manifest.package.size
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_plugin_is_listed_with_its_package(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "My Plug-in", logo__png=PNG)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    (folder / "empty").mkdir()
    (stage.plugins / "no_plugin").mkdir()
    await stage.start()
    manifest = await stage.until("my_plug-in")
    assert (manifest.folder, manifest.legacy, manifest.has_logo) == ("My Plug-in", True, True)
    assert [action.id for action in manifest.actions] == ["go"]
    assert manifest.epoch > 0
    assert set(await package_of(stage, "my_plug-in")) == {"plugin.py", "logo.png", "empty/"}
    assert await stage.manifest("no_plugin") is None
    await stage.until_changed("my_plug-in", "discovered")


async def test_the_directory_is_made_where_it_is_absent(stage: Stage) -> None:
    app = await stage.start()
    assert stage.plugins.is_dir()
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    assert await app.service.directory_check() is None
    assert await app.service.lease_check() == "ok: held"


async def test_reserved_and_escaping_and_doubled_folders_are_reported(stage: Stage, tmp_path: Path) -> None:
    write_plugin(stage.plugins, "Runs")
    write_plugin(stage.plugins, "Twice")
    write_plugin(stage.plugins, "twice")
    write_plugin(tmp_path, "elsewhere")
    (stage.plugins / "linked").symlink_to(tmp_path / "elsewhere")
    await stage.start()
    reserved = await stage.until("runs")
    assert reserved.invalid
    assert reserved.digest is None
    assert "rename" in (reserved.errors[0].remedy or "")
    linked = await stage.until("linked")
    assert linked.invalid
    assert "link" in linked.errors[0].message
    twice = await stage.until("twice")
    assert twice.folder == "Twice"
    assert "'twice'" in twice.warnings[-1].message
    shutil.rmtree(stage.plugins / "Twice")
    assert (await stage.until("twice", lambda m: m.folder == "twice")).warnings == []


async def test_what_cannot_be_packed_is_listed_with_the_reason(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "many")
    for number in range(2001):
        (folder / f"f{number}").touch()
    await stage.start()
    manifest = await stage.until("many")
    assert manifest.invalid
    assert "2,000 files" in manifest.errors[0].message
    for number in range(2001):
        (folder / f"f{number}").unlink()
    assert not (await stage.until("many", lambda m: m.digest)).invalid


@pytest.mark.parametrize("watch", ["auto", "poll"])
async def test_a_change_is_a_new_version_within_a_second_or_two(stage: Stage, watch: str) -> None:
    write_plugin(stage.plugins, "one")
    write_plugin(stage.plugins, "other")
    await stage.start(watch=watch)
    first = await stage.until("one")
    other = await stage.until("other")
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    began = asyncio.get_running_loop().time()
    write_plugin(stage.plugins, "one", version="2")
    second = await stage.until("one", lambda m: m.version == "2")
    assert asyncio.get_running_loop().time() - began < (2 if watch == "auto" else 4)
    assert second.digest != first.digest
    assert second.previous == first.digest
    write_plugin(stage.plugins, "new")
    await stage.until("new")
    assert (await stage.until("other")).digest == other.digest
    await stage.until_changed("one", "updated")


async def test_a_plugin_that_is_being_copied_is_taken_when_it_is_whole(stage: Stage) -> None:
    stage.plugins.mkdir()
    await stage.start()
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    folder = write_plugin(stage.plugins, "slow")
    for number in range(8):
        (folder / f"part{number}.py").write_text("x = 1\n" * 100)
        await asyncio.sleep(0.1)
    (folder / "plugin.json").write_text('{"name": "Whole"}')
    await stage.until("slow", lambda m: m.name == "Whole")
    assert len(await package_of(stage, "slow")) == 10
    assert [event.change for event in stage.changes if event.key == "slow"] == ["discovered"]


async def test_files_that_go_away_are_missing_and_come_back(stage: Stage) -> None:
    write_plugin(stage.plugins, "here")
    folder = write_plugin(stage.plugins, "comes_and_goes")
    await stage.start()
    before = await stage.until("comes_and_goes")
    folder.rename(stage.plugins.parent / "aside")
    missing = await stage.until("comes_and_goes", lambda m: m.missing)
    assert missing.digest == before.digest
    await stage.until_changed("comes_and_goes", "missing")
    (stage.plugins.parent / "aside").rename(folder)
    back = await stage.until("comes_and_goes", lambda m: not m.missing)
    assert back.digest == before.digest


async def test_what_went_away_while_no_registry_ran_is_missing(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "only")
    first = await stage.start()
    await stage.until("only")
    await first.service.lost()
    await first.lease.close()
    shutil.rmtree(folder)
    await stage.start()
    await stage.until("only", lambda m: m.missing)


@pytest.mark.parametrize("how", ["gone", "unmounted"])
async def test_a_directory_that_is_not_there_makes_no_plugin_missing(stage: Stage, how: str) -> None:
    write_plugin(stage.plugins, "safe")
    app = await stage.start()
    await stage.until("safe")
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    stage.plugins.rename(stage.plugins.parent / "aside")
    if how == "unmounted":
        stage.plugins.mkdir()
    with pytest.raises(errors.Unavailable, match="plugin directory"):
        await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())
    assert "plugin directory" in (await app.service.directory_check() or "")
    manifest = await stage.manifest("safe")
    assert manifest is not None
    assert not manifest.missing
    if how == "unmounted":
        stage.plugins.rmdir()
    (stage.plugins.parent / "aside").rename(stage.plugins)
    write_plugin(stage.plugins, "safe", version="2")
    await stage.until("safe", lambda m: m.version == "2")
    assert await app.service.directory_check() is None


async def test_reload_raises_the_generation_of_all_or_of_one(stage: Stage) -> None:
    write_plugin(stage.plugins, "one")
    write_plugin(stage.plugins, "two")
    await stage.start()
    await stage.until("one")
    assert (await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins())).count == 2
    assert [(await stage.until(key)).generation for key in ("one", "two")] == [1, 1]
    await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins(key="one"))
    assert [(await stage.until(key)).generation for key in ("one", "two")] == [2, 1]
    await stage.until_changed("two", "reloaded")
    write_plugin(stage.plugins, "one", version="2")
    assert (await stage.until("one", lambda m: m.version == "2")).generation == 2
    with pytest.raises(errors.NotFound):
        await stage.answers(c.RELOAD_PLUGINS, ReloadPlugins(key="three"))


async def test_a_logo_is_a_small_png_or_none(stage: Stage, tmp_path: Path) -> None:
    write_plugin(stage.plugins, "good", logo__png=PNG)
    write_plugin(stage.plugins, "html", logo__png=b"<script>")
    write_plugin(stage.plugins, "large", logo__png=PNG + bytes(256 * 1024))
    folder = write_plugin(stage.plugins, "linked")
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "logo.png").symlink_to(tmp_path / "secret.png")
    await stage.start()
    await stage.until("linked")
    logo = await stage.answers(c.GET_LOGO, GetLogo(key="good"))
    assert len(logo.digest) == 64
    for key in ("html", "large", "linked", "nobody"):
        with pytest.raises(errors.NotFound):
            await stage.answers(c.GET_LOGO, GetLogo(key=key))
    assert (await stage.until("good")).has_logo
    assert not (await stage.until("html")).has_logo


async def test_a_manifest_beyond_all_measure_is_shortened_and_says_so(stage: Stage) -> None:
    folder = write_plugin(stage.plugins, "talkative")
    fields = ",".join(f'{{"id": "f{n}", "type": "string", "label": "{"x" * 900}"}}' for n in range(900))
    (folder / "plugin.json").write_text(f'{{"name": "Talk", "fields": [{fields}]}}')
    await stage.start()
    manifest = await stage.until("talkative")
    assert manifest.name == "Talk"
    assert manifest.digest
    assert "left out" in manifest.errors[0].message
