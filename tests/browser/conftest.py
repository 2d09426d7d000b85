"""One real platform and one real browser for all of these tests; each test has contexts of its own, logged in."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.platform import ADMIN, ROOT, Api, Platform
from tests.e2e.written import Written

CHROMIUM = os.environ.get("PLUGARR_TEST_CHROMIUM", "/usr/bin/chromium")
SCREENSHOTS = ROOT / ".build" / "browser"
BUILT = ROOT / "frontend" / "dist" / "index.html"
SESSION_KEY = "plugarr.session"
"""Where the UI keeps its tokens, in the browser's local storage."""

USERS = {"admin": ADMIN, "user": ("ursula", "correct-horse-user"), "viewer": ("victor", "correct-horse-view")}
WAIT_MS = 15_000
"""An upper bound for what is awaited; a slow machine is no failure."""

expect.set_options(timeout=WAIT_MS)

# An asset that a page was about to load when the test left it is cut off, and says so.
_HARMLESS = re.compile(r"net::ERR_ABORTED")

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Debian's own, which has no sandbox for root.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    assert BUILT.exists(), "the web UI is not built: `make setup` builds it"
    started = Platform(tmp_path_factory.mktemp("browser"))
    for name in ("hello", "sports_calendar", "ui_gallery"):
        started.install(name)
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture(scope="session")
def api(platform: Platform) -> Iterator[Api]:
    """The administrator, over HTTP."""
    with platform.client() as http:
        for level in ("user", "viewer"):
            name, password = USERS[level]
            body = {"username": name, "password": password, "level": level}
            answer = http.post("/api/accounts/users/", json=body)
            assert answer.status_code == 201, answer.text
        yield Api(http)


@pytest.fixture
def written(platform: Platform, api: Api) -> Iterator[Written]:
    """Writes plugins that are deleted when the test ends."""
    made = Written(platform, api)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def module_written(platform: Platform, api: Api) -> Iterator[Written]:
    """Writes plugins that serve all tests of a file."""
    made = Written(platform, api)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def storage_states(platform: Platform, api: Api) -> dict[str, dict[str, Any]]:
    """What a browser of each user remembers after logging in, got without clicking through it."""
    states = {}
    for level, (name, password) in USERS.items():
        body = {"username": name, "password": password}
        tokens = api.http.post("/api/accounts/token/", json=body).json()
        stored = [{"name": SESSION_KEY, "value": json.dumps(tokens)}]
        states[level] = {"cookies": [], "origins": [{"origin": platform.url, "localStorage": stored}]}
    return states


class Contexts:
    """The browser windows of one test, and everything that they complained of."""

    def __init__(self, browser: Browser, platform: Platform, states: dict[str, dict[str, Any]]) -> None:
        self._browser = browser
        self._platform = platform
        self._states = states
        self._made: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.allowed: list[re.Pattern[str]] = [_HARMLESS]

    def open(
        self, path: str | None = "/", *, user: str | None = "admin", scheme: str = "light", width: int = 1280,
        height: int = 900, **options: Any,
    ) -> Page:  # fmt: skip
        """A page of its own window; `user=None` is nobody, `path=None` opens nothing yet."""
        context = self._browser.new_context(
            base_url=self._platform.url,
            storage_state=self._states[user] if user else None,
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        self._made.append(context)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        if path is not None:
            page.goto(path)
        return page

    def allow(self, pattern: str) -> None:
        """Expect a complaint: a test that provokes a refusal sees the browser log it."""
        self.allowed.append(re.compile(pattern))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or (message.type == "warning" and "React" in message.text):
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(known.search(text) for known in self.allowed)]

    def shoot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        number = 0
        for context in self._made:
            for page in context.pages:
                number += 1
                page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png", full_page=True)

    def close(self) -> None:
        for context in self._made:
            context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    setattr(item, f"report_{report.when}", report)  # type: ignore[attr-defined]
    return report


@pytest.fixture
def contexts(
    request: pytest.FixtureRequest, browser: Browser, platform: Platform, storage_states: dict[str, Any]
) -> Iterator[Contexts]:
    made = Contexts(browser, platform, storage_states)
    yield made
    called = getattr(request.node, "report_call", None)
    failed = called is None or called.failed
    if failed:
        made.shoot(re.sub(r"[^\w-]+", "_", request.node.name))
    made.close()
    if not failed:
        assert made.unexpected == []


@pytest.fixture
def open_page(contexts: Contexts) -> Open:
    """`open_page("/plugins", user="viewer", scheme="dark", width=390)`."""
    return contexts.open


@pytest.fixture
def page(contexts: Contexts) -> Page:
    """A window of the administrator, on no page yet."""
    return contexts.open(None)


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """`axe(page)`: what is not accessible on it, one line each; `include` narrows it to a selector."""
    checker = Axe()

    def check(page: Page, include: str | None = None) -> list[str]:
        found = checker.run(page, context=include)
        return [
            f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
            for violation in found.response["violations"]
            for node in violation["nodes"]
        ]

    return check


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """Keep a picture for people to look at, below .build/browser/."""

    def keep(page: Page, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return keep
