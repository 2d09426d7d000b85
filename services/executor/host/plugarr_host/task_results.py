"""Celery's results with the platform: a plugin's own keys and values, kept for a day."""

import time
from collections.abc import Iterable
from typing import Any, Final

from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import TimeoutError as CeleryTimeout
from kombu.utils.encoding import bytes_to_str

from plugarr_host.platform import platform

_FIRST_LOOK_S: Final = 0.02
_LAST_LOOK_S: Final = 0.25


class PlatformBackend(KeyValueStoreBackend):
    """Results, groups and counters of chords."""

    implements_incr = True
    supports_native_join = True
    persistent = True

    def get(self, key: Any) -> str | None:
        name = bytes_to_str(key)
        value: str | None = platform.call("task.get", keys=[name]).get(name)
        return value

    def mget(self, keys: Iterable[Any]) -> list[str | None]:
        names = [bytes_to_str(key) for key in keys]
        found = platform.call("task.get", keys=names)
        return [found.get(name) for name in names]

    def set(self, key: Any, value: Any) -> None:
        platform.call("task.put", key=bytes_to_str(key), value=bytes_to_str(value))

    def delete(self, key: Any) -> None:
        platform.call("task.drop", key=bytes_to_str(key))

    def incr(self, key: Any) -> int:
        count: int = platform.call("task.count", key=bytes_to_str(key))
        return count

    def expire(self, key: Any, value: Any) -> None:
        """The platform forgets everything after a day."""

    def wait_for(
        self,
        task_id: str,
        timeout: float | None = None,
        interval: float = 0.5,
        no_ack: bool = True,
        on_interval: Any = None,
    ) -> Any:
        """The task's end. Looked for often at first: most tasks are short."""
        del no_ack
        pause = _FIRST_LOOK_S
        deadline = None if timeout is None else time.monotonic() + timeout
        while (meta := self.get_task_meta(task_id))["status"] not in self.READY_STATES:
            if on_interval:
                on_interval()
            if deadline is not None and time.monotonic() >= deadline:
                raise CeleryTimeout("The operation timed out.")
            time.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK_S, max(interval, _FIRST_LOOK_S))
        return meta

    def get_many(self, task_ids: Any, timeout: Any = None, interval: float = 0.5, **options: Any) -> Any:
        return super().get_many(task_ids, timeout=timeout, interval=min(interval, 0.1), **options)
