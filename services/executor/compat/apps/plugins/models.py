"""`PluginData` and `PluginConfig`: what a plugin stores, kept by the platform and not in SQL."""

from apps.plugins.configs import PluginConfig
from apps.plugins.data import PluginData

__all__ = ["PluginConfig", "PluginData"]
