"""What the example plugins need around them: a memory for PluginData, a web server on loopback, a loader."""

import contextlib
import http.server
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ICS = ROOT / "tests" / "fixtures" / "ics"
NOW = datetime(2026, 8, 10, 9, 0, tzinfo=UTC)  # the calendars in fixtures/ics are about this summer
PACKAGE = "_dispatcharr_plugin_sports_calendar"

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Record:
    id: int
    data: dict[str, Any]


class Manager:
    """The specification's seven calls, on dicts."""

    def __init__(self) -> None:
        self.collections: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        self.writes: list[str] = []
        self._last_id = 0

    def _of(self, key: str, collection: str) -> dict[int, dict[str, Any]]:
        return self.collections.setdefault((key, collection), {})

    def get_collection(self, key: str, collection: str) -> list[Record]:
        return [Record(number, dict(data)) for number, data in self._of(key, collection).items()]

    def get_collection_data(self, key: str, collection: str) -> list[dict[str, Any]]:
        return [{**record.data, "_id": record.id} for record in self.get_collection(key, collection)]

    def set_collection(self, key: str, collection: str, items: list[dict[str, Any]]) -> list[Record]:
        self.writes.append(f"set {collection}")
        ids = [item["_id"] for item in items if "_id" in item]
        assert len(ids) == len(set(ids)), "an _id twice"
        replaced: dict[int, dict[str, Any]] = {}
        for item in items:
            replaced[item.get("_id") or self._next()] = {k: v for k, v in item.items() if k != "_id"}
        self.collections[key, collection] = replaced
        return self.get_collection(key, collection)

    def add_to_collection(self, key: str, collection: str, data: dict[str, Any]) -> Record:
        self.writes.append(f"add {collection}")
        number = self._next()
        self._of(key, collection)[number] = dict(data)
        return Record(number, data)

    def update_in_collection(
        self, key: str, collection: str, number: int, data: dict[str, Any]
    ) -> Record | None:
        self.writes.append(f"update {collection}")
        if number not in self._of(key, collection):
            return None
        assert "_id" not in data
        self._of(key, collection)[number] = dict(data)
        return Record(number, data)

    def remove_from_collection(self, key: str, collection: str, number: int) -> bool:
        self.writes.append(f"remove {collection}")
        return self._of(key, collection).pop(number, None) is not None

    def clear_collection(self, key: str, collection: str) -> int:
        self.writes.append(f"clear {collection}")
        return len(self.collections.pop((key, collection), {}))

    def _next(self) -> int:
        self._last_id += 1
        return self._last_id


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Manager:
    manager = Manager()
    models = ModuleType("apps.plugins.models")
    models.PluginData = type("PluginData", (), {"objects": manager})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apps", ModuleType("apps"))
    monkeypatch.setitem(sys.modules, "apps.plugins", ModuleType("apps.plugins"))
    monkeypatch.setitem(sys.modules, "apps.plugins.models", models)
    return manager


@dataclass
class Host:
    """The `plugarr` module, as a host gives it to plugins."""

    steps: list[tuple[int, int, str]] = field(default_factory=list)
    cancel_after: int | None = None

    def progress(self, done: int, total: int, message: str) -> None:
        self.steps.append((done, total, message))

    def cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.steps) >= self.cancel_after


def load(path: Path, name: str, module_name: str = "plugin") -> ModuleType:
    """Import a folder's plugin.py as `<name>.plugin`, so that its relative imports work."""
    package = ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package
    spec = importlib.util.spec_from_file_location(f"{name}.{module_name}", path / f"{module_name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"{name}.{module_name}"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def loaded(data: Manager) -> Iterator[None]:
    """The sports calendar is imported on plain Dispatcharr: without a `plugarr` module."""
    sys.modules["plugarr"] = None  # type: ignore[assignment] # makes its import fail
    load(ROOT / "plugins" / "sports_calendar", PACKAGE)
    del sys.modules["plugarr"]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@dataclass
class Sports:
    """The plugin, the way the platform calls it."""

    plugin: Any
    data: Manager
    settings: dict[str, Any]

    def run(self, action: str, **params: Any) -> dict[str, Any]:
        context = {"settings": self.settings, "logger": logging.getLogger("plugin"), "actions": {}}
        result = self.plugin.run(action, params, context)
        assert isinstance(result, dict)
        return result

    def add(self, url: str, name: str = "League") -> int:
        result = self.run("add_calendar", name=name, url=url)
        assert result["status"] == "ok", result
        return int(result["calendar_id"])

    def events(self) -> list[dict[str, Any]]:
        return self.data.get_collection_data("sports_calendar", "events")

    def calendars(self) -> list[dict[str, Any]]:
        return self.data.get_collection_data("sports_calendar", "calendars")


@pytest.fixture
def sports(data: Manager, loaded: None) -> Sports:
    plugin = sys.modules[f"{PACKAGE}.plugin"].Plugin(clock=lambda: NOW)
    settings = {entry["id"]: entry["default"] for entry in plugin.fields}
    return Sports(plugin, data, settings)


@dataclass
class Web:
    """A web server on loopback; `routes` says what each path answers, `requests` what was asked."""

    url: str = ""
    routes: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(
        self, path: str, body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None
    ) -> str:
        def write(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        return self.call(path, write)

    def calendar(self, name: str, path: str | None = None) -> str:
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        return self.answer(path or f"/{name}", (ICS / name).read_bytes(), headers=headers)

    def call(self, path: str, answer: Answer) -> str:
        self.routes[path] = answer
        return self.url + path


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    site = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.path, dict(self.headers)))
            with contextlib.suppress(OSError):  # the plugin has heard enough and closed the connection
                site.routes[self.path](self)

        def log_message(self, *args: Any) -> None:
            """Nothing: a test's output is about the test."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        site.stopping.set()
        server.shutdown()
        thread.join()
