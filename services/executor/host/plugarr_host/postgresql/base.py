"""PostgreSQL of a running Dispatcharr: nothing is migrated, and what is missing is named."""

from collections.abc import Callable
from typing import Any, Final

from django.db.backends.postgresql import base
from django.db.utils import ProgrammingError

from plugarr_host.commits import SendsHeldWrites

_MISSING: Final = {"42P01": "table", "42703": "column"}


class DatabaseWrapper(SendsHeldWrites, base.DatabaseWrapper):  # type: ignore[misc]  # Django has no types
    """Django's own, whose errors about missing tables and columns say what to do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(_say_what_is_missing)


def _say_what_is_missing(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    try:
        return execute(sql, params, many, context)
    except ProgrammingError as error:
        kind = _MISSING.get(getattr(error.__cause__, "sqlstate", None) or "")
        if kind is None:
            raise
        first = str(error).splitlines()[0]
        raise ProgrammingError(
            f"the host database lacks a {kind} ({first}). It is a Dispatcharr's, which Plugarr never migrates: "
            "bring that Dispatcharr to version 0.29 or newer"
        ) from error
