"""What `run` is given, what becomes of its result, and what runs share."""

import asyncio
import time

import pytest

from services.executor.ports import HostResult
from tests.integration.hosts.conftest import MakeRig, Rig
from tests.integration.hosts.evaluating import EVALUATING, evaluate


@pytest.fixture
async def plugin(rig: Rig) -> Rig:
    """A plugin whose actions are Python expressions."""
    await rig.start("eval", EVALUATING)
    return rig


async def test_context_is_exactly_settings_logger_actions(rig: Rig) -> None:
    source = """
        class Plugin:
            def run(self, wanted, given, surroundings):
                shown = {k: v for k, v in surroundings.items() if k != "logger"}
                surroundings.clear()
                return {"keys": sorted([*shown, "logger"]), "shown": shown, "wanted": wanted, "given": given}
    """
    await rig.start("context", source)
    values = {"params": {"p": [1, None, "é"]}, "settings": {"s": 1}, "actions": {"go": {"id": "go"}}}
    expected = {
        "keys": ["actions", "logger", "settings"],
        "shown": {"settings": {"s": 1}, "actions": {"go": {"id": "go"}}},
        "wanted": "go",
        "given": {"p": [1, None, "é"]},
    }
    assert (await rig.run("context", **values)).result == expected
    assert (await rig.run("context", **values)).result == expected


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("{}", {}),
        ("{'status': False, 'x': (1, 2)}", {"status": False, "x": [1, 2]}),
        ("None", {"status": "ok", "result": None}),
        ("[1, 'a']", {"status": "ok", "result": [1, "a"]}),
        ("'text'", {"status": "ok", "result": "text"}),
        ("0", {"status": "ok", "result": 0}),
        ("{1: 'a', None: 'b', True: 'c', 1.5: 'd'}", {"1": "c", "null": "b", "1.5": "d"}),
        ("collections.OrderedDict(a=Colour.RED, b=Named(1, 2))", {"a": "red", "b": [1, 2]}),
        ("{'n': 2**63, 'm': -2**63, 'digits': '9' * 30}", {"n": 2**63, "m": -(2**63), "digits": "9" * 30}),
        ("{'x': [[1]] * 300}", {"x": [[1]] * 300}),
    ],
)
async def test_dict_passes_unchanged_and_anything_else_is_wrapped(
    plugin: Rig, expression: str, result: object
) -> None:
    assert await evaluate(plugin, expression) == HostResult(end="returned", result=result)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("{'a': [1, {'b': float('nan')}]}", "result.a[1].b is nan, which JSON cannot hold"),
        ("{'a': math.inf}", "result.a is inf, which JSON cannot hold"),
        ("{1, 2}", "result.result is a set, which JSON cannot hold"),
        ("{'a': b'x'}", "result.a is bytes, which JSON cannot hold"),
        ("{'when': datetime.datetime.now()}", "result.when is a datetime, which JSON cannot hold"),
        ("{'d': [decimal.Decimal(1)]}", "result.d[0] is a Decimal, which JSON cannot hold"),
        ("{'o': object()}", "result.o is an object, which JSON cannot hold"),
        ("{'m': {(1, 2): 3}}", "result.m has a key that is a tuple, which JSON cannot hold"),
        ("{'s': 'a\\ud800'}", "result.s holds a lone surrogate, which JSON cannot hold"),
        ("{'big': 2**64}", "result.big is an integer of more than 64 bits"),
        ("cycle()", "result.a[0] contains itself"),
        ("(x for x in 'abc')", "result.result is a generator, which JSON cannot hold"),
        ("{'x': 'x' * (65 * 1024 * 1024)}", "result is 68,157,448 bytes of JSON, more than 67,043,328"),
    ],
)
async def test_result_that_json_cannot_hold_says_where_and_what(
    plugin: Rig, expression: str, error: str
) -> None:
    result = await evaluate(plugin, expression)
    assert (result.end, result.error) == ("unserialisable", error)


@pytest.mark.parametrize("levels", [198, 250, 900, 5000])
async def test_nesting_is_bounded(plugin: Rig, levels: int) -> None:
    result = await evaluate(plugin, f"deep({levels})")
    assert result.end == ("returned" if levels < 200 else "unserialisable")
    assert levels < 200 or "nested deeper than 200 levels" in (result.error or "")


async def test_result_just_below_the_limit_arrives(plugin: Rig) -> None:
    result = await evaluate(plugin, "{'x': 'x' * (60 * 1024 * 1024)}")
    assert len(result.result["x"]) == 60 * 1024 * 1024


@pytest.mark.parametrize(
    ("expression", "end", "error", "error_type"),
    [
        ("self._raise(ValueError('bad value'))", "raised", "bad value", "ValueError"),
        ("self._raise(PermissionError('not yours'))", "denied", "not yours", "PermissionError"),
        ("self._raise(SystemExit(3))", "raised", "3", "SystemExit"),
        ("sys.exit()", "raised", "", "SystemExit"),
        ("self._raise(KeyboardInterrupt())", "raised", "", "KeyboardInterrupt"),
        ("self._raise(GeneratorExit())", "raised", "", "GeneratorExit"),
        ("self._raise(Refusing())", "raised", "", "Refusing"),
        ("(lambda f: f(f))(lambda f: f(f))", "raised", "maximum recursion depth exceeded", "RecursionError"),
    ],
)
async def test_whatever_is_raised_is_an_outcome(
    plugin: Rig, expression: str, end: str, error: str, error_type: str
) -> None:
    assert await evaluate(plugin, expression) == HostResult(end=end, error=error, error_type=error_type)  # type: ignore[arg-type]
    assert (await evaluate(plugin, "{}")).end == "returned"


async def test_traceback_is_in_the_runs_log(plugin: Rig) -> None:
    await evaluate(plugin, "1/0", run_id="r")
    (line,) = plugin.upcalls.log_of("r")
    assert line.startswith("ZeroDivisionError: division by zero\nTraceback")


async def test_runs_are_concurrent_and_a_hung_one_blocks_no_other(plugin: Rig) -> None:
    hung = asyncio.create_task(evaluate(plugin, "print('here') or time.sleep(3)", run_id="hung"))
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("hung"))
    begun = time.monotonic()
    results = await asyncio.gather(*(evaluate(plugin, "time.sleep(0.3)") for _ in range(8)))
    assert time.monotonic() - begun < 1.5
    assert all(result.end == "returned" for result in results)
    assert not hung.done()
    await hung


async def test_params_that_cannot_be_sent_fail_the_run_only(plugin: Rig) -> None:
    result = await evaluate(plugin, "{}", params={"x": "x" * (65 * 1024 * 1024)})
    assert result.end == "raised"
    assert "cannot be sent to the plugin" in (result.error or "")
    assert (await evaluate(plugin, "{}")).end == "returned"


async def test_memory_limit_is_a_memory_error_of_the_plugin_alone(rig: Rig) -> None:
    await rig.start("eval", EVALUATING, memory=512 * 1024 * 1024)
    assert (await evaluate(rig, "len(bytearray(1 << 30))")).error_type == "MemoryError"
    assert (await evaluate(rig, "{}")).end == "returned"


async def test_limits_of_the_process_are_sane(plugin: Rig) -> None:
    source = "(lambda r: [r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_NOFILE)])(__import__('resource'))"
    core, files = (await evaluate(plugin, source)).result["result"]
    assert core == [0, 0]
    assert 1024 <= files[0] <= 4096


async def test_machine_that_runs_out_of_memory_ends_plugins_first(plugin: Rig) -> None:
    score = await evaluate(plugin, "int(open('/proc/self/oom_score_adj').read())")
    assert score.result == {"status": "ok", "result": 1000}


PATCHING = """
    import json, plugarr

    def dumps(*args, **kwargs):
        raise RuntimeError("not today")

    class Plugin:
        def run(self, action, params, context):
            json.dumps = json.loads = dumps
            print("here")
            plugarr.emit("e", {"a": 1})
            return {"a": [1, "x"]}
"""


async def test_plugin_that_replaces_json_still_has_results_and_a_log(rig: Rig) -> None:
    await rig.start("patching", PATCHING)
    for run_id in ("r1", "r2"):
        result = await asyncio.wait_for(rig.run("patching", run_id=run_id), 3)
        assert result.result == {"a": [1, "x"]}, result
        assert rig.upcalls.log_of(run_id) == ["here"]


FORKING = """
    import os

    class Plugin:
        def run(self, action, params, context):
            pid = os.fork()
            if pid == 0:
                return {"who": "child"}
            return {"who": "parent", "status": os.waitpid(pid, 0)[1]}
"""


async def test_forked_process_that_comes_out_of_the_plugins_code_ends(rig: Rig) -> None:
    await rig.start("forking", FORKING)
    result = await asyncio.wait_for(rig.run("forking"), 10)
    assert result.result == {"who": "parent", "status": 0}


async def test_hosts_can_be_spawned_where_forking_is_not_safe(make_rig: MakeRig) -> None:
    rig = make_rig(spawn=True)
    await rig.start("eval", EVALUATING)
    assert (await evaluate(rig, "os.getpid() == os.getpgid(0)")).result["result"] is True
    assert (await evaluate(rig, "os._exit(5)")).error == "plugin process ended with exit code 5"
    assert (await evaluate(rig, "{}")).end == "returned"
