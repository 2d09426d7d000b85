"""The load: callers over HTTP and over the bus, who ask again until they are answered, as good callers do."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.faults.evidence import Answer, Cell, Evidence, Request, Write

PLUGINS: Final = ("witness", "witness_any")
_ASK_AGAIN_S: Final = 0.3
_PATIENCE_S: Final = 120.0
_AT_ONCE: Final = 24
_ACTIONS: Final = ((0.06, "fail"), (0.12, "again"), (0.4, "write"), (1.0, "work"))
"""Up to which share of the requests it is which."""
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class BusLogin:
    """What `plugarr bus-user create` prints."""

    url: str
    user: str
    password: str
    inbox: str
    publish: str
    results: str


class Load:
    """Asks for runs and writes documents at a steady pace for so many seconds; what it saw is in the evidence."""

    def __init__(
        self, evidence: Evidence, *, url: str, login: tuple[str, str], bus: BusLogin, chance: random.Random
    ) -> None:
        self._evidence = evidence
        self._url = url
        self._login = login
        self._bus_login = bus
        self._chance = chance
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._authorization = ""
        self._logging_in = asyncio.Lock()
        self._by_run: dict[str, Request] = {}

    async def run(self, *, runs: int, seconds: float) -> None:
        """Ask for `runs` runs, and write about a third as many documents; returns when all were accepted."""
        limits = httpx.Limits(max_connections=2 * _AT_ONCE)
        async with httpx.AsyncClient(base_url=self._url, timeout=20, limits=limits) as http:
            self._http = http
            self._bus = await self._connected()
            await self._log_in()
            try:
                requests = [self._request(number) for number in range(runs)]
                self._evidence.requests += requests
                jobs: list[Callable[[], Any]] = [
                    lambda r=request: self._over_bus(r) if r.via == "bus" else self._over_http(r)
                    for request in requests
                ]
                for number in range(runs // 3):
                    write = Write(number)
                    self._evidence.writes.append(write)
                    jobs.append(lambda w=write: self._add(w))
                self._chance.shuffle(jobs)
                cells = [Cell(number) for number in range(4)]
                self._evidence.cells += cells
                over = asyncio.Event()
                async with asyncio.TaskGroup() as tasks:
                    for cell in cells:
                        tasks.create_task(self._replace(cell, over))
                    async with asyncio.TaskGroup() as asking:
                        for job in jobs:
                            await self._gate.acquire()
                            asking.create_task(self._through_gate(job))
                            await asyncio.sleep(self._chance.uniform(0, 2) * seconds / len(jobs))
                    over.set()
            finally:
                await self._bus.close()

    def _request(self, number: int) -> Request:
        chance = self._chance.random()
        action = next(action for limit, action in _ACTIONS if chance < limit)
        via = "bus" if self._chance.random() < 0.3 else "http"
        # A bus user may run one plugin's actions by one subject.
        plugin = PLUGINS[0] if via == "bus" else self._chance.choice(PLUGINS)
        return Request(number, via, plugin, action, asked_at=time.time())

    def _params(self, request: Request) -> dict[str, Any]:
        chance = random.Random(f"{self._evidence.seed}/{request.number}")
        sleep_s = chance.choice((0.0, 0.0, 0.01, 0.05, 0.2, 1.0))
        return {"number": request.number, "sleep_s": sleep_s, "plugin": request.plugin}

    async def _through_gate(self, job: Callable[[], Any]) -> None:
        try:
            await job()
        finally:
            self._gate.release()

    # Over HTTP

    async def _over_http(self, request: Request) -> None:
        wait = random.Random(request.number).choice((0, 2, 15))
        answer = await self._asked(
            "POST",
            f"/api/plugins/plugins/{request.plugin}/run/?wait={wait}",
            {"action": request.action, "params": self._params(request)},
            key=f"{self._evidence.seed}-{request.number}",
            settles=lambda a: a.status_code in {200, 202} or (a.status_code == 500 and "run_id" in a.json()),
        )
        if isinstance(answer, str):
            request.refused = answer
            return
        body = answer.json()
        self._accepted(request, body["run_id"])
        state = {200: "succeeded", 202: "accepted"}.get(answer.status_code, "ended")
        token = body["result"].get("token") if state == "succeeded" else None
        request.answers.append(Answer(time.time(), body["run_id"], state, token))

    async def _add(self, write: Write) -> None:
        keyed = random.Random(write.number).random() < 0.75
        answer = await self._asked(
            "POST",
            f"/api/plugins/{PLUGINS[0]}/data/added/",
            {"number": write.number},
            key=f"{self._evidence.seed}-w{write.number}" if keyed else None,
            settles=lambda a: a.status_code == 201,
        )
        if isinstance(answer, str):
            write.refused = answer if answer != "not answered" or keyed else None
        else:
            write.answered_id = answer.json()["data"]["_id"]

    async def _replace(self, cell: Cell, over: asyncio.Event) -> None:
        """One writer, one version after the other, the last one answered."""
        path = f"/api/plugins/{PLUGINS[0]}/data/cells/"
        key = f"{self._evidence.seed}-c{cell.number}"
        made = await self._asked(
            "POST", path, {"number": cell.number}, key=key, settles=lambda a: a.status_code == 201
        )
        if isinstance(made, str):
            cell.refused = made
            return
        cell.item_id = made.json()["data"]["_id"]
        while not over.is_set():
            cell.tried += 1
            body = {"number": cell.number, "version": cell.tried}
            answer = await self._asked(
                "PUT",
                f"{path}{cell.item_id}/",
                body,
                key=f"{key}-{cell.tried}",
                settles=lambda a: a.status_code == 200,
            )
            if isinstance(answer, str):
                cell.refused = answer
                return
            cell.answered = cell.tried
            await asyncio.sleep(0.2)

    async def _asked(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        key: str | None,
        settles: Callable[[httpx.Response], bool],
    ) -> httpx.Response | str:
        """Ask until answered; without a key once only. A text: it was refused."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            said = "no answer"
            try:
                headers = {"Authorization": self._authorization} | ({"Idempotency-Key": key} if key else {})
                answer = await self._http.request(method, path, json=body, headers=headers)
                if settles(answer):
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code == 401:
                    await self._log_in(headers["Authorization"])
                    continue
                if answer.status_code not in _TRY_AGAIN:
                    return said
            except httpx.TransportError as error:
                said = f"{type(error).__name__}: {error}"
            if key is None:
                return "not answered"
            if time.monotonic() > deadline:
                return f"no answer within {_PATIENCE_S:g} s; the last was {said}"
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _log_in(self, refused: str = "") -> None:
        async with self._logging_in:
            if self._authorization != refused:
                return  # somebody else did meanwhile
            name, password = self._login
            body = {"username": name, "password": password}
            answer = await self._http.post("/api/accounts/token/", json=body)
            if answer.status_code == 200:
                self._authorization = f"Bearer {answer.json()['access']}"
            else:
                await asyncio.sleep(_ASK_AGAIN_S)

    # Over the bus

    async def _connected(self) -> Client:
        login = self._bus_login

        async def ignore(_error: Exception) -> None:
            pass  # the server is killed on purpose

        bus = await nats.connect(
            login.url.split(","),
            user=login.user,
            password=login.password,
            inbox_prefix=login.inbox.encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=ignore,
        )
        await bus.subscribe(login.results, cb=self._result)
        return bus

    async def _over_bus(self, request: Request) -> None:
        run_id = str(
            uuid.UUID(
                int=random.Random(f"{self._evidence.seed}/bus/{request.number}").getrandbits(128), version=4
            )
        )
        self._by_run[run_id] = request
        command = {
            "run_id": run_id,
            "plugin": request.plugin,
            "action": request.action,
            "params": self._params(request),
        }
        subject = self._bus_login.publish.replace("<action>", request.action)
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                stored = await self._bus.request(subject, json.dumps(command).encode(), timeout=2)
                said = json.loads(stored.data)
                if "error" not in said:
                    self._accepted(request, run_id)
                    return
            except (nats.errors.Error, TimeoutError):
                pass
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _result(self, message: Msg) -> None:
        ended = json.loads(message.data)["data"]
        request = self._by_run.get(ended["run_id"])
        if request is not None:
            token = (ended.get("result") or {}).get("token")
            request.answers.append(
                Answer(time.time(), ended["run_id"], ended["state"], token, ended.get("cause"))
            )

    def _accepted(self, request: Request, run_id: str) -> None:
        request.run_id = run_id
        request.accepted_at = time.time()
