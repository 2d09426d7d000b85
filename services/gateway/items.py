"""A plugin's entry in the list, with its secrets masked and its logo's address left open."""

import secrets
from typing import Any, Final

from services.gateway.masking import masked
from shared.contracts.data import PluginConfig
from shared.contracts.manifest import PluginView
from shared.plugin_items import plugin_item

BASE: Final = f"base-{secrets.token_hex(12)}"
"""Stands for `http://host:port` in encoded bodies, which differ in nothing else between hosts."""


def item(view: PluginView, config: PluginConfig, *, with_settings: bool) -> dict[str, Any]:
    """The plugin's entry, JSON-shaped; `logo_url` begins with `BASE`."""
    settings = masked(view.fields, config.settings) if with_settings else {}
    return plugin_item(view, config, settings=settings, base=BASE)
