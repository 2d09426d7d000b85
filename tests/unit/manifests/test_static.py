"""The `Plugin` class is read from its text and never executed."""

import pytest


def test_literals_of_the_class_are_known(read):
    plugin = read("""
        class Plugin:
            name = "N"
            version: str = "1"
            fields = [{"id": "a", "type": "number", "min": -1}]
            actions = ({"id": "go", "label": "Go"},)
            def run(self, action, params, context): ...
    """)
    assert plugin.values == {
        "name": "N", "version": "1", "fields": [{"id": "a", "type": "number", "min": -1}],
        "actions": [{"id": "go", "label": "Go"}],
    }  # fmt: skip
    assert plugin.unknown == []
    assert plugin.errors == []
    file, node = plugin.located["fields"]
    assert (file, node.lineno) == ("plugin.py", 5)


@pytest.mark.parametrize(
    ("before", "expression", "value"),
    [
        ("A = 'x'", "A + 'y' 'z'", "xyz"),
        ("A = 'x'", "f'{A}-{1 + 1}'", "x-2"),
        ("A = [1]; B = [2]", "A + B + [*A, 3]", [1, 2, 1, 3]),
        ("A = {'a': 1}", "{**A, 'b': 2} | {'c': 3}", {"a": 1, "b": 2, "c": 3}),
        ("A = {'a': 1}", "dict(A, b=2, **{'c': 3})", {"a": 1, "b": 2, "c": 3}),
        (
            "A = ['x', 'y']",
            "[{'value': v, 'label': v.upper()} for v in A if v != 'y']",
            [{"value": "x", "label": "X"}],
        ),
        (
            "A = {'x': 'X'}",
            "[{'value': k, 'label': v} for k, v in A.items()]",
            [{"value": "x", "label": "X"}],
        ),
        ("A, B = 1, 2", "[A, B]", [1, 2]),
        ("A = [1]\nA += [2]", "A", [1, 2]),
        ("A = {'x': [1, 2]}", "A['x'][-1]", 2),
        ("A = 5", "'big' if A > 3 else 'small'", "big"),
        ("A = 60", "A * 60 - 1", 3599),
        ("A = ['a', 'b']", "', '.join(A)", "a, b"),
        ("A = '  x '", "A.strip()", "x"),
        ("A = 1", "(None, True, not A, -A, 1.5)", [None, True, False, -1, 1.5]),
        ("import textwrap", "textwrap.dedent('  a')", "a"),
        ("A = 'abc'", "A[:2]", "ab"),
        ("class C:\n    x = 7", "C.x", 7),
        ("try:\n    import json\n    A = 1\nexcept ImportError:\n    A = 1", "A", 1),
        ("if TYPE_CHECKING:\n    A = 1\nelse:\n    A = 2", "A", 2),
        ("A = 1", "[str(i) for i in range(3)]", ["0", "1", "2"]),
        ("", "' + '.join(['a']) + " + " + ".join(["'b'"] * 500), "a" + "b" * 500),
    ],
)
def test_what_can_be_worked_out_is(read, before, expression, value):
    plugin = read(f"{before}\nclass Plugin:\n    description = {expression}\n")
    assert plugin.values == {"description": value}


@pytest.mark.parametrize(
    ("before", "expression"),
    [
        ("import os", "os.environ['HOME']"),
        ("def f(): return 1", "f()"),
        ("A = 1\nif f(): A = 2", "A"),
        ("A = []\nA.append(1)", "A"),
        ("A = {}\nA['x'] = 1", "A"),
        ("A = [1]\nfor x in y: A.append(x)", "A"),
        ("A = B\nB = A", "A"),
        ("dict = f", "dict(a=1)"),
        ("", "open('/etc/passwd').read()"),
        ("", "__import__('os').system('x')"),
        ("", "b'bytes'"),
        ("", "'a' * 10 ** 9"),
        ("", "'a' * 999999999"),
        ("", "[0] * 999999999"),
        ("", "range(10 ** 9)"),
        ("", "2 ** 2 ** 2 ** 99"),
        ("A = 9999999999999999999999", "A"),
        ("", "f'{1:>999999999}'"),
        ("", "'%s' % 5"),
        ("", "[x for _ in range(9999) for _ in range(9999)]"),
        ("from elsewhere import A", "A"),
        ("from elsewhere import *", "A"),
        ("", "lambda: 1"),
        ("", "1 / 0"),
        ("", "{}['x']"),
        ("", "[1][5]"),
        ("", "'x' < 5"),
        ("", "{[]: 1}"),
    ],
)
def test_what_cannot_be_known_stays_unknown(read, before, expression):
    plugin = read(f"{before}\nclass Plugin:\n    name = 'N'\n    description = {expression}\n")
    assert plugin.values == {"name": "N"}
    assert plugin.unknown == ["description"]


def test_nothing_is_executed(read, tmp_path):
    marker = tmp_path / "ran"
    read(f"""
        import pathlib
        pathlib.Path({str(marker)!r}).touch()
        class Plugin:
            name = [pathlib.Path({str(marker)!r}).touch()]
            fields = property(lambda self: pathlib.Path({str(marker)!r}).touch())
    """)
    assert not marker.exists()


def test_bases_of_the_same_file_count_in_order(read):
    plugin = read("""
        class Root: name = "root"; author = "root"
        class Left(Root): version = "left"
        class Right(Root): name = "right"; version = "right"
        class Plugin(Left, Right): description = Root.author
    """)
    assert plugin.values == {"name": "right", "author": "root", "version": "left", "description": "root"}


def test_an_unknown_base_hides_only_what_the_class_does_not_say(read):
    plugin = read("""
        from elsewhere import Base
        class Plugin(Base):
            name = "mine"
    """)
    assert plugin.values == {"name": "mine"}
    assert "fields" in plugin.unknown
    assert "name" not in plugin.unknown


def test_what_init_assigns_once_is_known_and_hides_the_class(read):
    plugin = read("""
        class Base:
            def __init__(self):
                self.author = "base"
        class Plugin(Base):
            name = "class"
            fields = []
            def __init__(self):
                super().__init__()
                common = [{"id": "a"}]
                self.name = "init"
                self.fields = common + self._more
            _more = [{"id": "b"}]
    """)
    assert plugin.values == {"name": "init", "author": "base", "fields": [{"id": "a"}, {"id": "b"}]}
    assert plugin.unknown == []


@pytest.mark.parametrize(
    "init",
    [
        "self.fields = make()",
        "if x: self.fields = []",
        "self.fields.append(1)",
        "self.fields[0]['x'] = 1",
        "self._build()",
        "setattr(self, 'fields', [])",
        "setattr(self, name, [])",
        "self.__dict__.update(fields=[])",
        "for f in g(): self.fields.append(f)",
        "self.fields = param",
    ],
)
def test_what_init_may_change_is_unknown(read, init):
    plugin = read(f"""
        class Plugin:
            fields = [{{"id": "a"}}]
            def __init__(self, param=None):
                {init}
            def _build(self):
                self._inner()
            def _inner(self):
                self.fields = []
    """)
    assert "fields" in plugin.unknown


def test_a_property_of_one_return_is_known(read):
    plugin = read("""
        from functools import cached_property
        class Plugin:
            title = "T"
            @property
            def name(self):
                "Doc."
                return self.title + "!"
            @cached_property
            def pages(self):
                return {"main": {"components": []}}
            @property
            def fields(self):
                rows = load()
                return rows
            def actions(self):
                return []
    """)
    assert plugin.values == {"name": "T!", "pages": {"main": {"components": []}}}
    assert plugin.unknown == ["fields", "actions"]


def test_attributes_set_on_the_class_from_outside_count(read):
    plugin = read("""
        class Plugin:
            name = "a"
            fields = []
        Plugin.name = "b"
        Plugin.fields.append({})
    """)
    assert plugin.values == {"name": "b"}
    assert plugin.unknown == ["fields"]


def test_lists_known_in_part_keep_the_entries_that_are_known(read):
    plugin = read("""
        FIELDS = [make(), {"id": "z", "type": "text", "label": "Z"}]
        class Plugin:
            fields = [
                {"id": "a", "type": "string", "default": os.environ.get("A")},
                {"id": "b", "type": kind()},
                *FIELDS,
                make("c"),
            ] + more()
            actions = [{"id": "x", "label": label()}, {"id": "y", "label": "Y", "description": d()}]
            pages = {"main": {"components": [{"type": "text", "content": now()}]}}
    """)
    assert plugin.values == {
        "fields": [{"id": "a", "type": "string"}, {"id": "z", "type": "text", "label": "Z"}],
        "actions": [{"id": "y", "label": "Y"}],
    }
    assert plugin.unknown == ["fields", "actions", "pages"]


@pytest.mark.parametrize(
    "statement",
    [
        "from .impl import Plugin",
        "from impl import Plugin",
        "from my_plugin.impl import Plugin",
        "from . import impl\nPlugin = impl.Plugin",
        "import impl\nclass Plugin(impl.Plugin): pass",
        "from .impl import *",
        "from .impl import Plugin as Other\nPlugin = Other",
        "try:\n    from .impl import Plugin\nexcept ImportError:\n    from impl import Plugin",
    ],
)
def test_the_class_is_followed_into_the_plugins_own_modules(read, statement):
    plugin = read(
        statement.replace("\n", "\n"),
        **{
            "impl.py": """
            from .constants import NAME
            from . import constants
            class Plugin:
                name = NAME
                version = constants.VERSION
            """,
            "constants.py": "NAME = 'followed'; VERSION = '3'",
        },
    )
    assert plugin.values == {"name": "followed", "version": "3"}


def test_imports_are_followed_no_further_than_the_folder(read, tmp_path):
    (tmp_path / "outside.py").write_text("NAME = 'secret'")
    plugin = read("from ..outside import NAME\nclass Plugin:\n    name = NAME\n")
    assert plugin.values == {}
    assert plugin.unknown == ["name"]


def test_a_module_of_the_standard_library_is_never_the_plugins(read):
    plugin = read("from json import NAME\nclass Plugin:\n    name = NAME\n", **{"json.py": "NAME = 'x'"})
    assert plugin.unknown == ["name"]


def test_plugin_py_wins_and_init_py_stands_in(read):
    init = "class Plugin:\n    name = 'init'\n"
    assert read("class Plugin:\n    name = 'plugin'\n", **{"__init__.py": init}).values == {"name": "plugin"}
    assert read("x = 1\n", **{"__init__.py": init}).values == {"name": "init"}
    broken = read("def (\n", **{"__init__.py": init})
    assert broken.values == {"name": "init"}
    assert [problem.path for problem in broken.errors] == ["plugin.py:1"]


def test_no_plugin_class_is_an_error_with_a_remedy(read):
    (problem,) = read("x = 1\n").errors
    assert (problem.path, problem.message) == ("plugin.py", "has no class Plugin")
    assert problem.remedy


def test_a_plugin_made_by_a_call_is_there_but_unknown(read):
    plugin = read("Plugin = make_plugin()\n")
    assert plugin.errors == []
    assert "fields" in plugin.unknown
