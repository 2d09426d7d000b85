"""What is sent to the platform when a transaction of the host database is committed: all of it at once."""

from collections.abc import Callable, Sequence
from typing import Any


class HeldWrite:
    """A write that waits for the commit.

    It stands among Django's own hooks, so that a savepoint that is rolled back takes it along.
    """

    def __init__(self, write: Any, send: Callable[[Sequence[Any]], None]) -> None:
        self.write = write
        self.send = send

    def __call__(self) -> None:
        """Send it alone, where the database does not send all together."""
        self.send([self.write])


class SendsHeldWrites:
    """For a `DatabaseWrapper`: sends all held writes together, before the other hooks are run."""

    run_on_commit: list[tuple[set[Any], Callable[[], Any], bool]]

    def run_and_clear_commit_hooks(self) -> None:
        held = [hook for _, hook, _ in self.run_on_commit if isinstance(hook, HeldWrite)]
        if held and not self.in_atomic_block:  # type: ignore[attr-defined]  # Django's
            self.run_on_commit = [item for item in self.run_on_commit if not isinstance(item[1], HeldWrite)]
            held[0].send([hook.write for hook in held])
        super().run_and_clear_commit_hooks()  # type: ignore[misc]  # Django's
