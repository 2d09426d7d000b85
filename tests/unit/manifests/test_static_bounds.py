"""Whatever a plugin's files hold, reading them ends, soon and in bounds."""

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.manifests.static import read_static


def test_lists_that_repeat_themselves_a_billion_times_take_no_time(read):
    lines = ["a0 = ['x', 'x']", *[f"a{i} = [a{i - 1}, a{i - 1}]" for i in range(1, 50)]]
    twice = "\n".join([*lines, *[line.replace("a", "b") for line in lines]])
    started = time.process_time()
    read(f"{twice}\nif x: c = a49\nelse: c = b49\nclass Plugin:\n    name = c\n    version = a49 == b49\n")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "source",
    [
        b"\x00\x01",
        b"\xff\xfe\xff",
        b"# -*- coding: nonsense -*-\n",
        b"x = " + b"(" * 10_000 + b")" * 10_000,
        b"x = " + b"-" * 10_000 + b"1",
        b"x = " + b"1 + " * 10_000 + b"1\nclass Plugin:\n    name = x\n",
        b"x = a" + b".b" * 10_000,
        b"x = " + b"[" * 90 + b"]" * 90 + b"\nclass Plugin:\n    name = x\n",
        b"x = " + b"f(" * 99 + b")" * 99 + b"\nclass Plugin:\n    name = x\n",
        b"if a:\n    pass\n" + b"elif a:\n    pass\n" * 2_000 + b"class Plugin:\n    name = 'x'\n",
        b"#" * 10_000_000,
        b"x = [" + b"1," * 400_000 + b"]\nclass Plugin:\n    name = x\n",
        b"class Plugin(Plugin): name = name\n",
        b"from .plugin import Plugin\n",
        b"from .plugin import *\n",
        b"x = " + b"9" * 10_000,
        b"class Plugin:\n    def __init__(self):\n        self.__init__()\n        self.name = self.name\n",
    ],
)
def test_hostile_sources_neither_hang_nor_crash(tmp_path, source):
    (tmp_path / "plugin.py").write_bytes(source)
    started = time.process_time()
    read_static(tmp_path)
    assert time.process_time() - started < 10
    assert sys.getrecursionlimit() == 1000


def test_files_over_a_mebibyte_are_said_to_be_unread(tmp_path):
    (tmp_path / "plugin.py").write_bytes(b"#" * (1024 * 1024 + 1))
    plugin = read_static(tmp_path)
    assert "is larger than" in plugin.errors[0].message
    assert "fields" in plugin.unknown


names = st.sampled_from(["a", "b", "fields", "name", "self", "Plugin"])
expressions = st.recursive(
    names | st.sampled_from(["1", "'s'", "None", "[]", "{}", "f'{a}'", "-1"]),
    lambda e: (
        st.builds("({} + {})".format, e, e)
        | st.builds("[{}, *{}]".format, e, e)
        | st.builds("{{**{}, 'k': {}}}".format, e, e)
        | st.builds("{}.fields".format, names)
        | st.builds("[{} for a in {} if {}]".format, e, e, e)
        | st.builds("{}[{}]".format, e, e)
        | st.builds("dict(a={})".format, e)
        | st.builds("({} if {} else {})".format, e, e, e)
        | st.builds("({} | {} * {})".format, e, e, e)
    ),
    max_leaves=8,
)
statements = (
    st.builds("{} = {}".format, names, expressions)
    | st.builds("{} += {}".format, names, expressions)
    | st.builds("{}.name = {}".format, names, expressions)
    | st.builds("if {}: {} = {}".format, expressions, names, expressions)
    | st.sampled_from(["from . import a", "from .plugin import *", "import b", "from plugin import a as b"])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(statements, max_size=6), st.lists(statements, max_size=5), st.lists(statements, max_size=4))
def test_no_source_makes_reading_itself_fail(tmp_path_factory, top, body, init):
    folder = tmp_path_factory.mktemp("p")
    inner = "".join(f"        {line}\n" for line in init) or "        pass\n"
    source = "\n".join([*top, "class Plugin(a):", "    x = 1", *[f"    {line}" for line in body]])
    (folder / "plugin.py").write_text(f"{source}\n    def __init__(self):\n{inner}")
    read_static(folder)
