"""Where normalising writes what it had to mend."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.contracts.manifest import Problem

Path = tuple[str | int, ...]

MOST = 200
"""Findings of each kind that are kept: enough to mend a plugin by, too few to swamp its manifest."""


def dotted(path: Path) -> str:
    """`("pages", "main", "components", 2)` → `pages.main.components[2]`; keys are cut at 100 characters."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if len(part) <= 100 else f"{part[:100]}…"
            text += f".{shown}" if text else shown
    return text


class Findings:
    """Errors (something is replaced by a notice), warnings (dropped), hints (kept, but look at it)."""

    def __init__(self) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.hints: list[Problem] = []
        self._silent = False

    def error(self, path: Path | str, message: str, remedy: str | None = None) -> None:
        """Note what a notice stands for."""
        self._add(self.errors, path, message, remedy)

    def warning(self, path: Path | str, message: str, remedy: str | None = None) -> None:
        """Note what was dropped."""
        self._add(self.warnings, path, message, remedy)

    def hint(self, path: Path | str, message: str, remedy: str | None = None) -> None:
        """Note what passes but may not be meant; only `plugarr check` shows it."""
        self._add(self.hints, path, message, remedy)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Note nothing: where only a part is known, what is missing may be in the rest."""
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    def _add(self, problems: list[Problem], path: Path | str, message: str, remedy: str | None) -> None:
        if not self._silent and len(problems) < MOST:
            where = path if isinstance(path, str) else dotted(path)
            problems.append(Problem(path=where, message=message, remedy=remedy))
