"""The composition root: everything is built here, by plain constructors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from services.gateway import openapi
from services.gateway.access import access
from services.gateway.accounts import AccountService
from services.gateway.clients import SYNC_EVERY_S, AppEvents, Feed, Results, age_s
from services.gateway.events import EventService
from services.gateway.files import FileService
from services.gateway.idempotency import Idempotency
from services.gateway.identity import Identity
from services.gateway.live.endpoint import LiveEndpoint
from services.gateway.live.hub import Hub
from services.gateway.live.insight import Insight
from services.gateway.live.streams import BusStreams
from services.gateway.live.tickets import Tickets
from services.gateway.middleware import Guard
from services.gateway.operations import Operation, OperationRoute, Operations
from services.gateway.plugin_data import CollectionService
from services.gateway.plugins import VIEW_S, PluginService
from services.gateway.problems import problem
from services.gateway.routes import (
    accounts,
    administration,
    data,
    documents,
    events,
    files,
    live,
    plugins,
    probes,
    runs,
    schedules,
    ui,
    users,
)
from services.gateway.runs import RunService
from services.gateway.schedules import ScheduleService
from services.gateway.settings import Settings
from services.gateway.tokens import Tokens
from services.gateway.view import PluginsView
from shared.contracts.streams import FILES, IDEMPOTENCY, TICKETS
from shared.messaging.bus import Bus, connect, wait_connected
from shared.messaging.kv import Kv
from shared.messaging.ledger import Ledger
from shared.messaging.objects import Objects
from shared.service import Check


class Gateway:
    """One replica: its connection, its view, its services, and the app that serves them."""

    def __init__(self, settings: Settings, *, view_s: float = VIEW_S) -> None:
        self.settings = settings
        tokens = Tokens(settings.signing_key())
        self.view = PluginsView()
        self.bus: Bus = connect(settings, "gateway")
        self.feed = Feed(self.bus, self.view)
        self.results = Results(self.bus)
        payloads = Objects(self.bus)
        self.identity = Identity(self.bus, tokens)
        self.files = FileService(contents=Objects(self.bus, FILES), asks=self.bus)
        self.runs = RunService(
            view=self.view,
            commands=self.bus,
            results=self.results,
            ledger=Ledger(self.bus),
            payloads=payloads,
            idempotency=Idempotency(Kv(self.bus, IDEMPOTENCY)),
            asks=self.bus,
            reads=self.feed,
            files=self.files,
        )
        self.plugins = PluginService(
            view=self.view,
            asks=self.bus,
            reads=self.feed,
            payloads=payloads,
            files=self.files,
            view_s=view_s,
        )
        self.collections = CollectionService(view=self.view, bus=self.bus, payloads=payloads, reads=self.feed)
        self.schedules = ScheduleService(plugins=self.plugins, files=self.files, asks=self.bus)
        self.events = EventService(view=self.view, events=AppEvents(self.bus))
        self.accounts = AccountService(asks=self.bus, identity=self.identity, tokens=tokens)
        self.tickets = Tickets(Kv(self.bus, TICKETS))
        insight = Insight(self.feed, self.identity)
        self.hub = Hub(BusStreams(self.bus), prepare=insight.prepare)
        self.live = LiveEndpoint(
            self.hub,
            self.identity,
            self.tickets,
            public_url=settings.public_url,
            origins=settings.cors_origins,
            allowed_hosts=settings.allowed_hosts,
            per_user=settings.ws_per_user,
            most=settings.ws_total,
        )
        self.insight = insight
        self.checks: dict[str, Check] = {"bus": self._bus_check, "plugins": self._view_check}
        self.levels = access(strict_upstream=settings.strict_upstream_auth)
        self.app = self._app()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected and following the bus."""
        await wait_connected(self.bus)
        try:
            await self.results.start()
            await self.feed.start()
            await self.insight.start(self.bus, self.hub, self.live)
            yield
        finally:
            await self.insight.stop()
            await self.feed.stop()
            await self.results.stop()
            await self.bus.broker.stop()

    def operations(self) -> list[Operation]:
        """Every operation; the most frequent first, since routes are tried in order."""
        public_url = self.settings.public_url
        nouns: list[Operations] = [
            runs.operations(self.runs, self.bus),
            plugins.operations(self.view, self.plugins, self.bus, public_url=public_url),
            data.operations(self.collections),
            administration.operations(self.view, self.plugins, public_url=public_url),
            schedules.operations(self.schedules),
            events.operations(self.events),
            files.operations(self.files, self.plugins),
            accounts.operations(self.accounts),
            users.operations(self.accounts),
            probes.operations(self.checks),
            documents.operations(self.app_document),
            live.operations(self.tickets, self.identity),
        ]
        return [operation for noun in nouns for operation in noun.declared]

    def app_document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        routes = [route for route in self.app.routes if isinstance(route, OperationRoute)]
        return openapi.document([route.operation for route in routes], routes, self.levels)

    def _app(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            async with self.running():
                yield

        app = FastAPI(title="Plugarr", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
        app.router.redirect_slashes = False
        for operation in self.operations():
            app.router.routes.append(OperationRoute(operation, self.identity, self.levels))
        app.router.routes += live.routes(self.live)
        app.router.routes.append(ui.route(self.settings.ui_dir, self.checks))
        app.add_exception_handler(HTTPException, _http_problem)
        if self.settings.cors_origins:
            app.add_middleware(
                CORSMiddleware,
                allow_origins=list(self.settings.cors_origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key"],
                expose_headers=["ETag", "Location", "Retry-After", "X-Total-Count"],
            )
        app.add_middleware(
            Guard, allowed_hosts=self.settings.allowed_hosts, origins=self.settings.cors_origins
        )
        return app

    async def _bus_check(self) -> str | None:
        return None if self.bus.connected else "the bus is not connected"

    async def _view_check(self) -> str | None:
        age = age_s(self.view)
        if age is None:
            return "plugins and their configs were not read yet"
        return None if age < 3 * SYNC_EVERY_S else f"plugins were last read {age:.0f} s ago"


async def _http_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    code = codes.get(error.status_code, "invalid")
    return problem(error.status_code, code, error.detail, headers=error.headers)


def create_app(settings: Settings, *, view_s: float = VIEW_S) -> Gateway:
    """A gateway; nothing is connected before its app starts."""
    return Gateway(settings, view_s=view_s)
