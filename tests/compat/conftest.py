"""Real platforms for the whole suite: what plugins rely on is asked through HTTP, as their users do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat import postgresql
from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give them time: the first test that needs a platform, or PostgreSQL, waits for its start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The default: the host application's tables are in SQLite."""
    started = Platform(tmp_path_factory.mktemp("platform"))
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A PostgreSQL with the tables of a Dispatcharr that knows one column less, and one more."""
    with postgresql.running() as url:
        postgresql.make_tables(url)
        postgresql.statement(url, "ALTER TABLE dispatcharr_channels_stream DROP COLUMN is_catchup")
        postgresql.statement(url, "ALTER TABLE dispatcharr_channels_channel ADD COLUMN theirs int DEFAULT 1")
        yield url


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Platform]:
    """A platform beside that Dispatcharr."""
    started = Platform(tmp_path_factory.mktemp("beside"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUGARR_HOST_DATABASE_URL", database_url)
        started.start()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def api(platform: Platform) -> Iterator[Api]:
    with platform.client() as http:
        yield Api(http)


@pytest.fixture
def written(platform: Platform, api: Api) -> Iterator[Written]:
    """Writes plugins that are deleted when the test ends."""
    made = Written(platform, api)
    yield made
    made.remove()
