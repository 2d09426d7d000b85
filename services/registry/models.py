"""What the registry holds in memory of plugins; never on the wire."""

from dataclasses import dataclass
from typing import Any

import orjson

from shared.contracts.manifest import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file, or empty directory, of a plugin's package."""

    name: str
    """Relative to the plugin's folder, with `/`; a directory's ends with it."""
    mode: int
    size: int
    stamp: tuple[int, int, int]
    """Times of change in nanoseconds and the inode: a file that looks the same is the same."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What of a plugin's folder goes into its package, without the contents."""

    entries: tuple[Entry, ...]
    left_out: tuple[Problem, ...] = ()
    newest: float = 0.0
    """When the latest of these files changed, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin as it lies on the disk."""

    name: str
    """Of its folder."""
    key: str
    data: bytes
    """Its manifest, without what depends on other versions: epoch, generation, previous."""
    digest: str | None = None
    refusal: Problem | None = None
    """Why it can only be listed."""
    package: bytes | None = None
    """Only where it was made just now; None too where there can be none."""


@dataclass(frozen=True, slots=True)
class Width:
    """How many of a plugin's actions, and of its background tasks, run at once."""

    actions: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Known:
    """A manifest as it is stored. Kept as JSON: a thousand of them are compared, never looked into."""

    data: bytes
    document: dict[str, Any]

    @classmethod
    def read(cls, data: bytes) -> "Known":
        """Raises ValueError for what is no JSON object."""
        document = orjson.loads(data)
        if not isinstance(document, dict):
            raise ValueError("a manifest must be an object")  # noqa: TRY004 - what was read is bad, not a type
        return cls(data, document)

    @property
    def digest(self) -> str | None:
        return self.document.get("digest")

    @property
    def previous(self) -> str | None:
        return self.document.get("previous")

    @property
    def generation(self) -> int:
        return int(self.document.get("generation", 0))

    @property
    def epoch(self) -> int:
        return int(self.document.get("epoch", 0))

    @property
    def folder(self) -> str:
        return str(self.document.get("folder", ""))

    @property
    def missing(self) -> bool:
        return bool(self.document.get("missing", False))

    @property
    def invalid(self) -> bool:
        return bool(self.document.get("invalid", False))

    @property
    def is_managed(self) -> bool:
        return self.document.get("extra", {}).get("is_managed") is True

    @property
    def width(self) -> Width:
        execution = self.document.get("execution", {})
        return Width(int(execution.get("concurrency", 8)), int(execution.get("task_concurrency", 4)))

    def changed(self, **values: Any) -> "Known":
        """The same document with other values."""
        document = self.document | values
        return Known(orjson.dumps(document), document)
