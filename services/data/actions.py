"""Which actions follow which events, as manifests and loaded plugins say it."""

import time
from collections import defaultdict
from typing import Final

from pydantic import ValidationError

from shared.contracts.events import followers
from shared.contracts.manifest import Loaded, Manifest
from shared.contracts.names import untoken
from shared.contracts.streams import MANIFESTS
from shared.contracts.ui import Action
from shared.logging import get_logger
from shared.messaging.bus import Bus, Held

_WHOLE_S: Final = 60.0
"""After so long everything is read anew: a bus that was restored counts from the beginning."""
_PAGE: Final = 256

log = get_logger(__name__)


class Actions:
    """Knows of each plugin only the actions that follow events. Read on from where it was read last."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._stream = f"KV_{MANIFESTS.name}"
        self._prefix = f"$KV.{MANIFESTS.name}."
        self._seq = 0
        self._whole_at = float("-inf")
        self._manifests: dict[str, tuple[str | None, list[Action]]] = {}
        self._loaded: dict[str, tuple[str, list[Action]]] = {}

    async def read(self) -> None:
        """Read what was written since the last time. Raises Unavailable or TimedOut."""
        if time.monotonic() - self._whole_at > _WHOLE_S:
            self._manifests.clear()
            self._loaded.clear()
            self._seq, self._whole_at = 0, time.monotonic()
        while True:
            began = self._seq
            query = {"seq": self._seq + 1, "next_by_subj": f"{self._prefix}>", "batch": _PAGE}
            async for held in self._bus.batch(self._stream, query):
                self._seq = held.seq
                self._take(held)
            if self._seq == began:
                return

    def following(self, event: str) -> dict[str, list[str]]:
        """Plugin → its actions that follow the event."""
        found: dict[str, list[str]] = defaultdict(list)
        for plugin, (digest, declared) in self._manifests.items():
            loaded = self._loaded.get(plugin)
            # As the gateway shows them: what the loaded plugin says counts for its version, if it says any.
            own = loaded[1] if loaded and loaded[0] == digest else None
            actions = followers(own if own is not None else declared, event)
            if actions:
                found[plugin] = actions
        return dict(found)

    def _take(self, held: Held) -> None:
        kind, _, name = held.subject.removeprefix(self._prefix).partition(".")
        try:
            plugin = untoken(name)
            if kind == "manifest":
                self._take_manifest(plugin, None if held.deleted else Manifest.from_bytes(held.data))
            elif kind == "loaded":
                self._take_loaded(plugin, None if held.deleted else Loaded.from_bytes(held.data))
        except (ValueError, ValidationError) as error:
            log.warning("document_not_understood", subject=held.subject, error=str(error)[:500])

    def _take_manifest(self, plugin: str, manifest: Manifest | None) -> None:
        if manifest is None or manifest.invalid:
            self._manifests.pop(plugin, None)
        else:
            self._manifests[plugin] = (manifest.digest, _that_follow(manifest.actions))

    def _take_loaded(self, plugin: str, loaded: Loaded | None) -> None:
        if loaded is None or not loaded.ok or not loaded.actions:
            self._loaded.pop(plugin, None)
        else:
            self._loaded[plugin] = (loaded.digest, _that_follow(loaded.actions))


def _that_follow(actions: list[Action]) -> list[Action]:
    return [action for action in actions if action.events]
