"""The data service, built from its parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import nats.errors
from prometheus_client import Gauge
from pydantic import ValidationError

from services.data import handlers
from services.data.actions import Actions
from services.data.clients import Commands, Payloads, Platform
from services.data.filing import Filing
from services.data.following import Events
from services.data.intake import Intake
from services.data.journal import BusJournal
from services.data.repository.api_keys import ApiKeys
from services.data.repository.attempts import Attempts
from services.data.repository.changes import Changes
from services.data.repository.configs import Configs
from services.data.repository.files import Files
from services.data.repository.indexes import prepare
from services.data.repository.items import Items
from services.data.repository.mongo import Database
from services.data.repository.places import Places
from services.data.repository.run_records import RunRecords
from services.data.repository.runs import Runs
from services.data.repository.schedules import Schedules
from services.data.repository.task_values import TaskValues
from services.data.repository.users import Users
from services.data.run_output import RunLogs, RunProgress
from services.data.service.configs import ConfigService
from services.data.service.endings import Endings
from services.data.service.files import FileService
from services.data.service.follower import Follower
from services.data.service.items import ItemService
from services.data.service.passwords import Hashing, Passwords
from services.data.service.recorder import Recorder
from services.data.service.runs import RunService
from services.data.service.schedules import ScheduleService
from services.data.service.sweeper import Sweeper
from services.data.service.tailer import Tailer
from services.data.service.tasks import TaskService
from services.data.service.ticker import Ticker
from services.data.service.users import UserService
from services.data.settings import Settings
from services.data.sweeping import Sweeping
from services.data.tailing import Tailing
from services.data.ticking import Ticking
from services.data.timers import Timers
from shared import errors
from shared.contracts.catalog import EVENTS_APP, RUN_CMD, RUN_STATE, TICKS
from shared.contracts.streams import FILES, FOLLOWER, RECORDER, TICKER
from shared.logging import get_logger
from shared.messaging.bus import Bus, connect
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects
from shared.service import Check

MUCH_LAG: Final = 20_000
"""Messages that the recorder may be behind and still be called ready."""

LAG: Final = Gauge("plugarr_data_recorder_pending", "Messages that the recorder has not written", ["stream"])

log = get_logger(__name__)


class Duty(Protocol):
    """Something that runs beside the commands."""

    def start(self) -> Awaitable[None]: ...

    def stop(self) -> Awaitable[None]: ...


class App:
    """The data service: its bus, its work beside the commands, and its checks."""

    def __init__(self, bus: Bus, settings: Settings, passwords: Hashing) -> None:
        self.bus = bus
        self._settings = settings
        self._database = Database(
            settings.mongo_uri(),
            timeout_s=settings.mongo_timeout_s,
            bulk_timeout_s=settings.mongo_bulk_timeout_s,
        )
        database = self._database
        self._platform = Platform(bus)
        payloads, commands, ledger = Payloads(bus), Commands(bus), Ledger(bus)
        endings = Endings(ledger)
        places, configs, runs = Places(database), Configs(database), Runs(database)
        self.sweeper = Sweeper(
            runs=runs,
            configs=configs,
            commands=commands,
            platform=self._platform,
            ledger=ledger,
            endings=endings,
        )
        sweeping = Sweeping(bus, self.sweeper)
        self.users = UserService(
            users=Users(database), keys=ApiKeys(database), attempts=Attempts(database), passwords=passwords
        )
        stored_files = Files(database)
        files = FileService(
            files=stored_files,
            configs=configs,
            contents=Objects(bus, FILES),
            kept_days=settings.history_days,
        )
        schedules, timers = Schedules(database), Timers(bus)
        ticker = Ticker(
            schedules=schedules,
            configs=configs,
            runs=runs,
            ledger=ledger,
            commands=commands,
            payloads=payloads,
            timers=timers,
        )
        self.schedules = ScheduleService(
            schedules=schedules,
            configs=configs,
            platform=self._platform,
            ticker=ticker,
            timers=timers,
        )
        ticking = Ticking(bus, ticker, self.schedules)
        actions = Actions(bus)
        follower = Follower(actions=actions, configs=configs, commands=commands, payloads=payloads)
        recorder = Recorder(
            records=RunRecords(database),
            runs=runs,
            configs=configs,
            platform=self._platform,
            payloads=payloads,
            endings=endings,
        )
        task_values = TaskValues(database)
        self.handlers = handlers.bind(
            bus.broker,
            items=ItemService(Items(database, places), payloads),
            configs=ConfigService(
                configs,
                places,
                self._platform,
                files=stored_files,
                task_values=task_values,
                disabled=sweeping.plugin_disabled,
                switched=ticking.plugin_switched,
                forgotten=self.schedules.plugin_forgotten,
            ),
            schedules=self.schedules,
            files=files,
            runs=RunService(
                runs=runs,
                commands=commands,
                logs=RunLogs(bus),
                progress=RunProgress(bus),
                ledger=ledger,
                endings=endings,
                platform=self._platform,
                payloads=payloads,
            ),
            tasks=TaskService(task_values),
            users=self.users,
        )
        self._tailing = Tailing(bus, Tailer(Changes(database), BusJournal(bus)))
        self._duties: tuple[Duty, ...] = (
            self._tailing,
            Intake(bus, (RUN_CMD, RUN_STATE), recorder.record),
            sweeping,
            ticking,
            Events(bus, actions, follower),
            Filing(bus, files),
        )

    @asynccontextmanager
    async def _work(self) -> AsyncIterator[None]:
        try:
            await self._database.wait_ready()
            await prepare(self._database, history_days=self._settings.history_days)
            await self._check_streams()
            await self._ensure_admin()
            for duty in self._duties:
                await duty.start()
            yield
        finally:
            # The bus is still connected: what was begun is answered, the rest is given back.
            await asyncio.gather(*(duty.stop() for duty in self._duties))
            await self.handlers.drained()
            self._database.close()

    def work(self) -> AbstractAsyncContextManager[None]:
        """Everything beside answering commands; to be entered once the bus is connected."""
        return self._work()

    @property
    def checks(self) -> dict[str, Check]:
        """What `/readyz` asks."""
        return {"mongo": self._database.ping, "recorder": self._lag, "changes": self._tailing.check}

    async def _lag(self) -> str | None:
        pending = {}
        for stream in (RUN_CMD, RUN_STATE):
            pending[stream] = await self._platform.pending(stream)
            LAG.labels(stream).set(pending[stream])
        behind = [f"{count:,} messages of {stream}" for stream, count in pending.items() if count > MUCH_LAG]
        return f"the run history is behind by {' and '.join(behind)}" if behind else None

    async def _check_streams(self) -> None:
        needed = [(RUN_CMD, RECORDER), (RUN_STATE, RECORDER), (TICKS, TICKER), (EVENTS_APP, FOLLOWER)]
        for stream, durable in needed:
            try:
                await self._platform.pending(stream, durable)
            except (errors.NotFound, nats.errors.Error) as error:
                raise SystemExit(
                    f"The bus has no stream {stream} with its durable: run the provisioner ({error})"
                ) from error

    async def _ensure_admin(self) -> None:
        settings = self._settings
        if not settings.admin_user or settings.admin_password is None:
            return
        try:
            await self.users.ensure_admin(settings.admin_user, settings.admin_password.get_secret_value())
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            raise SystemExit(f"PLUGARR_ADMIN_{str(fault['loc'][0]).upper()}: {fault['msg']}") from error


def create_app(settings: Settings, *, passwords: Hashing | None = None) -> App:
    """The data service as its settings describe it. Raises SystemExit where they do not suffice."""
    return App(connect(settings, "data"), settings, passwords or Passwords())
