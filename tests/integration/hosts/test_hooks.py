"""`stop`, `on_enable` and `on_disable`, in the ways that plugins declare them."""

import asyncio

import pytest

from tests.integration.hosts.conftest import MakeRig, Rig

NOTE = """
import json, os
def note(what):
    with open("/data/notes", "a") as notes:
        notes.write(what + "\\n")
"""


def notes(rig: Rig) -> list[str]:
    path = rig.files / "notes"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "def stop(self, context): note(' '.join(sorted(context)) + ' ' + context['reason'])",
            ["actions logger reason settings disable"],
        ),
        ("def stop(self): note('bare')", ["bare"]),
        ("def stop(self, context):\n        note('once')\n        raise TypeError('inside')", ["once"]),
        ("def stop(self, *args): note(str(len(args)))", ["1"]),
        (
            "actions = [{'id': 'stop', 'label': 'S'}]\n    def run(self, a, p, c): note(f\"{a} {p} {c['reason']}\")",
            ["stop {} disable"],
        ),
        ("def run(self, a, p, c): note('not to be called')", []),
        ("def stop(self, context): raise SystemExit(1)", []),
    ],
)
async def test_stop_is_called_as_declared(rig: Rig, body: str, expected: list[str]) -> None:
    await rig.start("stopping", f"{NOTE}\nclass Plugin:\n    {body}\n")
    await rig.hosts.stop("stopping", "disable", {"s": 1})
    assert notes(rig) == expected


async def test_exception_in_stop_is_logged(rig: Rig) -> None:
    await rig.start("stopping", "class Plugin:\n    def stop(self, context): raise ValueError('in stop')\n")
    await rig.hosts.stop("stopping", "disable", {})
    assert any("ValueError: in stop" in line for line in rig.upcalls.log_of(None))


async def test_stop_that_hangs_is_bounded_and_kept_alive_till_then(make_rig: MakeRig) -> None:
    rig = make_rig(stop_s=1.0, fence_s=0.8)
    rig_beat = asyncio.create_task(_beat_often(rig))
    source = f"{NOTE}\nimport time\nclass Plugin:\n    def stop(self, context):\n        time.sleep(0.9)\n        note('late')\n        time.sleep(60)\n"
    await rig.start("hanging", source)
    async with asyncio.timeout(3):
        await rig.hosts.stop("hanging", "disable", {})
    rig_beat.cancel()
    assert notes(rig) == ["late"]
    assert "stop did not return within 1 s" in rig.upcalls.log_of(None)


async def _beat_often(rig: Rig) -> None:
    while True:
        rig.hosts.beat()
        await asyncio.sleep(0.1)


async def test_exit_functions_run_when_a_plugin_stops(rig: Rig) -> None:
    await rig.start(
        "exiting",
        f"{NOTE}\nimport atexit\natexit.register(note, 'exit')\nclass Plugin:\n    def stop(self): note('stop')\n",
    )
    await rig.hosts.stop("exiting", "disable", {})
    assert notes(rig) == ["stop", "exit"]


async def test_close_stops_all_in_parallel_with_reason_shutdown(make_rig: MakeRig) -> None:
    rig = make_rig()
    for name in ("one", "two", "three"):
        source = f"{NOTE}\nimport time\nclass Plugin:\n    def stop(self, c):\n        time.sleep(0.5)\n        note('{name} ' + c['reason'] + ' ' + str(c['settings']))\n"
        await rig.start(name, source)
    async with asyncio.timeout(1.4):
        await rig.hosts.close({"one": {"k": 1}})
    assert sorted(notes(rig)) == ["one shutdown {'k': 1}", "three shutdown {}", "two shutdown {}"]


async def test_close_takes_five_seconds_at_most(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.start("deaf", "import time\nclass Plugin:\n    def stop(self, c): time.sleep(60)\n")
    async with asyncio.timeout(5):
        await rig.hosts.close({})


@pytest.mark.parametrize("name", ["on_enable", "on_disable"])
async def test_hooks_are_called_where_they_exist_and_fail_nothing(rig: Rig, name: str) -> None:
    source = f"{NOTE}\nclass Plugin:\n    def {name}(self, context):\n        note('{name} ' + str(context['settings']))\n        raise ValueError('in hook')\n"
    await rig.start("hooked", source)
    await rig.hosts.hook("hooked", name, {"s": 2})  # type: ignore[arg-type]
    other = "on_disable" if name == "on_enable" else "on_enable"
    await rig.hosts.hook("hooked", other, {})  # type: ignore[arg-type]
    assert notes(rig) == [name + " {'s': 2}"]
    assert any("in hook" in line for line in rig.upcalls.log_of(None))


async def test_runs_in_flight_learn_that_the_plugin_was_stopped(rig: Rig) -> None:
    await rig.start(
        "busy",
        "import time\nclass Plugin:\n    def run(self, a, p, c):\n        print('here')\n        time.sleep(60)\n",
    )
    running = asyncio.create_task(rig.run("busy", run_id="r"))
    await rig.upcalls.until(lambda: rig.upcalls.log_of("r"))
    await rig.hosts.stop("busy", "disable", {})
    result = await running
    assert (result.end, result.error) == ("crashed", "the plugin was stopped (disable)")
    assert rig.upcalls.ends == []


async def test_stopped_plugin_can_be_loaded_again(rig: Rig) -> None:
    await rig.start("again", "class Plugin:\n    def run(self, a, p, c): return {}\n")
    await rig.hosts.stop("again", "disable", {})
    assert (await rig.run("again")).error == "Plugin 'again' not found"
    assert (await rig.load("again")).ok
    assert (await rig.run("again")).end == "returned"


async def test_stop_during_loading_does_not_wait_for_it(rig: Rig) -> None:
    rig.write("slow", "import time\nprint('loading')\ntime.sleep(60)\n")
    loading = asyncio.create_task(rig.load("slow"))
    await rig.upcalls.until(lambda: "loading" in rig.upcalls.log_of(None))
    async with asyncio.timeout(3):
        await rig.hosts.stop("slow", "delete", {})
    assert (await loading).error == "the plugin was stopped (delete)"
