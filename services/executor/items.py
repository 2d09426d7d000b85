"""Plugins as other plugins see them: the shape of `GET /api/plugins/plugins/`, passwords hidden."""

from typing import Any

from services.executor.plugin_settings import hidden
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import Loaded, Manifest, merge


def item(manifest: Manifest, loaded: Loaded | None, config: PluginConfig, *, own: bool) -> dict[str, Any]:
    """One plugin; its own settings a plugin sees as they are."""
    view = merge(manifest, loaded)
    return {
        **view.extra,
        "key": view.key,
        "name": view.name or view.folder,
        "version": view.version,
        "description": view.description,
        "author": view.author,
        "help_url": view.help_url,
        "enabled": config.enabled,
        "ever_enabled": config.ever_enabled,
        "fields": [field.document() for field in view.fields],
        "settings": dict(config.settings) if own else hidden(config.settings, view.fields),
        "actions": [action.document() for action in view.actions],
        "navigation": view.navigation.document() if view.navigation else None,
        "missing": view.missing,
        "trusted": config.ever_enabled,
        "loaded": view.loaded,
        "legacy": view.legacy,
        "digest": view.digest,
        "errors": [problem.model_dump() for problem in view.errors],
        "warnings": [problem.model_dump() for problem in view.warnings],
    }
