"""One real platform for all end-to-end tests of a worker; those that break it start their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("platform"))
    started.install("hello")
    started.install("sports_calendar")
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """`own_platform("--executors", "2")`: one that the test may break; not yet started."""
    made: list[Platform] = []

    def make(*options: str) -> Platform:
        made.append(Platform(tmp_path / str(len(made)), *options))
        return made[-1]

    yield make
    for one in made:
        if one.process:
            one.stop()


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
