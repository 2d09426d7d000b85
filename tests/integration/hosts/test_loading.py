"""How a plugin becomes one instance, and when another takes its place: host-contract 5 to 9."""

import asyncio

import pytest

from tests.integration.hosts.conftest import MakeRig, Rig
from tests.integration.hosts.echo import echo


async def test_attributes_of_every_origin_are_read_once(rig: Rig) -> None:
    source = """
        COUNT = {"fields": 0}
        class Plugin:
            name = "Origins"
            version = "1." + "2"
            description = ""
            def __init__(self):
                self.actions = [{"id": "a", "label": "A"}]
            @property
            def fields(self):
                COUNT["fields"] += 1
                return ({"id": f"f{n}", "type": "string"} for n in range(250)) and [
                    {"id": f"f{n}", "type": "string"} for n in range(250)
                ]
            @property
            def author(self):
                raise ValueError("no author")
            def run(self, action, params, context):
                return COUNT
    """
    loaded = await rig.start(
        "origins", source, declared={"description": "declared", "help_url": "https://h", "name": "no"}
    )
    assert loaded.attributes["name"] == "Origins"
    assert loaded.attributes["version"] == "1.2"
    assert loaded.attributes["description"] == "declared"
    assert loaded.attributes["help_url"] == "https://h"
    assert len(loaded.attributes["fields"]) == 250
    assert loaded.attributes["actions"] == [{"id": "a", "label": "A"}]
    assert loaded.warnings == ["author cannot be read: ValueError: no author"]
    assert not loaded.dynamic
    assert (await rig.run("origins")).result == {"fields": 1}


async def test_attributes_that_json_cannot_hold_become_the_nearest_that_it_can(rig: Rig) -> None:
    source = """
        import datetime
        class Plugin:
            fields = ({"id": "d", "default": datetime.date(2026, 1, 2)}, {"id": "o", "default": object()})
    """
    loaded = await rig.start("odd", source)
    assert loaded.attributes["fields"] == [{"id": "d", "default": "2026-01-02"}, {"id": "o", "default": None}]
    assert list(loaded.warnings) == ["fields[1].default is an object, which JSON cannot hold; left out"]


async def test_state_lives_across_runs(rig: Rig) -> None:
    source = """
        total = 0
        class Plugin:
            def __init__(self):
                self.seen = []
            def run(self, action, params, context):
                global total
                total += 1
                self.seen.append(action)
                return {"total": total, "seen": self.seen}
    """
    await rig.start("stateful", source)
    await rig.run("stateful", "one")
    assert (await rig.run("stateful", "two")).result == {"total": 2, "seen": ["one", "two"]}


async def test_loading_an_unchanged_digest_again_keeps_the_instance(rig: Rig) -> None:
    await rig.start("kept", echo("id(self)"))
    before = await rig.run("kept")
    await rig.load("kept")
    assert (await rig.run("kept")).result == before.result


async def test_new_digest_takes_over_after_the_old_one_was_stopped(rig: Rig) -> None:
    source = """
        class Plugin:
            def run(self, action, params, context):
                return {"version": VERSION}
            def stop(self, context):
                open("/data/stopped", "a").write(context["reason"])
    """
    await rig.start("renewed", {"plugin.py": "VERSION = 1\n" + source.replace("\n        ", "\n")})
    assert (await rig.run("renewed")).result == {"version": 1}
    # The same size within the same second: compiled modules must not survive.
    rig.write("renewed", {"plugin.py": "VERSION = 2\n" + source.replace("\n        ", "\n")})
    await rig.load("renewed", digest="d2")
    assert (await rig.run("renewed")).result == {"version": 2}
    assert (rig.files / "stopped").read_text() == "reload"


async def test_run_in_flight_ends_before_the_new_version_takes_over(rig: Rig) -> None:
    source = """
        import time
        class Plugin:
            def run(self, action, params, context):
                context["logger"].info("begun")
                time.sleep(0.5)
                return {"version": 1}
    """
    await rig.start("patient", source)
    running = asyncio.create_task(rig.run("patient"))
    await rig.upcalls.until(lambda: "begun" in rig.upcalls.log_of("run-1"))
    rig.write("patient", source.replace('"version": 1', '"version": 2'))
    loading = asyncio.create_task(rig.load("patient", digest="d2"))
    await asyncio.sleep(0)
    later = await rig.run("patient")
    assert (await running).result == {"version": 1}
    assert (await loading).ok
    assert later.result == {"version": 2}


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"plugin.py": "x = 1"}, "plugin.py has no Plugin"),
        ({"plugin.py": "def broken(:"}, "plugin.py: SyntaxError: "),
        (
            {"plugin.py": "import nowhere_to_be_found"},
            "plugin.py: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        (
            {"plugin.py": "class Plugin:\n    def __init__(self):\n        raise ValueError('two\\nlines')"},
            "plugin.py: ValueError: two lines",
        ),
        ({"plugin.py": "raise SystemExit(2)"}, "plugin.py: SystemExit: 2"),
        (
            {"plugin.py": "1/0", "__init__.py": "x = 1"},
            "plugin.py: ZeroDivisionError: division by zero; __init__.py has no Plugin",
        ),
        ({"readme.txt": ""}, "the plugin's folder has neither plugin.py nor __init__.py"),
        ({"plugin.py": "import os; os._exit(4)"}, "plugin process ended with exit code 4 while loading"),
    ],
)
async def test_plugin_that_does_not_load_says_why_in_one_line(
    rig: Rig, files: dict[str, str], error: str
) -> None:
    loaded = await rig.load("broken", files)
    assert not loaded.ok
    assert loaded.error is not None
    assert loaded.error.startswith(error)
    assert "\n" not in loaded.error
    result = await rig.run("broken")
    assert (result.end, result.error) == ("raised", "Plugin 'broken' not found")


async def test_traceback_of_a_failed_import_is_in_the_plugins_log(rig: Rig) -> None:
    await rig.load("broken", "def inner():\n    1/0\ninner()")
    assert any("in inner" in line for line in rig.upcalls.log_of(None))


async def test_plugin_that_does_not_finish_loading_is_ended(make_rig: MakeRig) -> None:
    rig = make_rig(load_s=0.5)
    loaded = await rig.load("endless", "import time\nwhile True: time.sleep(0.1)")
    assert not loaded.ok
    assert loaded.error == "the plugin did not load within 0.5 s"


async def test_plugin_that_failed_is_loaded_once_it_is_repaired(rig: Rig) -> None:
    assert not (await rig.load("repaired", "1/0")).ok
    assert (await rig.load("repaired", echo("1"), digest="d2")).ok
    assert (await rig.run("repaired")).result == {"status": "ok", "result": 1}


async def test_pages_that_are_properties_are_read_again_after_each_run(rig: Rig) -> None:
    source = """
        class Plugin:
            badge = 1
            navigation = property(lambda self: {"label": "L", "badge": self.badge})
            pages = {"main": {"title": "T", "components": []}}
            def run(self, action, params, context):
                self.badge += action == "more"
    """
    loaded = await rig.start("live", source)
    assert loaded.dynamic
    assert loaded.attributes["navigation"] == {"label": "L", "badge": 1}
    assert (await rig.run("live", "same")).refreshed is None
    assert (await rig.run("live", "more")).refreshed == {
        "navigation": {"label": "L", "badge": 2},
        "pages": {"main": {"title": "T", "components": []}},
    }
    assert (await rig.run("live", "same")).refreshed is None


async def test_plugin_is_loaded_in_the_main_thread(rig: Rig) -> None:
    source = """
        import signal
        signal.signal(signal.SIGUSR1, lambda *_: None)
        class Plugin:
            def run(self, action, params, context):
                return {}
    """
    await rig.start("signals", source)


async def test_attribute_that_exits_is_a_warning(rig: Rig) -> None:
    source = """
        class Plugin:
            name = "n"

            @property
            def fields(self):
                raise SystemExit("no")

            def run(self, action, params, context):
                return {}
    """
    loaded = await rig.start("exiting", source)
    assert loaded.ok, loaded.error
    assert loaded.warnings == ["fields cannot be read: SystemExit: no"]
