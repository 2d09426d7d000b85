"""What plugins import and call of the platform."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any

import pytest

from shared.errors import Invalid, NotFound, PermissionDenied, PlugarrError, TimedOut, Unavailable
from tests.integration.hosts.conftest import Rig

CALLING = """
    import plugarr, threading, time
    from apps.plugins.loader import PluginManager
    from apps.plugins.models import PluginConfig, PluginData
    from core.utils import send_websocket_update
    objects = PluginData.objects

    class Plugin:
        def run(self, action, params, context):
            return eval(action, {**globals(), "params": params})
"""
AT = "2026-01-02T03:04:05.678Z"


def record(number: int, **data: object) -> dict[str, object]:
    return {"id": number, "data": data, "created_at": AT, "updated_at": AT}


@pytest.fixture
async def plugin(rig: Rig) -> Rig:
    """A plugin whose actions are Python expressions over the platform's modules."""
    await rig.start("call", CALLING)
    return rig


async def value(rig: Rig, expression: str, **answers: object) -> object:
    for method, answer in answers.items():
        rig.upcalls.answers[method.replace("__", ".")] = lambda _args, answer=answer: answer  # type: ignore[misc]
    result = await rig.run("call", expression, run_id="r", depth=2)
    assert result.end == "returned", result
    return result.result["result"] if set(result.result) == {"status", "result"} else result.result


async def test_collection_is_a_sequence_with_count_and_first(plugin: Rig) -> None:
    expression = """(lambda found: [len(found), found.count(), found.first().id, found[1].data, [r.pk for r in found],
        found.first().created_at.isoformat(), [r.id for r in found[1:]], found.exists()])(objects.get_collection("k", "c"))"""
    found = await value(plugin, expression, data__get_collection=[record(1, a=1), record(2, b=2)])
    assert found == [2, 2, 1, {"b": 2}, [1, 2], "2026-01-02T03:04:05.678000+00:00", [2], True]
    assert plugin.upcalls.calls == [
        ("call", "r", 2, "data.get_collection", {"plugin": "k", "collection": "c"})
    ]


async def test_empty_collection_has_no_first(plugin: Rig) -> None:
    found = await value(
        plugin,
        "(lambda f: [f.count(), f.first()])(objects.get_collection('k', 'c'))",
        data__get_collection=[],
    )
    assert found == [0, None]


@pytest.mark.parametrize(
    ("expression", "method", "answer", "expected", "args"),
    [
        (
            "objects.get_collection_data('k', 'c')",
            "get_collection",
            [record(7, name="n")],
            [{"_id": 7, "name": "n"}],
            {},
        ),
        (
            "[r.id for r in objects.set_collection('k', 'c', [{'a': 1}, {'a': 2}])]",
            "set_collection",
            [record(1), record(2)],
            [1, 2],
            {"items": [{"a": 1}, {"a": 2}]},
        ),
        (
            "objects.add_to_collection('k', 'c', {'a': 1}).id",
            "add_to_collection",
            record(3, a=1),
            3,
            {"data": {"a": 1}},
        ),
        (
            "objects.update_in_collection('k', 'c', '3', {'a': 2}).data",
            "update_in_collection",
            record(3, a=2),
            {"a": 2},
            {"id": "3", "data": {"a": 2}},
        ),
        (
            "objects.update_in_collection('k', 'c', 9, {})",
            "update_in_collection",
            None,
            None,
            {"id": 9, "data": {}},
        ),
        ("objects.remove_from_collection('k', 'c', 3)", "remove_from_collection", True, True, {"id": 3}),
        ("objects.clear_collection('k', 'c')", "clear_collection", 5, 5, {}),
    ],
)
async def test_the_seven_calls(
    plugin: Rig, *, expression: str, method: str, answer: object, expected: object, args: dict[str, object]
) -> None:
    found = await value(plugin, expression, **{f"data__{method}": answer})
    assert found == expected
    (call,) = plugin.upcalls.calls
    assert call[3:] == (f"data.{method}", {"plugin": "k", "collection": "c", **args})


ROW = {"key": "call", "enabled": True, "ever_enabled": True, "settings": {"a": 1}}


async def test_config_is_read_and_saved(plugin: Rig) -> None:
    plugin.upcalls.answers["config.get"] = lambda args: ROW if args["plugin"] == "call" else None
    plugin.upcalls.answers["config.set_settings"] = lambda args: {**args["settings"], "stored": True}
    assert await value(plugin, "PluginConfig.objects.get(key='call').settings") == {"a": 1}
    assert await value(plugin, "PluginConfig.objects.filter(key='none').first()") is None
    saved = "(lambda c: [c.settings.update(b=2), c.save(update_fields=['settings']), c.settings][-1])(PluginConfig.objects.filter(key='call').first())"
    assert await value(plugin, saved) == {"a": 1, "b": 2, "stored": True}
    updated = "PluginConfig.objects.update_or_create(key='call', defaults={'settings': {'c': 3}})[0].settings"
    assert await value(plugin, updated) == {"c": 3, "stored": True}
    result = await plugin.run("call", "PluginConfig.objects.get(key='none')")
    assert (result.error_type, result.error) == (
        "DoesNotExist",
        "PluginConfig matching query does not exist.",
    )


async def test_manager_reaches_the_registry_and_the_bus(plugin: Rig) -> None:
    items = [{"key": "a", "name": "A"}]
    assert await value(plugin, "PluginManager.get() is PluginManager.get()") is True
    assert await value(plugin, "PluginManager.get().list_plugins()[0].name", plugins__list=items) == "A"
    assert await value(
        plugin, "sorted(PluginManager.get().discover_plugins(sync_db=True))", plugins__discover=1
    ) == ["a"]
    assert await value(plugin, "PluginManager.get().get_plugin('x')", plugins__get=None) is None
    ran = await value(
        plugin, "PluginManager.get().run_action('a', 'go', {'p': 1})", plugins__run={"status": "ok"}
    )
    assert ran == {"status": "ok"}
    assert plugin.upcalls.calls[-1][3:] == (
        "plugins.run",
        {"plugin": "a", "action": "go", "params": {"p": 1}},
    )
    assert await value(
        plugin, "PluginManager.get().update_settings('call', {'k': 1})", config__set_settings={"k": 1}
    ) == {"k": 1}
    assert await value(plugin, "PluginManager.get().stop_plugin('a', 'why')", plugins__stop=True) is True
    assert await value(plugin, "PluginManager.get().plugins_dir") == "/data/plugins"


async def test_websocket_update_never_raises(plugin: Rig) -> None:
    assert await value(plugin, "send_websocket_update('updates', 'update', {'a': 1})") is None
    assert plugin.upcalls.calls[-1][3:] == (
        "event.websocket",
        {"group": "updates", "type": "update", "data": {"a": 1}},
    )

    def refuse(_args: object) -> object:
        raise Unavailable("nobody there")

    plugin.upcalls.answers["event.websocket"] = refuse
    assert await value(plugin, "send_websocket_update('updates', 'update', {})") is None
    assert await value(plugin, "send_websocket_update('updates', 'update', {'x': object()})") is None
    assert any("nobody there" in line for line in plugin.upcalls.log_of("r"))


async def test_sdk_knows_the_run_and_emits_events(plugin: Rig) -> None:
    assert await value(plugin, "[plugarr.run_id, plugarr.cancelled()]") == ["r", False]
    assert await value(plugin, "plugarr.emit('my_event', {'a': 1})") is None
    assert plugin.upcalls.calls[-1][3:] == ("event.emit", {"event": "my_event", "payload": {"a": 1}})


async def test_a_file_is_read_whole_whatever_its_size_and_goes_when_it_is_closed(plugin: Rig) -> None:
    content = bytes(range(256)) * 9000
    pieces = {0: (content[:1_000_000], 7), 7: (content[1_000_000:], 9), 9: (b"", 9)}

    def read(args: Mapping[str, Any]) -> object:
        data, after = pieces[args["after"]]
        return {"data": base64.b64encode(data).decode(), "after": after}

    file_id = "0193c0de-0000-7000-8000-000000000000"
    known = {"name": "a", "size": len(content), "type": "", "id": file_id}
    plugin.upcalls.answers["files.read"] = read
    expression = f"""(lambda f: [len(f.read()), f.seek(-3, 2), list(f.read()), f.close(), f.closed])(
        plugarr.open_file({{"name": "a", "size": 1, "type": "", "id": "{file_id}"}}))"""
    digest = hashlib.sha256(content).hexdigest()
    found = await value(plugin, expression, files__open={**known, "digest": digest})
    assert found == [len(content), len(content) - 3, [253, 254, 255], None, True]
    result = await plugin.run("call", "plugarr.open_file(7)")
    assert result.error_type == "ValueError"
    plugin.upcalls.answers["files.open"] = lambda _args: {**known, "digest": "0" * 64}
    result = await plugin.run("call", f"plugarr.open_file('{file_id}')")
    assert "did not come whole" in (result.error or "")


async def test_progress_is_throttled_and_keeps_the_last(plugin: Rig) -> None:
    await value(plugin, "[plugarr.progress(n, 10_001, f'step {n}') for n in range(10_000)] and None")
    reports = plugin.upcalls.reports
    assert len(reports) < 200
    assert reports[0] == ("r", 0.0, 10_001.0, "step 0")
    assert reports[-1] == ("r", 9_999.0, 10_001.0, "step 9999")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (PermissionDenied("plugin a may not touch b"), "PermissionError", "plugin a may not touch b"),
        (Invalid("too deep", path="data.x"), "ValueError", "too deep (at data.x)"),
        (NotFound("no such"), "LookupError", "no such"),
        (TimedOut("late"), "TimeoutError", "late"),
        (Unavailable("nobody"), "ConnectionError", "nobody"),
        (PlugarrError("other"), "plugarr.PlatformError", "other"),
        (RuntimeError("bug"), "plugarr.PlatformError", "event.emit failed: bug"),
    ],
)
async def test_failure_is_the_exception_that_an_author_expects(
    rig: Rig, error: Exception, kind: str, text: str
) -> None:
    source = f"""
        import plugarr
        class Plugin:
            def run(self, action, params, context):
                try:
                    plugarr.emit("x")
                except {kind} as error:
                    return {{"text": str(error)}}
    """

    def fail(_args: object) -> object:
        raise error

    rig.upcalls.answers["event.emit"] = fail
    await rig.start("failing", source)
    assert (await rig.run("failing")).result == {"text": text}


async def test_call_that_json_cannot_hold_names_the_path(plugin: Rig) -> None:
    result = await plugin.run("call", "plugarr.emit('x', {'when': object()})")
    assert result.error == "event.emit.payload.when is an object, which JSON cannot hold"
    assert plugin.upcalls.calls == []


async def test_call_without_answer_ends_with_its_name(plugin: Rig) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    plugin.upcalls.answers["event.emit"] = lambda _args: never()
    expression = (
        "__import__('plugarr_host.platform').platform.platform.channel.call('event.emit', {}, timeout_s=0.3)"
    )
    result = await plugin.run("call", expression)
    assert result.error == "event.emit was not answered within 0.3 s"


async def test_cancelling_strikes_a_thread_that_waits_for_an_answer(plugin: Rig) -> None:
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    plugin.upcalls.answers["plugins.run"] = lambda _args: never()
    running = asyncio.create_task(plugin.run("call", "PluginManager.get().run_action('a', 'b')", run_id="r"))
    await asked.wait()
    await plugin.hosts.cancel("call", "r")
    assert (await running).end == "cancelled"
    assert plugin.upcalls.ends == []


async def test_calls_of_many_threads_are_answered_each(plugin: Rig) -> None:
    async def later(args: dict[str, object]) -> object:
        await asyncio.sleep(0.01)
        return record(1, payload=args["collection"])

    plugin.upcalls.answers["data.add_to_collection"] = later
    expression = """(lambda pool: [r.data["payload"] for r in pool.map(
        lambda n: objects.add_to_collection("k", f"c{n}", {}), range(200))])(
        __import__("concurrent.futures").futures.ThreadPoolExecutor(100))"""
    begun = time.monotonic()
    assert await value(plugin, expression) == [f"c{n}" for n in range(200)]
    assert time.monotonic() - begun < 5
    assert {call[1] for call in plugin.upcalls.calls} == {"r"}


async def test_plugin_may_call_while_it_loads(rig: Rig) -> None:
    rig.upcalls.answers["config.get"] = lambda _args: ROW
    source = """
        from apps.plugins.models import PluginConfig
        SETTINGS = PluginConfig.objects.get(key="early").settings
        class Plugin:
            def run(self, action, params, context):
                return SETTINGS
    """
    await rig.start("early", source)
    assert (await rig.run("early")).result == {"a": 1}
    assert rig.upcalls.calls[0][:3] == ("early", None, 0)


async def test_unknown_platform_call_is_refused(plugin: Rig) -> None:
    result = await plugin.run(
        "call", "__import__('plugarr_host.platform').platform.platform.call('bus.publish')"
    )
    assert (result.end, result.error) == ("denied", "there is no platform call 'bus.publish'")
    assert plugin.upcalls.calls == []


async def test_answer_of_another_shape_than_json_is_our_failure_and_not_a_wait(plugin: Rig) -> None:
    plugin.upcalls.answers["event.emit"] = lambda _args: object()
    result = await plugin.run("call", "plugarr.emit('x')")
    assert "not JSON serializable" in (result.error or "")


async def test_forked_child_cannot_speak_for_the_plugin(plugin: Rig) -> None:
    source = """
        import os, plugarr
        class Plugin:
            def run(self, action, params, context):
                read, write = os.pipe()
                if os.fork() == 0:
                    try:
                        plugarr.emit("x")
                    except BaseException as error:
                        os.write(write, str(error).encode())
                    os._exit(0)
                os.close(write)
                return {"error": os.read(read, 1000).decode()}
    """
    await plugin.start("forking", source)
    result = await plugin.run("forking")
    assert "only the plugin's own process" in result.result["error"]
    assert plugin.upcalls.calls == []
