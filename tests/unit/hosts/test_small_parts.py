"""Parts of hosts that need no process."""

import datetime as dt
import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.executor.host.plugarr_host.hooks import call_hook
from services.executor.host.plugarr_host.names import package_name
from services.executor.host.plugarr_host.values import MAX_DEPTH, Unserialisable, encode, shaped
from services.executor.hosts.causes import cause_of
from services.executor.hosts.desk import KnownRuns
from services.executor.hosts.logs import Allowance, LogIntake
from services.executor.hosts.messages import LogLine
from services.executor.hosts.options import HostOptions
from services.executor.hosts.protocol import decode_json
from services.executor.hosts.sandbox import Sandbox
from services.executor.ports import PluginSpec

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=3)
    | st.dates()
    | st.just({1}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(value=ANYTHING)
def test_value_is_encoded_as_the_executor_reads_it_or_refused_with_its_path(value: object) -> None:
    try:
        text = encode(value, "result")
    except Unserialisable as fault:
        assert str(fault).startswith("result")  # noqa: PT017 - either is right
    else:
        assert decode_json(text) == orjson.loads(json.dumps(value))


@given(value=ANYTHING)
def test_what_a_plugin_says_of_itself_always_becomes_json(value: object) -> None:
    warnings: list[str] = []
    assert decode_json(encode(shaped(value, "fields", warnings), "fields")) is not ...
    assert all(warning.startswith("fields") for warning in warnings)


def test_depth_at_the_limit_passes_and_one_more_does_not() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert decode_json(encode(value, "r")) == value
    with pytest.raises(Unserialisable, match="deeper than 200"):
        encode([value], "r")


def test_dict_that_refuses_to_be_read_is_refused() -> None:
    class Odd(dict):
        def items(self) -> Any:
            raise RuntimeError("not today")

    with pytest.raises(Unserialisable, match="not today"):
        encode(Odd(a=1), "result")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("hello", "_dispatcharr_plugin_hello"),
        ("my_plug-in", "_dispatcharr_plugin_my_plug_in"),
        ("3d", "_dispatcharr_plugin_p_3d"),
        ("a.b c", "_dispatcharr_plugin_a_b_c"),
        ("größe", "_dispatcharr_plugin_größe"),
        ("-", "_dispatcharr_plugin__"),
    ],
)
def test_package_is_named_after_the_safe_key(key: str, name: str) -> None:
    assert package_name(key) == name


@given(key=st.text(min_size=1))
def test_package_name_is_always_an_identifier(key: str) -> None:
    assert package_name(key).isidentifier()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "plugin process ended with exit code 0"),
        (-signal.SIGSEGV, "plugin process ended by signal 11 (SIGSEGV)"),
        (-63, "plugin process ended by signal 63"),
        (None, "plugin process did not start (no memory)"),
    ],
)
def test_cause_is_named(status: int | None, words: str) -> None:
    assert cause_of(status, "no memory") == words


def test_allowance_is_spent_and_comes_back_with_time() -> None:
    now = [0.0]
    allowance = Allowance(10, 5, clock=lambda: now[0])
    assert [allowance.take() for _ in range(6)] == [True] * 5 + [False]
    now[0] = 0.1
    assert [allowance.take() for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [allowance.take() for _ in range(6)] == [True] * 5 + [False]


class KeptLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str | None, str]] = []

    def log(self, key: str, run_id: str | None, lines: Sequence[Mapping[str, Any]]) -> None:
        self.lines.extend((run_id, line["message"]) for line in lines)


def test_lines_keep_their_run_and_their_order() -> None:
    kept = KeptLog()
    lines = [
        LogLine(run, {"message": text}) for run, text in (("a", "1"), ("a", "2"), (None, "3"), ("a", "4"))
    ]
    assert LogIntake("k", kept).take(lines)  # type: ignore[arg-type]
    assert kept.lines == [("a", "1"), ("a", "2"), (None, "3"), ("a", "4")]


def test_only_so_many_runs_are_known() -> None:
    runs = KnownRuns()
    for number in range(5000):
        runs.add(f"r{number}", 1)
    assert runs.own("r0") is None
    assert runs.own("r4999") == "r4999"
    assert runs.own(None) is None
    assert (runs.depth("r4999", 0), runs.depth("r4999", 5), runs.depth(None, 10**9)) == (1, 5, 1000)


@pytest.mark.parametrize(
    ("hook", "calls"),
    [
        (lambda kept: lambda context: kept.append(context["x"]), [1]),
        (lambda kept: lambda: kept.append("bare"), ["bare"]),
        (lambda kept: lambda context, more=2: kept.append(more), [2]),
        (lambda kept: lambda **values: kept.append(values), [{}]),
    ],
)
def test_hook_is_called_as_it_can_be(hook: Any, calls: list) -> None:
    kept: list = []
    plugin = type("Plugin", (), {"on_enable": staticmethod(hook(kept))})()
    call_hook(plugin, "on_enable", {"x": 1})
    assert kept == calls


def plan(tmp_path: Path, **values: Any) -> list[str]:
    options = HostOptions(
        files_dir=tmp_path / "data" / "files", hidden=[tmp_path / "data"], sandbox="require"
    )
    (tmp_path / "data" / "files").mkdir(parents=True)
    path = tmp_path / "data" / "files" / "plugins" / "My plug"
    spec = PluginSpec(
        **{"key": "my_plug", "folder": "My plug", "path": path, "digest": "d", "declared": {}, **values}
    )
    return Sandbox(options).plan(spec).command(7)


def test_sandbox_binds_nothing_of_the_platforms_data_but_the_files(tmp_path: Path) -> None:
    command = plan(tmp_path, memory=5)
    data = str(tmp_path / "data")
    assert [argument for argument in command[:-1] if argument.startswith(data)] == [f"{data}/files"]
    config = json.loads(command[-1])
    assert config["path"] == "/data/plugins/My plug"
    assert config["paths"][-1] == "/data/plugins"
    assert (config["control"], config["memory"], config["parent"], config["redirect"]) == (7, 5, None, None)
    assert not any(Path(entry).joinpath("services").exists() for entry in config["paths"])


def test_dates_in_attributes_are_written_out() -> None:
    assert shaped({"d": dt.date(2026, 1, 2)}, "f", []) == {"d": "2026-01-02"}
