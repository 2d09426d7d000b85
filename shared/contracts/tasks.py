"""Results of background tasks and counters of chords: a plugin's own keys and values, kept for a day."""

from typing import Annotated, Final

from pydantic import Field

from shared.contracts.base import Answer, Command, Name, RunId

KEPT_S: Final = 86_400
MAX_VALUE: Final = 512 * 1024
"""Bytes of one value: what is larger is better stored as plugin data."""

TaskKey = Annotated[str, Field(min_length=1, max_length=512)]


class GetTaskValues(Command):
    plugin: Name
    keys: Annotated[tuple[TaskKey, ...], Field(max_length=1000)]


class TaskValues(Answer):
    values: dict[str, str]
    """Of the keys that have one."""


class PutTaskValue(Command):
    plugin: Name
    key: TaskKey
    value: Annotated[str, Field(max_length=MAX_VALUE)]


class CountTaskValue(Command):
    """Raise a counter by one. A repeated command with the same `op_id` is the same step, and its answer too."""

    plugin: Name
    key: TaskKey
    op_id: RunId


class TaskCount(Answer):
    count: int


class DropTaskValue(Command):
    plugin: Name
    key: TaskKey
