"""Whose log a line lands in, and that a flood harms nobody else."""

import asyncio

import pytest

from tests.integration.hosts.conftest import Rig

LOGGING = """
    import logging, os, sys, threading, time, warnings
    from concurrent.futures import ThreadPoolExecutor
    print("loaded")
    pool = ThreadPoolExecutor(2)

    class Plugin:
        def run(self, action, params, context):
            exec(action, {**globals(), "context": context})
            return {}
"""


@pytest.fixture
async def plugin(rig: Rig) -> Rig:
    """A plugin whose actions are Python statements."""
    await rig.start("log", LOGGING)
    return rig


async def lines(rig: Rig, code: str, run_id: str = "r") -> list[tuple[str, str]]:
    result = await rig.run("log", code, run_id=run_id)
    assert result.end == "returned", result
    return [(line["level"], line["message"]) for owner, line in rig.upcalls.lines if owner == run_id]


async def test_output_while_loading_is_the_plugins(plugin: Rig) -> None:
    assert "loaded" in plugin.upcalls.log_of(None)


@pytest.mark.parametrize(
    ("code", "level", "message"),
    [
        ("print('a', 'b')", "info", "a b"),
        ("print('no end', end='')", "info", "no end"),
        ("sys.stdout.buffer.write(b'bytes\\n')", "info", "bytes"),
        ("print('to stderr', file=sys.stderr)", "warning", "to stderr"),
        ("context['logger'].debug('n %d', 1)", "debug", "n 1"),
        ("logging.getLogger('any').info('by root')", "info", "by root"),
        ("logging.getLogger('any').error('e')", "error", "e"),
        ("threading.Thread(target=print, args=('thread',)).start(); time.sleep(0.1)", "info", "thread"),
        ("pool.submit(print, 'pooled').result()", "info", "pooled"),
        ("threading.Timer(0, print, ('timer',)).start(); time.sleep(0.1)", "info", "timer"),
    ],
)
async def test_python_output_of_a_runs_threads_is_the_runs(
    plugin: Rig, code: str, level: str, message: str
) -> None:
    assert await lines(plugin, code) == [(level, message)]


async def test_lines_name_their_time_and_logger(plugin: Rig) -> None:
    await lines(plugin, "context['logger'].info('x')")
    (line,) = [line for owner, line in plugin.upcalls.lines if owner == "r"]
    assert line["logger"] == "plugins.log"
    assert line["time"].endswith("Z")
    assert len(line["time"]) == len("2026-01-01T00:00:00.000Z")


async def test_warnings_and_exceptions_of_threads_are_the_runs(plugin: Rig) -> None:
    ((level, message),) = await lines(plugin, "warnings.warn('careful')", "w")
    assert (level, "careful" in message) == ("warning", True)
    found = await lines(plugin, "t = threading.Thread(target=lambda: 1/0); t.start(); t.join()", "t")
    assert ("warning", "ZeroDivisionError: division by zero") in found


async def test_concurrent_runs_keep_their_lines_apart(plugin: Rig) -> None:
    code = "for n in range(50):\n    print({0!r}, n)\n    time.sleep(0.001)"
    await asyncio.gather(*(lines(plugin, code.format(name), name) for name in ("a", "b", "c")))
    for name in ("a", "b", "c"):
        assert plugin.upcalls.log_of(name) == [f"{name} {n}" for n in range(50)]


async def test_lines_come_before_the_result(plugin: Rig) -> None:
    found = await lines(plugin, "for n in range(500): print(n)")
    assert [message for _, message in found] == [str(n) for n in range(500)]


async def test_thread_started_by_a_run_writes_to_its_log_after_its_end(plugin: Rig) -> None:
    await lines(plugin, "threading.Timer(0.1, print, ('later',)).start()")
    await plugin.upcalls.until(lambda: "later" in plugin.upcalls.log_of("r"))


@pytest.mark.parametrize(
    "code",
    [
        "os.write(1, b'raw\\n')",
        "os.system('echo raw')",
        "__import__('subprocess').run(['echo', 'raw'], stdout=sys.stdout)",
        "os.fork() or (print('raw', flush=True), os._exit(0))",
    ],
)
async def test_output_below_python_and_of_other_processes_is_the_plugins(plugin: Rig, code: str) -> None:
    assert await lines(plugin, code) == []
    await plugin.upcalls.until(lambda: "raw" in plugin.upcalls.log_of(None))


async def test_long_line_loses_its_middle(plugin: Rig) -> None:
    ((_, message),) = await lines(plugin, "context['logger'].info('a' * 50_000 + 'end')")
    assert len(message) < 9000
    assert "characters left out" in message
    assert message.endswith("end")


async def test_flood_is_cut_and_says_so(plugin: Rig) -> None:
    found = await lines(plugin, "for n in range(200_000): print('flood', n)")
    assert len(found) < 10_000
    assert any("lines left out" in message for _, message in found)


async def test_flood_below_python_is_slowed_and_harms_no_other_plugin(plugin: Rig) -> None:
    await plugin.start("calm", "class Plugin:\n    def run(self, a, p, c): return {}\n")
    code = "threading.Thread(target=lambda: [os.write(1, b'x' * 4095 + b'\\n') for _ in range(10**6)], daemon=True).start()"
    await lines(plugin, code)
    async with asyncio.timeout(5):
        for _ in range(50):
            assert (await plugin.run("calm")).end == "returned"
    assert len(plugin.upcalls.lines) < 20_000


async def test_line_without_end_does_not_grow(plugin: Rig) -> None:
    await lines(plugin, "for _ in range(2000): os.write(1, b'x' * 4096)")
    assert all(len(message) < 10_000 for message in plugin.upcalls.log_of(None))


async def test_closing_the_streams_harms_nobody(plugin: Rig) -> None:
    await lines(plugin, "sys.stdout.close(); sys.stderr.close()", "first")
    assert await lines(plugin, "print('still')", "second") == [("info", "still")]
