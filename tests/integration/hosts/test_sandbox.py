"""What a plugin's processes can see and touch."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.executor.hosts import HostOptions, PluginHosts, SandboxUnavailable
from tests.integration.hosts.conftest import FakeUpcalls, MakeRig, Rig

EVALUATING = """
    import os, sqlite3, sys, socket, subprocess, pathlib, tempfile, shutil
    class Plugin:
        def run(self, action, params, context):
            return {"value": eval(action, {**globals(), "params": params})}
"""


async def look(rig: Rig, expression: str, **params: object) -> object:
    result = await rig.run("look", expression, params=params)
    assert result.end == "returned", result
    return result.result["value"]


async def error_of(rig: Rig, expression: str, **params: object) -> str | None:
    return (await rig.run("look", expression, params=params)).error_type


async def test_level_says_what_is_in_force(make_rig: MakeRig) -> None:
    assert make_rig(sandbox="require").hosts.level == "bubblewrap"
    assert make_rig(sandbox="prefer").hosts.level == "bubblewrap"
    assert make_rig(sandbox="off").hosts.level == "none"


async def test_required_sandbox_that_cannot_be_had_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="not installed"):
        PluginHosts(HostOptions(files_dir=tmp_path, sandbox="require"), FakeUpcalls())


async def test_bubblewrap_that_does_not_work_is_found_out_by_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho no namespaces >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    hosts = PluginHosts(HostOptions(files_dir=tmp_path, sandbox="prefer"), FakeUpcalls())
    assert hosts.level == "none"
    assert "bubblewrap does not work here (no namespaces)" in caplog.text


async def test_environment_holds_nothing_of_the_platform(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGARR_NATS_URL", "nats://executor:secret@127.0.0.1:4222")
    monkeypatch.setenv("TZ", "Europe/Vienna")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    for mode in ("require", "off"):
        rig = make_rig(sandbox=mode, pass_environment=["HTTPS_PROXY"])
        await rig.start("look", EVALUATING)
        environment = await look(rig, "dict(os.environ)")
        assert isinstance(environment, dict)
        assert set(environment) - {"PWD"} == {"PATH", "HOME", "LANG", "TZ", "MALLOC_ARENA_MAX", "HTTPS_PROXY"}
        ancestors = "[open(f'/proc/{pid}/environ').read() for pid in os.listdir('/proc') if pid.isdigit() and pid == str(os.getppid())]"
        assert "secret" not in str(await look(rig, ancestors))


async def test_no_stray_descriptors(either_rig: Rig) -> None:
    await either_rig.start("look", EVALUATING)
    shown = "sorted(os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}'))"
    assert await look(either_rig, shown) == ["/dev/null", "pipe", "pipe", "socket"]
    listed = "subprocess.run(['ls', '/proc/self/fd'], stdout=subprocess.PIPE, text=True).stdout.split()"
    assert await look(either_rig, listed) == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


async def test_data_is_writable_and_outlives_the_plugin(either_rig: Rig) -> None:
    await either_rig.start("look", EVALUATING)
    await look(
        either_rig,
        "[os.makedirs('/data/exports/deep', exist_ok=True), open('/data/exports/deep/x.txt', 'w').write('kept')]",
    )
    await look(either_rig, "pathlib.Path('/data/plugins/.look.json').write_text('{}')")
    await look(either_rig, "sqlite3.connect('/data/look.db').execute('create table t (a)') and None")
    await look(either_rig, "os.rename('/data/exports/deep/x.txt', '/data/exports/y.txt')")
    assert (either_rig.files / "exports" / "y.txt").read_text() == "kept"
    assert (either_rig.files / "plugins" / ".look.json").exists()
    assert (either_rig.files / "look.db").exists()
    assert await look(either_rig, "sorted(os.listdir('/data'))") == ["exports", "look.db", "plugins"]
    assert await look(either_rig, "[p.name for p in sorted(pathlib.Path('/data/exports').iterdir())]") == [
        "deep",
        "y.txt",
    ]
    assert (
        await look(either_rig, "shutil.rmtree('/data/exports') or os.path.exists('/data/exports')") is False
    )
    assert await error_of(either_rig, "open('/data/none')") == "FileNotFoundError"


async def test_plugins_own_folder_is_writable_beside_its_file(rig: Rig) -> None:
    source = (
        EVALUATING + "\n    open(os.path.join(os.path.dirname(__file__), 'state.json'), 'w').write('{}')\n"
    )
    path = rig.write("look", source)
    await rig.load("look")
    assert (path / "state.json").exists()
    assert await look(rig, "__file__") == "/data/plugins/look/plugin.py"
    assert (
        await look(rig, "os.listdir('/data/plugins/look') == os.listdir(os.path.dirname(__file__))") is True
    )


async def test_working_copy_elsewhere_appears_at_its_place(rig: Rig, tmp_path: Path) -> None:
    elsewhere = tmp_path / "copies" / "x"
    elsewhere.mkdir(parents=True)
    rig.write("look", EVALUATING)
    (rig.files / "plugins" / "look" / "plugin.py").rename(elsewhere / "plugin.py")
    await rig.start("look", {}, path=elsewhere)
    assert await look(rig, "__file__") == "/data/plugins/look/plugin.py"


async def test_secrets_and_the_rest_of_the_machine_are_out_of_sight(rig: Rig) -> None:
    secret = rig.files.parent / "secrets" / "nats"
    secret.parent.mkdir()
    secret.write_text("password")
    await rig.start("look", EVALUATING)
    assert await error_of(rig, "open(params['path'])", path=str(secret)) == "FileNotFoundError"
    assert await error_of(rig, "open('/data/../secrets/nats')") == "FileNotFoundError"
    assert await error_of(rig, "open('/etc/shadow')") == "FileNotFoundError"
    assert await error_of(rig, "open(params['path'])", path=__file__) == "FileNotFoundError"
    home = await look(rig, "os.listdir(os.path.expanduser('~root')) if os.path.isdir('/root') else []")
    assert set(home) <= {".pyenv"}  # type: ignore[arg-type]
    processes = await look(rig, "sorted(int(n) for n in os.listdir('/proc') if n.isdigit())")
    assert len(processes) <= 3  # type: ignore[arg-type]


async def test_link_in_place_of_the_plugins_folder_leads_nowhere_outside(rig: Rig) -> None:
    secrets = rig.files.parent / "secrets"
    secrets.mkdir()
    (secrets / "plugin.py").write_text("class Plugin:\n    name = 'of the platform'\n")
    (rig.files / "plugins" / "linked").symlink_to(secrets)
    loaded = await rig.load("linked")
    assert not loaded.ok
    assert loaded.error == "the plugin's folder has neither plugin.py nor __init__.py"


async def test_platform_and_python_are_read_only(rig: Rig) -> None:
    await rig.start("look", EVALUATING)
    for path in (
        os.__file__,
        sys.executable,
        "/opt/plugarr/host/start.py",
        "/usr/bin/env",
        "/opt/plugarr/compat/apps/__init__.py",
    ):
        assert await error_of(rig, "open(params['path'], 'ab')", path=path) in {"OSError", "PermissionError"}
    assert await error_of(rig, "os.mount('a', 'b')") == "AttributeError"
    done = await look(
        rig, "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/data'], capture_output=True).returncode"
    )
    assert done != 0


async def test_temporary_files_are_the_plugins_own(rig: Rig, tmp_path: Path) -> None:
    await rig.start("look", EVALUATING)
    assert await look(rig, "tempfile.gettempdir()") == "/tmp"
    # A checkout that itself lies there is bound into the sandbox; nothing else of the system's is.
    mounts = {
        path.relative_to("/tmp").parts[0]
        for path in (Path(__file__), Path(sys.prefix))
        if path.is_relative_to("/tmp")
    }
    assert set(await look(rig, "os.listdir('/tmp')")) <= mounts
    assert await look(rig, "open(params['path'], 'w').write('x')", path=f"/tmp/{tmp_path.name}.mine") == 1
    assert not (await asyncio.to_thread(Path(f"/tmp/{tmp_path.name}.mine").exists))


async def test_network_is_shared(rig: Rig) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await rig.start("look", EVALUATING)
    expression = "socket.create_connection(('127.0.0.1', params['port'])).recv(5).decode()"
    assert await look(rig, expression, port=port) == "hello"
    server.close()
    await server.wait_closed()


async def test_third_party_packages_of_the_platform_can_be_imported(rig: Rig) -> None:
    await rig.start("look", EVALUATING)
    assert await look(rig, "__import__('requests').__name__") == "requests"
    assert (
        await look(
            rig, "subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True).stdout"
        )
        == "1\n"
    )
