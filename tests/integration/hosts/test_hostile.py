"""A plugin that writes to its own socket harms its own host only."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.integration.hosts.conftest import MakeRig, Rig

HOSTILE = """
    import json, math, msgpack, os, socket, struct, threading, time

    def channel():
        for name in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                    return socket.socket(fileno=os.dup(int(name)))
            except OSError:
                pass

    def frame(message):
        body = msgpack.packb(message, use_bin_type=True)
        return struct.pack(">I", len(body)) + body

    def say(*messages):
        sock = channel()
        for message in messages:
            sock.sendall(frame(message))

    class Plugin:
        def run(self, action, params, context):
            exec(action, globals())
            if params.get("wait"):
                time.sleep(60)
            return {}
"""


@pytest.fixture
async def plugin(rig: Rig) -> Rig:
    """A plugin whose actions are Python statements, and a well-behaved one beside it."""
    await rig.start("hostile", HOSTILE)
    await rig.start("calm", "class Plugin:\n    def run(self, a, p, c): return {'calm': True}\n")
    return rig


async def is_unharmed(rig: Rig) -> None:
    assert (await rig.run("calm")).result == {"calm": True}
    assert (await rig.run("hostile", "pass")).end == "returned"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("channel().sendall(b'\\xff' * 100)", "a frame of 4,294,967,295 bytes"),
        ("channel().sendall(struct.pack('>I', 64 * 1024 * 1024 + 1))", "a frame of 67,108,865 bytes"),
        ("channel().sendall(struct.pack('>I', 4) + b'\\xc1\\xc1\\xc1\\xc1')", "a frame that is no message"),
        ("channel().sendall(struct.pack('>I', 2000) + b'\\x91' * 2000)", "a frame that is no message"),
        ("channel().sendall(struct.pack('>I', 0))", "a frame that is no message"),
        ("say(7)", "a frame that holds no map"),
        ("say({'t': msgpack.ExtType(5, b'x')})", "a frame that is no message"),
        ("say({'t': 'surprise'})", "a message of unknown kind (surprise)"),
        ("say({})", "a message of unknown kind (None)"),
        ("say({'t': 'ended', 'id': 1, 'end': 'won'})", "an outcome of unknown kind"),
        ("say({'t': 'ended', 'id': '1', 'end': 'returned'})", "id that is no integer"),
        ("say({'t': 'ended', 'id': 1, 'end': 'returned', 'result': b'NaN'})", "a value that is no JSON"),
        (
            "say({'t': 'ended', 'id': 1, 'end': 'returned', 'result': 'text'})",
            "a value that is no JSON text",
        ),
        (
            "say({'t': 'ended', 'id': 1, 'end': 'returned', 'result': b'[' * 500 + b']' * 500})",
            "a value that is no JSON",
        ),
        (
            "say({'t': 'call', 'id': 1, 'depth': 0, 'method': 'event.emit', 'args': b'[]'})",
            "a value that is no object",
        ),
        ("say({'t': 'call', 'id': 1, 'depth': 0, 'method': 7, 'args': b'{}'})", "method that is no text"),
        ("say({'t': 'log', 'lines': b'[[\"x\", \"info\", 5, null, null]]'})", "a log line of another shape"),
        ("say({'t': 'log', 'lines': b'5'})", "log lines that are no list"),
        ("say({'t': 'log', 'lines': [1]})", "a frame that is no message"),
        ("say({'t': {'a': {}}})", "a frame that is no message"),
        (
            "channel().sendall(struct.pack('>I', 50_000_000) + b'\\xdd\\x02\\xfa\\xf0\\x7b' + b'\\x90' * 49_999_995)",
            "a frame that is no message",
        ),
        (
            "say({'t': 'ended', 'id': 1, 'end': 'returned', 'result': b'[' + b'[],' * 5_000_000 + b'0]'})",
            "a value of more than 4,000,000 parts",
        ),
        ("say({'t': 'progress', 'run': 'run-1', 'done': math.nan})", "done that is no number"),
    ],
)
async def test_garbage_on_the_socket_ends_the_host_with_a_named_cause(
    plugin: Rig, code: str, what: str
) -> None:
    result = await plugin.run("hostile", code, params={"wait": True})
    assert result.end == "crashed"
    assert (result.error or "").startswith(f"plugin process broke the protocol of its socket: {what}")
    await is_unharmed(plugin)


async def test_random_bytes_never_harm_the_executor(plugin: Rig) -> None:
    for _ in range(5):
        code = f"channel().sendall({os.urandom(3000)!r})"
        result = await plugin.run("hostile", code, params={"wait": True}, timeout_s=1.0)
        assert result.end in {"crashed", "timed_out"}  # a frame that only never ends is waited for
        await is_unharmed(plugin)


async def test_host_cannot_speak_for_runs_that_it_was_never_given(plugin: Rig) -> None:
    code = """say(
        {'t': 'log', 'lines': b'[[\"junk\", \"shout\", \"forged\", null, \"run-of-another\"]]'},
        {'t': 'progress', 'run': 'run-of-another', 'done': 1},
        {'t': 'call', 'id': 1, 'run': 'run-of-another', 'depth': -5, 'method': 'event.emit', 'args': b'{}'},
        {'t': 'ended', 'id': 999, 'end': 'returned', 'result': b'{}'},
    )"""
    assert (await plugin.run("hostile", code)).end == "returned"
    (line,) = [line for owner, line in plugin.upcalls.lines if owner is None and line["message"] == "forged"]
    assert line["level"] == "info"
    assert line["time"].endswith("Z")
    assert plugin.upcalls.reports == []
    assert plugin.upcalls.calls[0][:3] == ("hostile", None, 0)


async def test_host_cannot_say_that_its_call_is_less_deep_than_it_is(plugin: Rig) -> None:
    code = "say({'t': 'call', 'id': 10**6, 'run': 'deep', 'depth': 0, 'method': 'event.emit', 'args': b'{}'})"
    assert (await plugin.run("hostile", code, run_id="deep", depth=7)).end == "returned"
    assert plugin.upcalls.calls[0][:3] == ("hostile", "deep", 7)


async def test_flood_of_questions_is_answered_so_many_at_a_time(plugin: Rig) -> None:
    at_once = [0, 0]

    async def answer() -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.002)
        at_once[0] -= 1

    plugin.upcalls.answers["event.emit"] = lambda _args: answer()
    code = "say(*({'t': 'call', 'id': 10**6 + n, 'depth': 0, 'method': 'event.emit', 'args': b'{}'} for n in range(5000)))"
    running = asyncio.create_task(plugin.run("hostile", code))
    for _ in range(20):
        assert (await plugin.run("calm")).end == "returned"
    assert (await running).end == "returned"
    assert at_once[1] < 3000  # what one read holds may exceed the 64 once
    await is_unharmed(plugin)


async def test_flood_of_log_frames_is_cut_by_the_executor_too(plugin: Rig) -> None:
    code = "say(*({'t': 'log', 'lines': json.dumps([['', 'info', 'x' * 5000, None, None]] * 200).encode()} for n in range(60)))"
    running = asyncio.create_task(plugin.run("hostile", code))
    for _ in range(20):
        assert (await plugin.run("calm")).end == "returned"
    assert (await running).end == "returned"
    assert len(plugin.upcalls.lines) < 11_000  # of 12,000


async def test_closed_socket_ends_the_host(plugin: Rig) -> None:
    code = "sock = channel(); sock.shutdown(socket.SHUT_RDWR)"
    result = await plugin.run("hostile", code, params={"wait": True})
    assert result.end == "crashed"
    await is_unharmed(plugin)


async def test_host_that_does_not_read_is_ended(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.start("hostile", HOSTILE)
    stuck = asyncio.create_task(rig.run("hostile", "os.kill(os.getpid(), 19); time.sleep(0.5)"))
    big = {"x": "x" * (60 * 1024 * 1024)}
    results = await asyncio.gather(*(rig.run("hostile", "pass", params=big) for _ in range(5)))
    assert "crashed" in {result.end for result in results}  # the last ones may get the next host
    assert (await stuck).error == "plugin process does not read its socket"
    assert (await rig.run("hostile", "pass")).end == "returned"


async def test_stopped_host_is_ended_by_the_time_limit_of_its_run(plugin: Rig) -> None:
    result = await plugin.run("hostile", "os.kill(os.getpid(), 19); time.sleep(0.5)", timeout_s=0.2)
    assert result.end == "timed_out"
    await is_unharmed(plugin)


async def test_thread_bomb_and_full_descriptors_harm_nobody_else(plugin: Rig) -> None:
    code = "kept = []\ntry:\n    while True: kept.append(open('/dev/null'))\nexcept OSError:\n    pass\n"
    await plugin.run("hostile", code, timeout_s=5.0)
    assert (await plugin.run("calm")).end == "returned"
    await plugin.run(
        "hostile",
        "[threading.Thread(target=time.sleep, args=(60,), daemon=True).start() for _ in range(300)]",
    )
    assert (await plugin.run("calm")).end == "returned"


async def test_memory_of_the_executor_stays_while_a_host_sends_the_largest_frames(plugin: Rig) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    code = "say(*({'t': 'log', 'lines': json.dumps([['', 'info', 'x' * (10 * 1024 * 1024), None, None]]).encode()} for n in range(40)))"
    assert (await plugin.run("hostile", code)).end == "returned"
    assert resident() - before < 150 * 1024 * 1024


async def test_large_questions_wait_for_one_another(plugin: Rig) -> None:
    at_once = [0, 0]

    async def answer() -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.05)
        at_once[0] -= 1

    plugin.upcalls.answers["event.emit"] = lambda _args: answer()
    code = """
import plugarr
threads = [threading.Thread(target=plugarr.emit, args=("x", {"x": "x" * 22_000_000})) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    assert (await plugin.run("hostile", code)).end == "returned"
    assert [call[3] for call in plugin.upcalls.calls] == ["event.emit"] * 8
    assert at_once[1] <= 3
