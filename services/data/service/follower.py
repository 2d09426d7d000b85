"""What becomes of an event: one run of every action that follows it, whoever is told of it, however often."""

from collections.abc import Mapping
from typing import Protocol

from services.data.clients import Commands, Payloads
from services.data.repository.configs import Configs
from shared import errors
from shared.contracts.base import Envelope, now
from shared.contracts.events import DEEPEST, follower_params, follower_run_id
from shared.contracts.plugins import AppEvent
from shared.contracts.runs import RunRequested
from shared.logging import get_logger

log = get_logger(__name__)


class Following(Protocol):
    """`services.data.actions.Actions`."""

    def following(self, event: str) -> Mapping[str, list[str]]: ...


class Follower:
    """Starts the runs of an event. Each has an id that follows from event, plugin and action."""

    def __init__(
        self, *, actions: Following, configs: Configs, commands: Commands, payloads: Payloads
    ) -> None:
        self._actions = actions
        self._configs = configs
        self._commands = commands
        self._payloads = payloads

    async def follow(self, envelope: Envelope[AppEvent]) -> int:
        """Start what follows an event; how many runs. Raises what one of them could not be started for.

        One that cannot be started stops no other; told again of the event, the others are the same runs.
        """
        event = envelope.data
        found = self._actions.following(event.name)
        if not found:
            return 0
        if event.depth >= DEEPEST:
            log.warning("event_too_deep", name=event.name, plugin=event.plugin, id=envelope.id)
            return 0
        enabled = await self._configs.enabled_since(set(found))
        failed: Exception | None = None
        count = 0
        for plugin in sorted(enabled):
            for action in found[plugin]:
                try:
                    await self._start(envelope, plugin, action)
                    count += 1
                except errors.PlugarrError as error:
                    log.warning("event_not_followed", plugin=plugin, action=action, reason=error.message)
                    failed = error
                except Exception as error:
                    # The border: whatever a plugin calls its actions, those of others are started.
                    log.exception("event_not_followed", plugin=plugin, action=action)
                    # What will succeed some time is not given up for what may never.
                    failed = failed or error
        if failed is not None:
            raise failed
        return count

    async def _start(self, envelope: Envelope[AppEvent], plugin: str, action: str) -> None:
        event = envelope.data
        config = await self._configs.get(plugin)
        await self._commands.send(
            RunRequested(
                run_id=follower_run_id(envelope.id, plugin, action),
                plugin=plugin,
                action=action,
                params=await self._payloads.put(follower_params(event.name, event.payload)),
                trigger="event",
                actor=f"plugin:{event.plugin}"
                if event.plugin
                else event.actor or f"event:{event.name}"[:300],
                parent=event.run_id,
                depth=event.depth + 1,
                created_at=now(),
                config_rev=config.rev,
            )
        )
