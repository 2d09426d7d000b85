"""Plugins written to a temporary folder, and a hand-written executor's side to run them."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.executor.hosts import HostOptions, PluginHosts
from services.executor.ports import HostCall, HostResult, LoadedPlugin, PluginSpec

BEAT_S = 0.5


class FakeUpcalls:
    """The executor's side of a host's questions, kept in memory."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, int, str, Mapping[str, Any]]] = []
        self.lines: list[tuple[str | None, Mapping[str, Any]]] = []
        self.reports: list[tuple[str, float, float | None, str | None]] = []
        self.ends: list[str] = []
        self.answers: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(
        self, key: str, run_id: str | None, depth: int, method: str, args: Mapping[str, Any]
    ) -> Any:
        self.calls.append((key, run_id, depth, method, args))
        answer = self.answers[method](args) if method in self.answers else None
        return await answer if asyncio.iscoroutine(answer) else answer

    def log(self, key: str, run_id: str | None, lines: Sequence[Mapping[str, Any]]) -> None:
        self.lines.extend((run_id, line) for line in lines)
        self._tell()

    def progress(self, key: str, run_id: str, done: float, total: float | None, message: str | None) -> None:
        self.reports.append((run_id, done, total, message))
        self._tell()

    def host_ended(self, key: str, cause: str) -> None:
        self.ends.append(cause)
        self._tell()

    def log_of(self, run_id: str | None) -> list[str]:
        return [line["message"] for owner, line in self.lines if owner == run_id]

    async def until(self, condition: Callable[[], object], timeout_s: float = 10) -> None:
        """Wait until it holds; looked at whenever something arrives."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    def _tell(self) -> None:
        task = asyncio.ensure_future(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass
class Rig:
    """One executor's plugins."""

    files: Path
    upcalls: FakeUpcalls
    hosts: PluginHosts
    beating: bool = True
    _runs: int = 0
    folders: dict[str, str] = field(default_factory=dict)

    def write(self, folder: str, files: Mapping[str, str] | str) -> Path:
        path = self.files / "plugins" / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, text in ({"plugin.py": files} if isinstance(files, str) else files).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(textwrap.dedent(text))
        return path

    def spec(self, folder: str, digest: str = "d1", **values: Any) -> PluginSpec:
        key = folder.replace(" ", "_").lower()
        path = self.files / "plugins" / folder
        return PluginSpec(
            **{"key": key, "folder": folder, "path": path, "digest": digest, "declared": {}, **values}
        )

    async def load(
        self, folder: str, files: Mapping[str, str] | str | None = None, **values: Any
    ) -> LoadedPlugin:
        if files is not None:
            self.write(folder, files)
        return await self.hosts.load(self.spec(folder, **values), {})

    async def start(self, folder: str, files: Mapping[str, str] | str, **values: Any) -> LoadedPlugin:
        loaded = await self.load(folder, files, **values)
        assert loaded.ok, (loaded.error, self.upcalls.log_of(None))
        return loaded

    async def run(
        self, key: str, action: str = "go", *, run_id: str | None = None, **values: Any
    ) -> HostResult:
        self._runs += 1
        call = HostCall(
            **{
                "run_id": run_id or f"run-{self._runs}",
                "attempt": 1,
                "action": action,
                "params": {},
                "settings": {},
                "actions": {},
                "timeout_s": 30.0,
                **values,
            }
        )
        return await self.hosts.run(key, call)

    async def beat(self) -> None:
        while True:
            if self.beating:
                self.hosts.beat()
            await asyncio.sleep(BEAT_S)


MakeRig = Callable[..., Rig]


@pytest.fixture
async def make_rig(tmp_path: Path) -> AsyncIterator[MakeRig]:
    made: list[tuple[Rig, asyncio.Task[None]]] = []

    def make(**options: Any) -> Rig:
        files = tmp_path / f"data{len(made)}" / "files"
        (files / "plugins").mkdir(parents=True)
        upcalls = FakeUpcalls()
        given = {
            "files_dir": files,
            "hidden": [files.parent],
            "sandbox": "require",
            "grace_s": 0.5,
            **options,
        }
        rig = Rig(files, upcalls, PluginHosts(HostOptions(**given), upcalls))
        made.append((rig, asyncio.create_task(rig.beat())))
        return rig

    yield make
    for rig, beating in made:
        await rig.hosts.close({})
        beating.cancel()


@pytest.fixture
async def rig(make_rig: MakeRig) -> Rig:
    """An executor whose plugins are sandboxed."""
    return make_rig()


@pytest.fixture(params=["require", "off"])
async def either_rig(make_rig: MakeRig, request: pytest.FixtureRequest) -> Rig:
    """An executor with a sandbox, and one without."""
    return make_rig(sandbox=request.param)
