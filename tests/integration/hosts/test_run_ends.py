"""How a run ends that does not return: crash, time limit and cancellation."""

import asyncio

import pytest

from services.executor.ports import HostResult
from tests.integration.hosts.conftest import MakeRig, Rig
from tests.integration.hosts.evaluating import EVALUATING, evaluate


@pytest.fixture
async def plugin(rig: Rig) -> Rig:
    """A plugin whose actions are Python expressions."""
    await rig.start("eval", EVALUATING)
    return rig


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("os._exit(3)", "plugin process ended with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "plugin process ended by signal 9 (SIGKILL)"),
        ("__import__('ctypes').string_at(0)", "plugin process ended by signal 11 (SIGSEGV)"),
        ("os.abort()", "plugin process ended by signal 6 (SIGABRT)"),
    ],
)
async def test_crash_ends_every_run_in_flight_with_the_cause_and_the_next_gets_a_new_host(
    plugin: Rig, expression: str, cause: str
) -> None:
    sibling = asyncio.create_task(evaluate(plugin, "print('here') or time.sleep(60)", run_id="sibling"))
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("sibling"))
    assert await evaluate(plugin, expression) == HostResult(end="crashed", error=cause)
    assert await sibling == HostResult(end="crashed", error=cause)
    assert (await evaluate(plugin, "{}")).result == {}
    await plugin.upcalls.until(lambda: plugin.upcalls.ends)
    assert plugin.upcalls.ends == [cause]


async def test_crash_between_runs_is_reported(plugin: Rig) -> None:
    await evaluate(plugin, "threading.Timer(0.05, os._exit, (7,)).start()")
    await plugin.upcalls.until(lambda: plugin.upcalls.ends)
    assert plugin.upcalls.ends == ["plugin process ended with exit code 7"]


async def test_segfault_leaves_its_stack_in_the_plugins_log(plugin: Rig) -> None:
    await evaluate(plugin, "__import__('ctypes').string_at(0)")
    await plugin.upcalls.until(lambda: any("Segmentation fault" in x for x in plugin.upcalls.log_of(None)))


async def test_time_limit_raises_in_the_thread(plugin: Rig) -> None:
    result = await evaluate(plugin, "[time.sleep(0.01) for _ in range(10_000)]", timeout_s=0.2)
    assert (result.end, result.error) == ("timed_out", "time limit of 0.2 s passed")
    assert not plugin.upcalls.ends


async def test_cancelled_run_says_so_and_its_host_lives_on(plugin: Rig) -> None:
    pid = (await evaluate(plugin, "os.getpid()")).result
    running = asyncio.create_task(
        evaluate(plugin, "[print('here'), [time.sleep(0.01) for _ in range(10_000)]]", run_id="r")
    )
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("r"))
    await plugin.hosts.cancel("eval", "r")
    result = await running
    assert (result.end, result.error) == ("cancelled", "cancelled")
    assert (await evaluate(plugin, "os.getpid()")).result == pid


async def test_run_may_look_at_the_flag_and_stop_by_itself(rig: Rig) -> None:
    source = """
        import time, plugarr
        class Plugin:
            def run(self, action, params, context):
                print("here")
                try:
                    while not plugarr.cancelled():
                        time.sleep(0.01)
                except plugarr.RunCancelled:
                    pass
                return {"cancelled": plugarr.cancelled()}
    """
    await rig.start("looking", source)
    running = asyncio.create_task(rig.run("looking", run_id="r"))
    await rig.upcalls.until(lambda: rig.upcalls.log_of("r"))
    await rig.hosts.cancel("looking", "r")
    assert await running == HostResult(end="cancelled", result={"cancelled": True}, error="cancelled")


async def test_run_that_does_not_stop_takes_its_host_and_its_siblings_with_it(plugin: Rig) -> None:
    sibling = asyncio.create_task(evaluate(plugin, "print('here') or time.sleep(60)", run_id="sibling"))
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("sibling"))
    result = await evaluate(plugin, "time.sleep(60)", run_id="stuck", timeout_s=0.2)
    assert (result.end, result.error) == ("timed_out", "time limit of 0.2 s passed")
    cause = "plugin process was ended: run stuck did not stop within 0.5 s of its time limit"
    assert await sibling == HostResult(end="crashed", error=cause)
    assert (await evaluate(plugin, "{}")).end == "returned"


async def test_cancelled_run_that_swallows_the_exception_is_ended_after_the_grace(plugin: Rig) -> None:
    source = """
        import time
        class Plugin:
            def run(self, action, params, context):
                print("here")
                while True:
                    try:
                        time.sleep(0.01)
                    except BaseException:
                        pass
    """
    await plugin.start("stubborn", source)
    running = asyncio.create_task(plugin.run("stubborn", run_id="r"))
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("r"))
    await plugin.hosts.cancel("stubborn", "r")
    assert (await running).end == "cancelled"


async def test_interrupt_never_strikes_the_next_run_of_the_thread(plugin: Rig) -> None:
    for _ in range(60):
        racing = asyncio.create_task(evaluate(plugin, "time.sleep(0.002)", timeout_s=0.0025))
        result = await racing
        assert result.end in {"returned", "timed_out"}
        assert (await evaluate(plugin, "{}")).end == "returned"
    assert not plugin.upcalls.ends


async def test_cancelling_the_waiting_caller_stops_the_run(plugin: Rig) -> None:
    code = "[print('here'), [time.sleep(0.01) for _ in range(10_000)]]"
    running = asyncio.create_task(evaluate(plugin, code, run_id="r"))
    await plugin.upcalls.until(lambda: plugin.upcalls.log_of("r"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (
        await evaluate(plugin, "len([t for t in threading.enumerate() if 'run' in t.name])")
    ).end == "returned"


async def test_run_that_looks_at_its_flag_is_not_interrupted_while_it_tidies_up(make_rig: MakeRig) -> None:
    rig = make_rig(grace_s=10.0)
    source = """
        import time, plugarr
        class Plugin:
            def run(self, action, params, context):
                print("here")
                while not plugarr.cancelled():
                    time.sleep(0.01)
                for _ in range(100):
                    time.sleep(0.01)
                print("tidied up")
    """
    await rig.start("tidy", source)
    running = asyncio.create_task(rig.run("tidy", run_id="r"))
    await rig.upcalls.until(lambda: rig.upcalls.log_of("r"))
    await rig.hosts.cancel("tidy", "r")
    assert (await running).end == "cancelled"
    assert rig.upcalls.log_of("r") == ["here", "tidied up"]


async def test_plugin_is_told_of_a_cancelled_run_and_may_end_what_its_thread_waits_for(rig: Rig) -> None:
    source = """
        import socket, plugarr
        class Plugin:
            def __init__(self):
                self.ends = {}
            def run(self, action, params, context):
                mine, self.ends[plugarr.run_id] = socket.socketpair()
                print("here")
                return {"got": mine.recv(1).decode()}  # no byte code, no exception: only its other end helps
            def on_cancel(self, context):
                print("told of", context["run_id"], context["reason"], plugarr.run_id, context["settings"])
                self.ends[context["run_id"]].close()
    """
    await rig.start("blocked", source)
    running = asyncio.create_task(rig.run("blocked", run_id="r", settings={"a": 1}))
    await rig.upcalls.until(lambda: rig.upcalls.log_of("r"))
    await rig.hosts.cancel("blocked", "r")
    assert (await running).end == "cancelled"
    assert "told of r cancelled r {'a': 1}" in rig.upcalls.log_of("r")
    assert not rig.upcalls.ends


async def test_run_may_ask_for_another_attempt_and_knows_which_one_it_is(rig: Rig) -> None:
    source = """
        import plugarr
        class Plugin:
            def run(self, action, params, context):
                try:
                    if plugarr.attempt < 3:
                        plugarr.retry(2.5, "not yet there")
                except Exception:
                    return "swallowed"
                return {"attempt": plugarr.attempt}
    """
    await rig.start("again", source)
    asked = await rig.run("again", attempt=2)
    assert (asked.end, asked.error, asked.retry_in_s) == ("retry", "not yet there", 2.5)
    assert (await rig.run("again", attempt=3)).result == {"attempt": 3}
