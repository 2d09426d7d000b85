"""The ports of the gateway's services, by hand."""

import asyncio
from typing import Any

from shared import errors
from shared.contracts.base import ObjectRef, sha256
from shared.contracts.contract import Rpc
from shared.contracts.runs import RunRequested, RunState
from shared.contracts.users import Level, User
from shared.messaging.bus import Held, Refused
from shared.messaging.ledger import Entry

WHEN = "2030-01-01T00:00:00.000Z"


def user(level: Level = "admin", **more: Any) -> User:
    return User.model_validate(
        {"id": f"id-{level}", "username": level, "level": level, "created_at": WHEN, **more}
    )


class FakeAsks:
    """Answers by the contract's name; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Any] = []

    async def request(self, rpc: Rpc[Any, Any], command: Any, *, timeout_s: float | None = None) -> Any:
        del timeout_s
        self.asked.append(command)
        answer = self.answers.get(rpc.name.partition(".")[2], errors.Unavailable(f"no {rpc.service}"))
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(command) if callable(answer) else answer


class FakeCommands:
    """Where commands are stored."""

    instance = "gw1"

    def __init__(self) -> None:
        self.stored: list[RunRequested] = []
        self.ids: list[str] = []
        self.full = False

    async def put(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> int:
        if self.full:
            raise errors.Unavailable("the bus cannot store more now")
        assert subject.startswith("plugarr.v1.run.request.")
        self.stored.append(RunRequested.model_validate_json(data))
        self.ids.append((headers or {})["Nats-Msg-Id"])
        return len(self.stored)


class FakeResults:
    """Where results arrive: at once where `told` knows one, else when `tell` is called."""

    def __init__(self) -> None:
        self.told: dict[str, Any] | None = None
        self.waiting: dict[str, list[asyncio.Future[dict[str, Any] | None]]] = {}
        self.somebody_waits = asyncio.Event()

    def expect(self, run_id: str) -> asyncio.Future[dict[str, Any] | None]:
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        if self.told is not None:
            future.set_result(self.told)
        self.waiting.setdefault(run_id, []).append(future)
        self.somebody_waits.set()
        return future

    def forget(self, run_id: str, future: asyncio.Future[dict[str, Any] | None]) -> None:
        self.waiting[run_id].remove(future)
        if not self.waiting[run_id]:
            del self.waiting[run_id]


class FakeLedger:
    """Where runs stand."""

    def __init__(self) -> None:
        self.entries: dict[str, RunState] = {}
        self.looked = 0
        self.looked_again = asyncio.Event()

    async def last(self, run_id: str) -> Entry | None:
        self.looked += 1
        if self.looked > 1:
            self.looked_again.set()
        state = self.entries.get(run_id)
        return Entry(state, 1) if state else None


class FakePayloads:
    """Large values in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, data: bytes) -> ObjectRef:
        self.kept[sha256(data)] = data
        return ObjectRef(digest=sha256(data), size=len(data))

    async def get(self, digest: str) -> bytes:
        if digest not in self.kept:
            raise errors.NotFound(f"no object {digest}")
        return self.kept[digest]


class FakeEntries:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def create(self, key: str, value: bytes, *, ttl_s: float | None = None) -> int:
        del ttl_s
        if key in self.kept:
            raise Refused
        self.kept[key] = value
        return 1

    async def get(self, key: str) -> Held | None:
        return Held(key, 1, self.kept[key]) if key in self.kept else None


class FakeReads:
    """Notes what was read anew; what it then finds is up to the test."""

    def __init__(self) -> None:
        self.read: list[str | None] = []

    async def refresh_plugin(self, key: str) -> None:
        self.read.append(key)

    async def sync(self) -> None:
        self.read.append(None)


class FakeFiles:
    """Hands nothing to anybody."""

    async def handed(self, _plugin: str, values: Any, _path: str, _fields: Any = ()) -> Any:
        return values
