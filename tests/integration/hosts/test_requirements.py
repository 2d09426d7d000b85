"""A plugin's requirements, installed by the real pip from wheels made here."""

import asyncio
import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from services.executor.hosts.requirements import RequirementsFailed, install_requirements
from tests.integration.hosts.conftest import Rig


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write a minimal wheel."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of pip's world."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def plugin_folder(tmp_path: Path, requirements: str) -> Path:
    folder = tmp_path / "plugin"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text(requirements)
    return folder


async def test_requirements_are_installed_once_and_found_by_the_plugin(
    rig: Rig, wheels: Path, tmp_path: Path
) -> None:
    wheel(wheels, "plugarr_sample", "1.5", {"plugarr_sample.py": "VERSION = '1.5'"})
    libraries_dir = tmp_path / "libraries"
    folder = rig.write(
        "needy",
        {
            "plugin.py": "import plugarr_sample\nclass Plugin:\n    def run(self, a, p, c): return {'v': plugarr_sample.VERSION, 'f': plugarr_sample.__file__}\n",
            "requirements.txt": "# what it needs\nplugarr-sample>=1,<2  # pinned\n",
        },
    )
    libraries = await install_requirements(folder, libraries_dir)
    assert libraries is not None
    await rig.start("needy", {}, libraries=libraries)
    assert (await rig.run("needy")).result == {"v": "1.5", "f": "/opt/plugarr/libraries/plugarr_sample.py"}
    made = libraries.stat().st_mtime_ns
    assert await install_requirements(folder, libraries_dir) == libraries
    assert libraries.stat().st_mtime_ns == made
    assert [path.name for path in libraries_dir.iterdir()] == [libraries.name]


async def test_two_at_once_get_the_same_folder(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, "plugarr_sample", "1.5", {"plugarr_sample.py": ""})
    folder = plugin_folder(tmp_path, "plugarr_sample\n")
    first, second = await asyncio.gather(*(install_requirements(folder, tmp_path / "l") for _ in range(2)))
    assert first == second
    assert len(list((tmp_path / "l").iterdir())) == 1


@pytest.mark.parametrize("text", ["", "# nothing\n\n   \n"])
async def test_nothing_asked_for_is_nothing_installed(tmp_path: Path, text: str) -> None:
    assert await install_requirements(plugin_folder(tmp_path, text), tmp_path / "l") is None
    assert not (tmp_path / "l").exists()
    assert await install_requirements(tmp_path / "no-such-plugin", tmp_path / "l") is None


async def test_failure_quotes_pip_and_leaves_nothing(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(
        RequirementsFailed,
        match=r"(?s)cannot be installed:.*No matching distribution found for nowhere-to-be-found",
    ):
        await install_requirements(plugin_folder(tmp_path, "nowhere-to-be-found==1\n"), tmp_path / "l")
    assert list((tmp_path / "l").iterdir()) == []


async def test_source_distribution_is_never_built(wheels: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheels / "plugarr_source-1.0.zip", "w") as archive:
        archive.writestr("plugarr_source-1.0/setup.py", f"open({str(tmp_path / 'executed')!r}, 'w')")
        archive.writestr(
            "plugarr_source-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: plugarr_source\nVersion: 1.0\n"
        )
    with pytest.raises(RequirementsFailed):
        await install_requirements(plugin_folder(tmp_path, "plugarr_source\n"), tmp_path / "l")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--index-url http://127.0.0.1/x",
        "-r other.txt",
        "git+https://example.org/x.git",
        "pkg @ git+https://example.org/x.git",
        "pkg @ file:///tmp/pkg",
        "./local",
        "/tmp/pkg.whl",
        "pkg --config-settings=x=y",
        "pkg \\\n  --no-binary=:all:",
        "pkg==",
    ],
)
async def test_what_could_run_code_or_lead_elsewhere_is_refused_with_its_line(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(RequirementsFailed, match=r"^requirements\.txt, line 2: "):
        await install_requirements(plugin_folder(tmp_path, f"requests\n{line}\n"), tmp_path / "l")


async def test_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the password")
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "requirements.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(RequirementsFailed) as caught:
        await install_requirements(tmp_path / "plugin", tmp_path / "l")
    assert "password" not in str(caught.value)


async def test_hashes_and_markers_are_kept(wheels: Path, tmp_path: Path) -> None:
    wheel(wheels, "plugarr_sample", "1.5", {"plugarr_sample.py": ""})
    digest = hashlib.sha256((wheels / "plugarr_sample-1.5-py3-none-any.whl").read_bytes()).hexdigest()
    text = f"plugarr_sample==1.5 \\\n    --hash=sha256:{digest}\nabsent==1 ; sys_platform == 'nowhere' --hash=sha256:{'0' * 64}\n"
    libraries = await install_requirements(plugin_folder(tmp_path, text), tmp_path / "l")
    assert libraries is not None
    assert (libraries / "plugarr_sample.py").exists()
    wrong = text.replace(digest, "1" * 64)
    with pytest.raises(RequirementsFailed, match="HASHES"):
        await install_requirements(plugin_folder(tmp_path, wrong), tmp_path / "l")


async def test_installing_is_bounded_in_time(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(RequirementsFailed, match=r"took longer than 0\.01 s"):
        await install_requirements(
            plugin_folder(tmp_path, "plugarr_sample\n"), tmp_path / "l", timeout_s=0.01
        )
