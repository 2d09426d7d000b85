"""`RedisClient`: the Redis that the plugins of this site share."""

import logging
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from plugarr_host.failures import PlatformError
from plugarr_host.platform import platform

logger = logging.getLogger(__name__)


class RedisClient:
    """One client for this process."""

    _client: ClassVar[Any] = None
    _making: ClassVar = threading.Lock()

    @classmethod
    def get_client(cls, max_retries: int = 5, retry_interval: float = 1) -> Any:
        """A Redis client that decodes its answers, or None where none can be reached."""
        with cls._making:
            for attempt in range(max(1, max_retries)):
                if attempt:
                    time.sleep(retry_interval)
                try:
                    return cls._connected()
                except (PlatformError, OSError) as error:
                    logger.warning("Redis cannot be reached: %s", error)
            return None

    @classmethod
    def _connected(cls) -> Any:
        import redis  # noqa: PLC0415 - a tenth of a second that few plugins need

        if cls._client is not None:
            try:
                cls._client.ping()
            except redis.RedisError:
                cls._client = None
            else:
                return cls._client
        client = redis.Redis.from_url(_address(), decode_responses=True)
        try:
            client.ping()
        except redis.RedisError as error:
            raise ConnectionError(str(error)) from error
        cls._client = client
        return client

    get_buffer = get_pubsub_client = get_client


def _address() -> str:
    where = platform.call("host.redis")
    if "url" in where:
        return str(where["url"])
    return f"unix://{Path(platform.redis_dir or '/') / where['socket']}"
