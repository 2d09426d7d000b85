"""One real platform for the whole suite: what plugins rely on is asked through HTTP, as their users do."""

from collections.abc import Iterator

import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("platform"))
    try:
        yield started.start()
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
