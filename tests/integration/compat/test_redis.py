"""The small Redis of a site: one server for all, whose connections outlive an error, and which ends with its executor."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

from services.executor.redis_server import SOCKET
from services.executor.site_redis import SiteRedis
from shared import errors


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteRedis]:
    made = SiteRedis(tmp_path, "")
    await made.ready()
    yield made
    made.close()


def client(folder: Path) -> "redis.Redis":
    return redis.Redis.from_url(
        f"unix://{folder / SOCKET}", decode_responses=True, single_connection_client=True
    )


async def test_an_error_is_an_answer_and_ends_no_connection(site: SiteRedis, tmp_path: Path) -> None:
    def use() -> None:
        with client(tmp_path) as connection:
            connection.set("text", "x")
            mine = connection.client_id()
            for _ in range(20):
                with pytest.raises(redis.ResponseError):
                    connection.lpush("text", 1)
            assert (connection.get("text"), connection.client_id()) == ("x", mine)
            for n in range(20):
                with connection.lock(f"lock {n}", timeout=5):
                    pass

    await asyncio.to_thread(use)


async def test_large_values_are_read_back_whole(site: SiteRedis, tmp_path: Path) -> None:
    def use() -> None:
        with client(tmp_path) as connection:
            mine = connection.client_id()
            large = "x" * 8_000_000
            connection.set("large", large)
            for _ in range(3):
                assert connection.get("large") == large
            assert connection.client_id() == mine

    await asyncio.to_thread(use)


def test_the_lock_of_the_server_is_not_where_plugins_are(site: SiteRedis, tmp_path: Path) -> None:
    assert [path.name for path in tmp_path.iterdir()] == [SOCKET]


async def test_a_second_executor_of_the_site_uses_the_same_one(site: SiteRedis, tmp_path: Path) -> None:
    second = SiteRedis(tmp_path, "")
    assert await second.ready() == {"socket": SOCKET}
    assert second.process is None
    assert site.process is not None


async def test_another_one_starts_where_the_server_is_gone(site: SiteRedis, tmp_path: Path) -> None:
    site.close()
    second = SiteRedis(tmp_path, "")
    try:
        await second.ready()
        with client(tmp_path) as connection:
            assert await asyncio.to_thread(connection.ping)
    finally:
        second.close()


async def test_it_ends_when_its_executor_does(site: SiteRedis) -> None:
    assert site.process is not None
    assert site.process.stdin is not None
    site.process.stdin.close()  # as the end of the executor closes it
    assert await asyncio.to_thread(site.process.wait, 20) == 0


async def test_a_real_one_is_used_where_it_is_named(tmp_path: Path) -> None:
    named = SiteRedis(tmp_path, "redis://elsewhere:6379/0")
    assert await named.ready() == {"url": "redis://elsewhere:6379/0"}
    assert named.process is None


async def test_a_path_too_long_for_a_socket_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(errors.Unavailable, match="PLUGARR_REDIS_URL"):
        await SiteRedis(tmp_path / ("x" * 120), "").ready()
