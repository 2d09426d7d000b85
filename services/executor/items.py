"""Plugins as other plugins see them: the shape of `GET /api/plugins/plugins/`, passwords hidden."""

from typing import Any

from services.executor.plugin_settings import hidden
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import Loaded, Manifest, merge
from shared.plugin_items import plugin_item


def item(manifest: Manifest, loaded: Loaded | None, config: PluginConfig, *, own: bool) -> dict[str, Any]:
    """One plugin; its own settings a plugin sees as they are."""
    view = merge(manifest, loaded)
    settings = config.settings if own else hidden(config.settings, view.fields)
    return plugin_item(view, config, settings=settings, base=None)
