"""Calls of `run` and of the hooks: arguments in, outcome out."""

import atexit
import contextvars
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from plugarr_host.channel import Channel
from plugarr_host.describe import Description
from plugarr_host.hooks import call_hook, call_stop
from plugarr_host.host_database import close_connections
from plugarr_host.interrupts import RunInterrupted, RunRetry
from plugarr_host.jobs import Job, current, guarded
from plugarr_host.loader import one_line, text_of
from plugarr_host.progress import throttle
from plugarr_host.streams import Streams
from plugarr_host.values import Unserialisable, encode
from plugarr_host.workers import Workers

_Answer = tuple[bytes | None, bytes | None]
"""Result and refreshed pages, as JSON."""


class Calls:
    """The plugin's calls in flight."""

    def __init__(self, key: str, channel: Channel, streams: Streams) -> None:
        self._channel = channel
        self._streams = streams
        self._workers = Workers()
        self._jobs: dict[int, Job] = {}
        self._logger = logging.getLogger(f"plugins.{key}")
        self._plugin: Any = None
        self._description: Description | None = None

    def use(self, plugin: Any, description: Description) -> None:
        """Call this instance from now on."""
        self._plugin = plugin
        self._description = description

    def start(self, message: Mapping[str, Any]) -> None:
        """Begin a call in a thread of its own."""
        job = Job(message["id"], message.get("run"), message.get("depth", 0), message.get("attempt", 1))
        job.message = message
        self._jobs[job.number] = job
        work: Callable[[], _Answer] = {
            "run": lambda: self._run(message),
            "hook": lambda: self._hook(message),
            "stop": lambda: self._stop(message),
        }[message["t"]]
        # A context of its own: nothing that one run sets is seen by another.
        self._workers.submit(lambda: contextvars.Context().run(self._conduct, job, work))

    def interrupt(self, number: int, reason: str, *, gentle: bool) -> None:
        """Ask a call to stop; asked again while it does not. The first time the plugin is told, too."""
        job = self._jobs.get(number)
        if job is None or not job.interrupt(reason, gentle=gentle) or job.run_id is None:
            return
        # In a thread of its own: this is the reader's, and even looking for the method runs the plugin's code.
        self._workers.submit(lambda: contextvars.Context().run(self._tell_of_cancel, job, reason))

    def _tell_of_cancel(self, job: Job, reason: str) -> None:
        """Call `on_cancel`, as `stop` is called: it may close what the run's thread waits for."""
        current.set(job)
        context = self._context(job.message) | {"run_id": job.run_id, "reason": reason}
        try:
            call_hook(self._plugin, "on_cancel", context)
        except BaseException:
            # The border: a plugin may raise anything, and nobody waits here for what it does.
            self._logger.exception("on_cancel failed")

    def _conduct(self, job: Job, work: Callable[[], _Answer]) -> None:
        current.set(job)
        outcome = guarded(job, work)
        close_connections()
        if not self._channel.is_ours:
            os._exit(0)  # forked by the plugin, and come out of its code: nobody waits for it here
        self._jobs.pop(job.number, None)
        answer: dict[str, Any] = {"t": "ended", "id": job.number, "end": "returned", "result": None}
        if outcome.error is not None:
            answer |= self._failure(job, outcome.error)
        elif outcome.value is not None:
            answer |= {"result": outcome.value[0], "refreshed": outcome.value[1]}
        if job.interrupted is not None:
            answer["end"] = job.interrupted
        del outcome
        try:
            throttle.finish(job.run_id)
            self._streams.flush(job.run_id)
            self._channel.send(answer)
        except OSError:
            return  # the executor is gone, and the reader ends this process

    def _failure(self, job: Job, error: BaseException) -> Mapping[str, Any]:
        if job.interrupted is not None and isinstance(error, RunInterrupted):
            return {"error": None}
        if isinstance(error, RunRetry):
            return {"end": "retry", "error": text_of(error), "retry_in_s": error.delay_s}
        if isinstance(error, Unserialisable):
            end = "unserialisable"
            self._logger.error("%s", error)
        else:
            end = "denied" if isinstance(error, PermissionError) else "raised"
            self._logger.error("%s", one_line(error), exc_info=error)
        return {"end": end, "error": text_of(error), "error_type": type(error).__name__}

    def _context(self, message: Mapping[str, Any]) -> dict[str, Any]:
        actions = message.get("actions")
        if actions is None:
            actions = self._description.actions if self._description else {}
        return {"settings": message["settings"], "logger": self._logger, "actions": actions}

    def _run(self, message: Mapping[str, Any]) -> _Answer:
        if message.get("kind") == "task":
            value = self._task(message)
        else:
            value = self._plugin.run(message["action"], message["params"], self._context(message))
        result = encode(value if isinstance(value, dict) else {"status": "ok", "result": value}, "result")
        refreshed = None
        if self._description is not None and self._description.dynamic:
            changed = self._description.refresh()
            for warning in self._description.warnings:
                self._logger.warning("%s", warning)
            self._description.warnings.clear()
            refreshed = encode(changed, "pages") if changed is not None else None
        return result, refreshed

    def _task(self, message: Mapping[str, Any]) -> Any:
        from plugarr_host import task_worker  # noqa: PLC0415 - Celery, which a plugin without tasks does not load

        return task_worker.run(message["action"], message["params"])

    def _hook(self, message: Mapping[str, Any]) -> _Answer:
        call_hook(self._plugin, message["name"], self._context(message))
        return None, None

    def _stop(self, message: Mapping[str, Any]) -> _Answer:
        """Stop the plugin; the process ends without Python's own shutdown, so exit functions are run here."""
        try:
            call_stop(self._plugin, self._context(message) | {"reason": message["reason"]})
        finally:
            atexit._run_exitfuncs()  # noqa: SLF001 - there is no public name for it
        return None, None
