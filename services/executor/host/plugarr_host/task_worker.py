"""Runs a background task the way Celery's own worker does, with its tracer: links, chains and chords follow from it."""

import importlib
import json
import logging
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from celery.app.trace import trace_task
from celery.states import FAILURE, RETRY
from dispatcharr.celery import app
from kombu.serialization import dumps, loads

from plugarr_host import beat
from plugarr_host.interrupts import RunInterrupted
from plugarr_host.names import package_name
from plugarr_host.platform import platform

_SIGNS: Final = (b"shared_task", b"@app.task", b"import celery", b"from celery", b"dispatcharr.celery")
"""What a module that makes tasks holds."""
# A task that fails is logged where its run ends.
logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)


class TaskNotFound(LookupError):
    """No module of the plugin makes a task of that name."""


def run(name: str, message: Mapping[str, Any]) -> Any:
    """The task's result, JSON-shaped. Raises what the task raises."""
    headers = dict(message.get("headers") or {})
    task_id = str(headers.get("id") or uuid4())
    try:
        task = _task(name)
    except Exception as error:  # the border: importing a plugin's modules may raise anything
        # Whoever waits for it is to hear of it, as from Celery's own worker.
        app.backend.mark_as_failure(task_id, error)
        raise
    if message.get("periodic_task") is not None:
        beat.ran(message["periodic_task"])
    args, kwargs, embedded = loads(message["body"], "application/json", "utf-8", accept={"application/json"})
    request = {
        **headers,
        **(embedded or {}),
        "id": task_id,
        "args": args,
        "kwargs": kwargs,
        "hostname": socket.gethostname(),
        "is_eager": False,
        "delivery_info": {"routing_key": "celery", "exchange": "", "redelivered": False, "priority": None},
        "correlation_id": message.get("correlation_id"),
        "reply_to": message.get("reply_to"),
    }
    try:
        value, trouble, _, _ = trace_task(task, task_id, args, kwargs, request, app=app)
    except RunInterrupted as interrupt:
        app.backend.mark_as_revoked(task_id, type(interrupt).__name__, request=None)
        raise
    if trouble is None:
        _, _, text = dumps(value, serializer="json")
        return json.loads(text)
    if trouble.state == RETRY:
        return {"status": "queued", "message": f"{name} is tried again: {trouble.retval}"}
    if trouble.state == FAILURE:
        raise trouble.retval
    return {"status": "skipped", "message": f"{name}: {trouble.state}"}


def _task(name: str) -> Any:
    """The task of that name, wherever the plugin makes it. Raises TaskNotFound."""
    app.finalize()
    for module in _named(name):
        if name in app.tasks:
            return app.tasks[name]
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise  # the module is there, and something that it needs is not
    first: Exception | None = None
    for module in _speaking():
        if name in app.tasks:
            break
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - the border: a file that nobody imports may raise anything
            first = first or error
    if name not in app.tasks:
        raise TaskNotFound(f"plugin {platform.key!r} has no task {name!r}") from first
    return app.tasks[name]


def _named(name: str) -> Iterator[str]:
    """Modules that are to make it: the one in its name, and `tasks`."""
    if "." in name:
        yield name.rpartition(".")[0]
    yield f"{package_name(platform.key)}.tasks"


def _speaking() -> Iterator[str]:
    """Modules of the plugin whose text speaks of tasks."""
    package = package_name(platform.key)
    folder = Path(platform.folder)
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if parts[-1] in {"plugin", "__init__"} or not all(part.isidentifier() for part in parts):
            continue
        text = file.read_bytes()
        if any(sign in text for sign in _SIGNS):
            yield ".".join((package, *parts))
