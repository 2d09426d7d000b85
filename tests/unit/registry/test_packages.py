"""A package is the same wherever it is made, and holds the plugin's own files only."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry import packages
from services.registry.directory import OWN, Absent, Directory, Exchange
from services.registry.packages import Unpackable, listing, pack
from services.registry.reader import Reader
from shared.manifests.reader import is_plugin


def names_in(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@given(
    st.dictionaries(
        st.text("abcXYZ09._- é", min_size=1, max_size=8).filter(lambda n: n.strip(".") and n != ".git"),
        st.binary(max_size=50),
        max_size=8,
    )
)
def test_the_same_files_make_the_same_package(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    made = []
    for order in (sorted(files), sorted(files, reverse=True)):
        folder = tmp_path_factory.mktemp("same")
        for name in order:
            (folder / name).write_bytes(files[name])
            os.utime(folder / name, (len(made), len(made)))
        made.append(pack(folder, listing(folder)))
    assert made[0] == made[1]
    assert names_in(made[0]) == sorted(files)


def test_links_out_pipes_and_caches_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "plug"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "plugin.py").write_text("x")
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "up").symlink_to(folder)
    (folder / "alias.py").symlink_to("plugin.py")
    os.mkfifo(folder / "pipe")
    listed = listing(folder)
    assert names_in(pack(folder, listed)) == ["alias.py", "plugin.py"]
    assert {problem.path for problem in listed.left_out} == {"out", "loop", "up", "pipe"}


@pytest.mark.parametrize(("limit", "value"), [("MAX_UNPACKED", 500), ("MAX_PACKAGE", 500), ("MAX_FILES", 1)])
def test_what_is_too_much_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    for number in range(3):
        (tmp_path / f"f{number}").write_bytes(os.urandom(400))
    assert pack(tmp_path, listing(tmp_path))
    monkeypatch.setattr(packages, limit, value)
    with pytest.raises(Unpackable, match=r"more than|larger than"):
        pack(tmp_path, listing(tmp_path))


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.py").write_text("class Plugin: version = '1'")
    directory = Directory(tmp_path)
    reader = Reader(directory)

    def packaged() -> list[str]:
        folders = directory.look(known=False)
        found = [f for batch in reader.batches(folders, folders.plugins, settle=False) for f in batch]
        assert len(found) == 2
        return [f.name for f in found if f.package is not None]

    assert packaged() == ["one", "two"]
    assert packaged() == []
    # The same size and time of modification: only the time of change tells.
    seen = (tmp_path / "two" / "plugin.py").stat()
    (tmp_path / "two" / "plugin.py").write_text("class Plugin: version = '2'")
    os.utime(tmp_path / "two" / "plugin.py", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert packaged() == ["two"]
    reader.forget()
    assert packaged() == ["one", "two"]


def test_very_many_are_read_by_several_processes_and_none_is_lost(tmp_path: Path) -> None:
    for number in range(220):
        (tmp_path / f"p{number}").mkdir()
        (tmp_path / f"p{number}" / "plugin.py").write_text(f"class Plugin: name = 'P{number}'")
    directory = Directory(tmp_path)
    folders = directory.look(known=False)
    batches = list(Reader(directory).batches(folders, folders.plugins, settle=False))
    found = [found for batch in batches for found in batch]
    assert {one.name for one in found} == set(folders.plugins)
    assert all(one.package and one.digest and one.refusal is None for one in found)


def test_an_empty_directory_is_believed_only_if_it_is_ours(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "plugins")
    with pytest.raises(Absent, match="cannot be read"):
        directory.look(known=True)
    directory.ensure()
    with pytest.raises(Absent, match="is it mounted"):
        directory.look(known=True)
    assert directory.look(known=False).plugins == ()
    assert directory.look(known=True).plugins == ()


def test_an_exchange_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "plugin.py").write_text("old")
    exchange = Exchange(directory, directory.workspace(), "plug")
    with pytest.raises(FileNotFoundError):
        exchange.do(tmp_path / "not there")
    assert (tmp_path / "plug" / "plugin.py").read_text() == "old"
    assert is_plugin(tmp_path / "plug")
    assert not directory.recover()
    assert not any((tmp_path / OWN).iterdir())
