"""Working copies: brought up to date, healed, and never led elsewhere."""

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.executor import packages
from services.executor.folders import Folder
from services.executor.packages import WorkingCopies
from shared import errors
from shared.contracts.base import sha256


class Store:
    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.asked = 0

    def add(self, files: Mapping[str, str | None], *, mode: int = 0o644) -> str:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for name, text in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                archive.writestr(info, text or "")
        digest = sha256(held.getvalue())
        self.held[digest] = held.getvalue()
        return digest

    async def get(self, digest: str) -> bytes:
        self.asked += 1
        return self.held[digest]


class Rig:
    def __init__(self, root: Path) -> None:
        self.store = Store()
        self.copies = WorkingCopies(self.store, root / "files", root / "records")
        self.folder = root / "files/plugins/My Plug"
        self.records = root / "records"

    async def bring(self, files: Mapping[str, str | None], *, mode: int = 0o644) -> None:
        digest = self.store.add(files, mode=mode)
        assert await self.copies.bring_up_to_date("my_plug", "My Plug", digest) == self.folder

    def found(self) -> dict[str, str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_text() for path in files}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_a_new_version_takes_away_what_left_and_keeps_what_the_plugin_made(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1", "old/gone.py": "1", "lib/": None})
    (rig.folder / "state.json").write_text("mine")
    (rig.folder / "lib/cache.db").write_text("mine")
    await rig.bring({"plugin.py": "2", "new/deep/x.py": "2"})
    assert rig.found() == {
        "plugin.py": "2",
        "new/deep/x.py": "2",
        "state.json": "mine",
        "lib/cache.db": "mine",
    }
    assert not (rig.folder / "old").exists()
    assert not list(rig.folder.rglob("*.plugarr-new"))


async def test_an_unchanged_package_is_not_even_fetched(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1"})
    (rig.folder / "plugin.py").write_text("edited where it runs")
    await rig.bring({"plugin.py": "1"})
    assert rig.store.asked == 1
    assert rig.found() == {"plugin.py": "edited where it runs"}


async def test_a_file_that_the_plugin_deleted_or_lost_comes_back(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1", "data.csv": "a"})
    (rig.folder / "data.csv").unlink()
    await rig.bring({"plugin.py": "1", "data.csv": "a"})
    assert rig.found() == {"plugin.py": "1", "data.csv": "a"}


async def test_what_the_plugin_wrote_into_a_packaged_file_stays_until_its_author_changes_it(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1", "config.json": "{}"})
    (rig.folder / "config.json").write_text('{"mine": 1}')
    await rig.bring({"plugin.py": "2", "config.json": "{}"})
    assert rig.found()["config.json"] == '{"mine": 1}'
    await rig.bring({"plugin.py": "3", "config.json": '{"theirs": 1}'})
    assert rig.found()["config.json"] == '{"theirs": 1}'


async def test_a_kill_in_the_middle_heals(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.bring({"a.py": "1", "b.py": "1", "gone.py": "1"})
    put = Folder.put

    def die(self: Folder, name: str, data: bytes, *, mode: int) -> None:
        if name == "b.py":
            raise KeyboardInterrupt
        put(self, name, data, mode=mode)

    monkeypatch.setattr(packages.Folder, "put", die)
    copy = Folder(rig.folder.parents[1], "plugins/My Plug")
    package = rig.store.held[rig.store.add({"a.py": "2", "b.py": "2"})]
    with pytest.raises(KeyboardInterrupt):
        rig.copies._bring("my_plug", copy, "x", package)
    monkeypatch.undo()
    await rig.bring({"a.py": "2", "b.py": "2"})
    assert rig.found() == {"a.py": "2", "b.py": "2"}


async def test_links_of_the_plugin_lead_no_file_elsewhere(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim.py").write_text("untouched")
    await rig.bring({"plugin.py": "1", "lib/victim.py": "1", "top.py": "1"})
    (rig.folder / "lib/victim.py").unlink()
    (rig.folder / "lib").rmdir()
    (rig.folder / "lib").symlink_to(outside)
    (rig.folder / "top.py").unlink()
    (rig.folder / "top.py").symlink_to(outside / "victim.py")
    await rig.bring({"plugin.py": "2", "lib/victim.py": "2", "top.py": "2"})
    assert (outside / "victim.py").read_text() == "untouched"
    assert rig.found() == {"plugin.py": "2", "lib/victim.py": "2", "top.py": "2"}
    (rig.folder / "lib/victim.py").unlink()
    (rig.folder / "lib").rmdir()
    (rig.folder / "lib").symlink_to(outside)
    await rig.bring({"plugin.py": "3"})
    assert (outside / "victim.py").read_text() == "untouched"


async def test_a_folder_that_became_a_link_or_stands_in_the_way_is_replaced(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    rig.folder.parent.mkdir(parents=True)
    rig.folder.symlink_to(outside)
    await rig.bring({"plugin.py": "1"})
    assert not list(outside.iterdir())
    (rig.folder / "plugin.py").unlink()
    (rig.folder / "plugin.py").mkdir()
    (rig.folder / "plugin.py/in the way").write_text("x")
    await rig.bring({"plugin.py": "2"})
    assert rig.found() == {"plugin.py": "2"}


async def test_a_link_in_the_place_of_all_plugins_leads_no_file_elsewhere(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "My Plug").mkdir(parents=True)
    (outside / "My Plug/plugin.py").write_text("untouched")
    await rig.bring({"plugin.py": "1"})
    rig.folder.parent.rename(tmp_path / "files/moved")
    rig.folder.parent.symlink_to(outside)
    await rig.bring({"plugin.py": "1"})
    await rig.bring({"plugin.py": "2", "more.py": "2"})
    assert rig.found() == {"plugin.py": "2", "more.py": "2"}
    assert not rig.folder.parent.is_symlink()
    assert (outside / "My Plug/plugin.py").read_text() == "untouched"
    assert len(list(outside.rglob("*"))) == 2


async def test_byte_code_of_a_replaced_source_is_forgotten(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1", "other.py": "1"})
    cache = rig.folder / "__pycache__"
    cache.mkdir()
    for name in ("plugin.cpython-311.pyc", "other.cpython-311.pyc"):
        (cache / name).write_text("old")
    await rig.bring({"plugin.py": "2", "other.py": "1"})
    assert [path.name for path in cache.iterdir()] == ["other.cpython-311.pyc"]


async def test_programs_stay_executable(rig: Rig) -> None:
    await rig.bring({"tool": "#!/bin/sh"}, mode=0o755)
    assert os.access(rig.folder / "tool", os.X_OK)


@pytest.mark.parametrize("name", ["../escape.py", "/etc/absolute", "a/../../b"])
async def test_a_package_that_leaves_its_folder_is_refused(rig: Rig, name: str) -> None:
    with pytest.raises(errors.Invalid, match="leaves its folder"):
        await rig.bring({name: "x"})
    with pytest.raises(errors.Invalid, match="no name of a folder"):
        await rig.copies.bring_up_to_date("p", "..", "x")


async def test_what_is_no_package_is_refused(rig: Rig) -> None:
    rig.store.held["bad"] = b"not a zip"
    with pytest.raises(errors.Invalid, match="no ZIP"):
        await rig.copies.bring_up_to_date("p", "p", "bad")


async def test_a_damaged_record_only_costs_a_new_look(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1"})
    (rig.records / "my_plug.json").write_text("{broken")
    await rig.bring({"plugin.py": "1"})
    assert rig.found() == {"plugin.py": "1"}


async def test_what_is_dropped_is_gone_with_its_record_and_can_be_had_again(rig: Rig) -> None:
    await rig.bring({"plugin.py": "1", "lib/x.py": "1"})
    (rig.folder / "state.json").write_text("mine")
    neighbour = rig.folder.parent / "other"
    neighbour.mkdir()
    (neighbour / "state.json").write_text("another's")
    await rig.copies.drop("my_plug")
    assert not rig.folder.exists()
    assert not list(rig.records.glob("*.json"))
    assert (neighbour / "state.json").read_text() == "another's"
    await rig.copies.drop("my_plug")
    await rig.copies.drop("never_was")
    await rig.bring({"plugin.py": "1"})
    assert rig.found() == {"plugin.py": "1"}


async def test_dropping_follows_no_link_of_the_plugin(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "My Plug").mkdir(parents=True)
    (outside / "My Plug/victim").write_text("untouched")
    await rig.bring({"plugin.py": "1"})
    (rig.folder / "to_a_folder").symlink_to(outside)
    (rig.folder / "to_a_file").symlink_to(outside / "My Plug/victim")
    await rig.copies.drop("my_plug")
    assert not rig.folder.exists()

    await rig.bring({"plugin.py": "1"})
    rig.folder.rename(tmp_path / "files/moved")
    rig.folder.symlink_to(outside)
    await rig.copies.drop("my_plug")
    assert not rig.folder.is_symlink()

    await rig.bring({"plugin.py": "1"})
    rig.folder.parent.rename(tmp_path / "files/all")
    rig.folder.parent.symlink_to(outside)
    await rig.copies.drop("my_plug")
    assert (outside / "My Plug/victim").read_text() == "untouched"


async def test_a_copy_that_cannot_be_dropped_whole_raises_and_keeps_its_record(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(_name: str, *, dir_fd: int) -> None:
        raise RecursionError

    await rig.bring({"plugin.py": "1"})
    with monkeypatch.context() as patched:
        patched.setattr("services.executor.folders.shutil.rmtree", too_deep)
        with pytest.raises(OSError, match="too deep"):
            await rig.copies.drop("my_plug")
    assert list(rig.records.glob("*.json"))
    await rig.copies.drop("my_plug")
    assert not rig.folder.exists()
