"""One real platform for all end-to-end tests of a worker; those that break it start their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fixtures import api, running_platform, written  # noqa: F401 - fixtures
from tests.e2e.platform import Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("platform"), "hello", "sports_calendar") as started:
        yield started


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
