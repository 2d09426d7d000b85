"""How a plugin's folder becomes modules and one instance: host-contract 5 to 9."""

import asyncio

import pytest

from tests.integration.hosts.conftest import MakeRig, Rig

ECHO = """
    class Plugin:
        name = "Echo"
        def run(self, action, params, context):
            return {expression}
"""


def echo(expression: str, before: str = "") -> str:
    return before + ECHO.replace("{expression}", expression)


async def test_module_is_named_after_the_safe_key(rig: Rig) -> None:
    await rig.start("My plug-in", echo("{'name': __name__, 'package': __package__}"))
    result = await rig.run("my_plug-in")
    assert result.result == {
        "name": "_dispatcharr_plugin_my_plug_in.plugin",
        "package": "_dispatcharr_plugin_my_plug_in",
    }


async def test_leading_digit_gets_a_prefix(rig: Rig) -> None:
    await rig.start("3d", echo("__name__"))
    assert (await rig.run("3d")).result["result"] == "_dispatcharr_plugin_p_3d.plugin"


async def test_package_only_plugin_has_the_bare_name(rig: Rig) -> None:
    await rig.start("pack", {"__init__.py": echo("{'name': __name__, 'package': __package__}")})
    assert (await rig.run("pack")).result == {
        "name": "_dispatcharr_plugin_pack",
        "package": "_dispatcharr_plugin_pack",
    }


@pytest.mark.parametrize("with_init", [False, True])
async def test_relative_imports_work_with_and_without_init(rig: Rig, with_init: bool) -> None:
    files = {
        "plugin.py": """
            from . import helper
            from .deep.inner import WORD
            class Plugin:
                def run(self, action, params, context):
                    from .late import LATE
                    return {"words": [helper.WORD, WORD, LATE]}
        """,
        "helper.py": "WORD = 'helper'",
        "late.py": "LATE = 'late'",
        "deep/inner.py": "from ..helper import WORD as UP\nWORD = 'inner after ' + UP",
    }
    if with_init:
        files |= {"__init__.py": "raise RuntimeError('not to be executed')", "deep/__init__.py": ""}
    await rig.start("relative", files)
    assert (await rig.run("relative")).result == {"words": ["helper", "inner after helper", "late"]}


async def test_plugin_py_wins_and_init_is_not_executed(rig: Rig) -> None:
    files = {
        "plugin.py": echo("'plugin.py'"),
        "__init__.py": "open('/data/executed', 'w').close()\n" + echo("'__init__.py'").lstrip("\n"),
    }
    files["__init__.py"] = "open('/data/executed', 'w').close()\nclass Plugin:\n    pass\n"
    await rig.start("both", files)
    assert (await rig.run("both")).result["result"] == "plugin.py"
    assert not (rig.files / "executed").exists()


@pytest.mark.parametrize("plugin_py", ["raise RuntimeError('broken')", "x = 1", "import sys; sys.exit(3)"])
async def test_init_is_tried_where_plugin_py_fails_or_has_no_plugin(rig: Rig, plugin_py: str) -> None:
    await rig.start("second", {"plugin.py": plugin_py, "__init__.py": echo("__name__")})
    assert (await rig.run("second")).result["result"] == "_dispatcharr_plugin_second"


async def test_class_may_come_from_another_module(rig: Rig) -> None:
    await rig.start("elsewhere", {"plugin.py": "from .core import Plugin", "core.py": echo("__name__")})
    assert (await rig.run("elsewhere")).result["result"] == "_dispatcharr_plugin_elsewhere.core"


async def test_folder_name_is_an_alias_with_copies_of_its_own(rig: Rig) -> None:
    files = {
        "plugin.py": """
            from . import helper as mine
            import aliased.helper as other
            from aliased import helper as again
            class Plugin:
                def run(self, action, params, context):
                    return {"names": [mine.__name__, other.__name__], "same": mine is other, "again": again is other}
        """,
        "helper.py": "",
        "__init__.py": "raise RuntimeError('an alias alone executes nothing')",
    }
    await rig.start("aliased", files)
    assert (await rig.run("aliased")).result == {
        "names": ["_dispatcharr_plugin_aliased.helper", "aliased.helper"],
        "same": False,
        "again": True,
    }


async def test_alias_gives_what_init_defines(rig: Rig) -> None:
    files = {
        "plugin.py": """
            class Plugin:
                def run(self, action, params, context):
                    from defining import VERSION
                    return {"version": VERSION}
        """,
        "__init__.py": "VERSION = '1.2'",
    }
    await rig.start("defining", files)
    assert (await rig.run("defining")).result == {"version": "1.2"}


@pytest.mark.parametrize("name", ["json", "requests", "core", "calendar"])
async def test_folder_never_shadows_what_is_imported_by_that_name(rig: Rig, name: str) -> None:
    source = f"""
        import {name}
        class Plugin:
            def run(self, action, params, context):
                return {{"file": str({name}.__file__)}}
    """
    await rig.start(name, {"plugin.py": source, "__init__.py": "raise RuntimeError('shadowed')"})
    assert "/data/plugins" not in (await rig.run(name)).result["file"]


async def test_vendor_folder_is_the_plugins_own_business(rig: Rig) -> None:
    files = {
        "plugin.py": """
            import os, sys
            sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))
            import shared, tests
            class Plugin:
                def run(self, action, params, context):
                    return {"shared": shared.WORD, "tests": tests.WORD}
        """,
        "vendor/shared.py": "WORD = 'vendored'",
        "vendor/tests/__init__.py": "WORD = 'theirs'",
    }
    await rig.start("vendoring", files)
    assert (await rig.run("vendoring")).result == {"shared": "vendored", "tests": "theirs"}


async def test_platform_packages_cannot_be_imported(either_rig: Rig) -> None:
    source = """
        import importlib
        def attempt(name):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                return error.name
        class Plugin:
            def run(self, action, params, context):
                return {name: attempt(name) for name in ("services", "shared", "tests", "deploy")}
    """
    await either_rig.start("curious", source)
    result = (await either_rig.run("curious")).result
    assert result == {name: name for name in ("services", "shared", "tests", "deploy")}


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


async def test_libraries_of_the_plugin_come_before_the_platforms(rig: Rig) -> None:
    libraries = rig.files.parent / "libraries"
    libraries.mkdir()
    (libraries / "only_mine.py").write_text("WORD = 'mine'")
    (libraries / "six.py").write_text("__version__ = 'pinned'")
    await rig.start(
        "libs",
        echo("[only_mine.WORD, six.__version__]", "import only_mine, six\n").replace("\n    ", "\n"),
        libraries=libraries,
    )
    assert (await rig.run("libs")).result["result"] == ["mine", "pinned"]


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
