"""How a plugin's folder becomes modules, and what they may import: host-contract 5 to 9."""

import pytest

from tests.integration.hosts.conftest import Rig
from tests.integration.hosts.echo import echo


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
