"""No archive, whatever it says of itself, leads outside its folder or to more than it may."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry import unpacking
from services.registry.archives import checked_path, key_of_import
from services.registry.unpacking import Unpacked, unpack
from shared import errors

CODE = b"class Plugin: ..."


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return held.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def unpacked(tmp_path: Path, data: bytes, filename: str = "up.zip") -> Unpacked:
    file = tmp_path / "upload.zip"
    file.write_bytes(data)
    return unpack(file, tmp_path / "new", filename)


def contents(found: Unpacked) -> set[str]:
    return {str(path.relative_to(found.folder)) for path in found.folder.rglob("*") if path.is_file()}


def encrypted(data: bytes) -> bytes:
    at = data.rindex(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", 1) + data[at + 2 :]


BAD = {
    "not a ZIP": b"PK nonsense",
    "The file is empty": b"",
    "The archive is empty": zipped(("a/", b"")),
    "no plugin": zipped(("a/x.py", b"")),
    "more than 2,000 files": zipped(*((f"a/{n}", b"") for n in range(2001))),
    "escapes": zipped(("a/plugin.py", CODE), ("a/../../x", b"")),
    "absolute": zipped(("a/plugin.py", CODE), ("/x", b"")),
    "absolute path: 'C:": zipped(("a/plugin.py", CODE), ("C:x", b"")),
    "backslash": zipped(("a/plugin.py", CODE), ("a\\..\\x", b"")),
    "link": zipped(("a/plugin.py", CODE), (special("a/l", stat.S_IFLNK | 0o777), b"/etc/passwd")),
    "neither file nor folder": zipped(("a/plugin.py", CODE), (special("a/p", stat.S_IFIFO | 0o644), b"")),
    "differ in case": zipped(("a/plugin.py", CODE), ("a/Plugin.py", b"")),
    "as a file and as a folder": zipped(("a/plugin.py", CODE), ("a/x", b""), ("a/x/y", b"")),
    "name of a device": zipped(("a/plugin.py", CODE), ("a/NUL.txt", b"")),
    "control characters": zipped(("a/plugin.py", CODE), ("a/x\ny", b"")),
    "deep": zipped(("a/plugin.py", CODE), ("b/" * 40 + "x", b"")),
    "compression": zipped(("a/plugin.py", CODE), method=zipfile.ZIP_LZMA),
    "encrypted": encrypted(zipped(("a/plugin.py", CODE))),
    "reserved": zipped(("navigation/plugin.py", CODE)),
    "no usable key": zipped(("日本/plugin.py", CODE)),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_breaks_a_rule_is_refused_by_name(tmp_path: Path, reason: str) -> None:
    with pytest.raises(errors.Invalid, match=reason) as caught:
        unpacked(tmp_path, BAD[reason])
    assert caught.value.path == "file"
    assert not (tmp_path / "new").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid, match="twice"):
        unpacked(tmp_path, zipped(("a/plugin.py", CODE), ("a/./plugin.py", b"evil")))
    with pytest.raises(errors.Invalid, match="twice"):
        unpacked(tmp_path, zipped(("a/plugin.py", CODE), ("a/plugin.py", b"evil")))


def test_sizes_that_an_archive_claims_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zipped(("a/plugin.py", CODE), ("a/zeros", bytes(300_000)))
    lie = data.replace(struct.pack("<I", 300_000), struct.pack("<I", 10))
    with pytest.raises(errors.Invalid, match="damaged"):
        unpacked(tmp_path, lie)
    monkeypatch.setattr(unpacking, "MAX_UNPACKED", 200_000)
    with pytest.raises(errors.Invalid, match="more than"):
        unpack(_file(tmp_path, data), tmp_path / "other", "x.zip")


def _file(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "file.zip"
    file.write_bytes(data)
    return file


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a/plugin.py", CODE * 100), method=zipfile.ZIP_STORED))
    data[60] ^= 0xFF
    with pytest.raises(errors.Invalid, match="damaged"):
        unpacked(tmp_path, bytes(data))


def test_a_huge_table_of_contents_is_refused_before_it_is_read(tmp_path: Path) -> None:
    data = zipped(*((f"{'x' * 1000}{n}/", b"") for n in range(4200)), ("a/plugin.py", CODE))
    with pytest.raises(errors.Invalid, match="table of contents"):
        unpacked(tmp_path, data)


def test_the_shallowest_plugin_py_is_the_plugin_and_only_it_is_unpacked(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        zipped(
            ("__MACOSX/repo/._plugin.py", b"x"),
            ("repo/__init__.py", b""),
            ("repo/deep/er/plugin.py", b"x"),
            ("repo/My-Zip Plug/plugin.py", CODE),
            ("repo/My-Zip Plug/sub/x.py", b""),
        ),
    )
    assert found.key == "my_zip_plug"
    assert contents(found) == {"plugin.py", "sub/x.py"}
    assert found.folder.name == "my_zip_plug"


def test_a_package_without_plugin_py_and_a_flat_one_are_plugins_too(tmp_path: Path) -> None:
    found = unpacked(tmp_path, zipped(("a/b/__init__.py", CODE), ("a/c/__init__.py", b"")))
    assert (found.key, contents(found)) == ("b", {"__init__.py"})
    flat = unpacked(tmp_path / "new", zipped(("./plugin.py", CODE)), "C:\\down\\My Plug.zip")
    assert (flat.key, contents(flat)) == ("my_plug", {"plugin.py"})


def test_only_that_a_file_can_be_executed_is_taken_over(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        zipped(
            (special("a/plugin.py", stat.S_IFREG | 0o600), CODE), (special("a/x", stat.S_IFREG | 0o6777), b"")
        ),
    )
    assert stat.S_IMODE((found.folder / "x").stat().st_mode) & 0o7111 == 0o111
    assert stat.S_IMODE((found.folder / "plugin.py").stat().st_mode) & 0o111 == 0


NAMES = st.lists(
    st.sampled_from(["..", ".", "", "a", "con", "x.y", "/", "\\", "C:", "é", "\x00", "aux.txt", " ", "…"]),
    min_size=1,
    max_size=8,
).map("/".join) | st.text(max_size=40)


@given(NAMES)
def test_every_name_is_refused_or_stays_inside(name: str) -> None:
    try:
        path = checked_path(name)
    except errors.Invalid:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert not any(set(part) & set("/\\\x00") for part in path.parts)


@given(st.text(max_size=60))
def test_keys_of_imports_have_only_safe_characters(name: str) -> None:
    assert set(key_of_import(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


@given(st.binary(max_size=300), st.data())
def test_a_mangled_archive_is_refused_or_unpacked_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, data: st.DataObject
) -> None:
    good = zipped(("a/plugin.py", CODE), ("a/sub/x.py", b"x = 1"))
    at = data.draw(st.integers(0, len(good)))
    folder = tmp_path_factory.mktemp("mangled")
    try:
        found = unpacked(folder, good[:at] + noise + good[at + len(noise) :])
    except errors.Invalid:
        return
    assert found.folder.is_relative_to(folder / "new")
    assert all(path.resolve().is_relative_to(found.folder) for path in found.folder.rglob("*"))
