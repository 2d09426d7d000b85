"""`/data/…` for plugins on machines without mount namespaces: the calls that open or change files are wrapped.

Plugins write below `/data` by name. In a sandbox that name is bound to the right folder; without one (macOS,
`PLUGARR_SANDBOX=off`) this is what leads there. It is a convenience, not a fence: code in C, and programs
that the plugin starts, still see the machine's own `/data`.
"""

import builtins
import functools
import io
import os
import sqlite3
from collections.abc import Callable
from typing import Any, Final

_ROOT: Final = "/data"
_ONE_PATH: Final = (
    "access",
    "chdir",
    "chmod",
    "chown",
    "listdir",
    "lstat",
    "mkdir",
    "mkfifo",
    "open",
    "readlink",
    "remove",
    "rmdir",
    "scandir",
    "stat",
    "statvfs",
    "truncate",
    "unlink",
    "utime",
)
_TWO_PATHS: Final = ("link", "rename", "replace", "symlink")


class _Redirect:
    def __init__(self, files: str) -> None:
        self._files = files.rstrip("/")

    def path(self, given: Any) -> Any:
        """The path to use instead, or what was given (a descriptor, another path)."""
        if not isinstance(given, str | bytes | os.PathLike):
            return given
        text = os.fspath(given)
        root: Any = _ROOT if isinstance(text, str) else _ROOT.encode()
        slash: Any = "/" if isinstance(text, str) else b"/"
        if text == root or text.startswith(root + slash):
            files: Any = self._files if isinstance(text, str) else os.fsencode(self._files)
            return files + text[len(root) :]
        return given

    def wrap(self, function: Callable[..., Any], paths: int) -> Callable[..., Any]:
        """The function with its first arguments led to the files' folder."""

        @functools.wraps(function)
        def redirected(*args: Any, **kwargs: Any) -> Any:
            led = [self.path(arg) for arg in args[:paths]]
            return function(*led, *args[paths:], **kwargs)

        for known in (
            os.supports_dir_fd,
            os.supports_fd,
            os.supports_follow_symlinks,
            os.supports_effective_ids,
        ):
            if function in known:
                known.add(redirected)
        return redirected


def redirect_data(files: str) -> None:
    """Lead `/data` and everything below it to this folder, in this process."""
    redirect = _Redirect(files)
    for names, paths in ((_ONE_PATH, 1), (_TWO_PATHS, 2)):
        for name in names:
            setattr(os, name, redirect.wrap(getattr(os, name), paths))
    builtins.open = io.open = redirect.wrap(io.open, 1)
    sqlite3.connect = redirect.wrap(sqlite3.connect, 1)
