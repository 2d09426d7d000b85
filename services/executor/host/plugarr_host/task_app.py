"""Celery with the platform under it: what is sent becomes a run, what is stored is kept by the data service."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from celery import Celery
from celery.app.control import Control
from celery.contrib.django.task import DjangoTask
from celery.states import READY_STATES, REVOKED, STARTED
from kombu.serialization import dumps

from plugarr_host.platform import platform
from plugarr_host.progress import throttle

KEPT_S: Final = 86_400
_DONE: Final = ("current", "done", "progress", "percent")


class PlatformTask(DjangoTask):
    """Every task's base."""

    abstract = True

    def update_state(
        self, task_id: str | None = None, state: str | None = None, meta: Any = None, **kwargs: Any
    ) -> None:
        """Store the state, and show it as the run's progress where it says how far the task is."""
        super().update_state(task_id=task_id, state=state, meta=meta, **kwargs)
        if not isinstance(meta, Mapping):
            return
        done = next((meta[name] for name in _DONE if isinstance(meta.get(name), int | float)), None)
        if done is not None:
            total = meta.get("total", 100 if "percent" in meta else None)
            message = meta.get("message") or meta.get("status") or state
            throttle.report(
                float(done), float(total) if isinstance(total, int | float) else None, str(message)
            )


class _Connection:
    """What Celery wants of a broker's connection where it sends something."""

    recoverable_connection_errors = (ConnectionError, TimeoutError)
    recoverable_channel_errors: tuple[type[Exception], ...] = ()

    @contextmanager
    def _reraise_as_library_errors(self) -> Iterator[None]:
        yield


class _Producer:
    """Hands messages to the platform."""

    connection = _Connection()
    auto_declare = False

    def publish(
        self, body: Any, headers: Mapping[str, Any], serializer: str = "json", **options: Any
    ) -> None:
        """Store the task as a run that is to be. Only JSON: nothing else is ever read."""
        del serializer
        _, _, text = dumps(body, serializer="json")
        limits = headers.get("timelimit") or (None, None)
        platform.call(
            "task.send",
            task=headers["task"],
            id=headers["id"],
            message={
                "headers": dict(headers),
                "body": text,
                "correlation_id": options.get("correlation_id"),
                "reply_to": options.get("reply_to"),
            },
            eta=headers.get("eta"),
            expires=headers.get("expires"),
            time_limit=limits[0],
        )


class PlatformControl(Control):
    """There are no workers to talk to; what can be said of a task is said to the platform."""

    def revoke(self, task_id: Any, destination: Any = None, terminate: bool = False, **_options: Any) -> Any:
        """Have a task not run, or with `terminate` also end while it runs."""
        del destination
        for one in [task_id] if isinstance(task_id, str) else task_id:
            state = self.app.AsyncResult(one).state
            if state in READY_STATES or (state == STARTED and not terminate):
                continue
            if platform.call("task.revoke", id=one):
                self.app.backend.store_result(one, None, REVOKED)

    def broadcast(self, *_args: Any, **_options: Any) -> list[Any]:
        """Nobody answers: runs are on the platform's pages."""
        return []


class PlatformCelery(Celery):
    """The one app of a plugin's process."""

    def producer_or_acquire(self, producer: Any = None) -> AbstractContextManager[Any]:
        return nullcontext(producer or _Producer())


def make_app() -> PlatformCelery:
    """The app, as the default one of every thread."""
    app = PlatformCelery(
        "dispatcharr",
        broker="memory://",
        backend="plugarr_host.task_results:PlatformBackend",
        task_cls=PlatformTask,
        control=PlatformControl,
        fixups=[],
        set_as_current=True,
    )
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        result_expires=KEPT_S,
        task_track_started=True,
        timezone="UTC",
        enable_utc=True,
        beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    )
    app.set_default()
    return app
