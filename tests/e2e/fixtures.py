"""What tests on a platform share; who starts the platform says how, in a `platform` of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.platform import Api, Platform
from tests.e2e.written import Written


@contextmanager
def running_platform(folder: Path, *examples: str) -> Iterator[Platform]:
    """A platform with these example plugins."""
    started = Platform(folder)
    for name in examples:
        started.install(name)
    try:
        yield started.start()
    finally:
        started.stop()


@contextmanager
def writing(platform: Platform) -> Iterator[Written]:
    """Writes plugins that are deleted at the end."""
    with platform.client() as http:
        made = Written(platform, Api(http))
        try:
            yield made
        finally:
            made.remove()


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
