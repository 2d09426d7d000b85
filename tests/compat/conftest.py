"""Real platforms for the whole suite: what plugins rely on is asked through HTTP, as their users do."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.compat import postgresql
from tests.e2e.fixtures import api, running_platform, written  # noqa: F401 - fixtures
from tests.e2e.platform import Platform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give them time: the first test that needs a platform, or PostgreSQL, waits for its start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The default: the host application's tables are in SQLite."""
    with running_platform(tmp_path_factory.mktemp("platform")) as started:
        yield started


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
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            # Until it has started: others that start later are not beside it.
            patch.setenv("PLUGARR_HOST_DATABASE_URL", database_url)
            started = stack.enter_context(running_platform(tmp_path_factory.mktemp("beside")))
        yield started
