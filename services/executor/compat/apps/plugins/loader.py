"""`PluginManager`: how a plugin sees and runs other plugins."""

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Optional

from plugarr_host.platform import platform


class PluginItem(dict[str, Any]):
    """A plugin as `GET /api/plugins/plugins/` shows it; its keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class PluginManager:
    """The plugins that are installed. Get it by `PluginManager.get()`."""

    _instance: ClassVar[Optional["PluginManager"]] = None
    _making: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self.plugins_dir: str = platform.plugins_dir

    @classmethod
    def get(cls) -> "PluginManager":
        """The manager; always the same one."""
        with cls._making:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    def discover_plugins(self, **_options: Any) -> dict[str, PluginItem]:
        """Look for new plugins on disk, and give all of them by key."""
        platform.call("plugins.discover")
        return {item["key"]: item for item in self.list_plugins()}

    def list_plugins(self) -> list[PluginItem]:
        """Every plugin."""
        return [PluginItem(item) for item in platform.call("plugins.list")]

    def get_plugin(self, key: str) -> PluginItem | None:
        """One plugin, or None."""
        item = platform.call("plugins.get", plugin=key)
        return PluginItem(item) if item is not None else None

    def run_action(self, key: str, action_id: str, params: Mapping[str, Any] | None = None) -> Any:
        """Run an action and wait for its result. Raises PermissionError, LookupError or what tells its failure."""
        return platform.call("plugins.run", plugin=key, action=action_id, params=params or {})

    def update_settings(self, key: str, settings: Mapping[str, Any] | None) -> dict[str, Any]:
        """Replace the caller's own settings; the settings as stored."""
        stored: dict[str, Any] = platform.call("config.set_settings", plugin=key, settings=settings or {})
        return stored

    def stop_plugin(self, key: str, reason: str = "") -> bool:
        """Have a plugin stop what it does."""
        return bool(platform.call("plugins.stop", plugin=key, reason=reason))
