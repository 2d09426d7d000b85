"""Reads what a plugin's instance says of itself."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from plugarr_host.loader import one_line
from plugarr_host.values import shaped

_PLAIN: Final = ("name", "version", "description", "author", "help_url", "fields", "actions")
"""Where the instance has nothing, `plugin.json` speaks."""
_PAGED: Final = ("navigation", "pages")
_EXTRA: Final = (*_PAGED, "execution")


class Description:
    """One reading of a plugin's attributes, and the re-reading of those that are properties."""

    def __init__(self, plugin: Any, declared: Mapping[str, Any]) -> None:
        self._plugin = plugin
        self.warnings: list[str] = []
        self.attributes: dict[str, Any] = {}
        for name in _PLAIN:
            self._take(name, self._read(name) or declared.get(name))
        for name in _EXTRA:
            self._take(name, self._read(name))
        self._dynamic = [name for name in _PAGED if _is_computed(plugin, name)]

    @property
    def dynamic(self) -> bool:
        """Whether navigation or pages are computed whenever they are read."""
        return bool(self._dynamic)

    @property
    def actions(self) -> dict[str, Any]:
        """Action id → definition."""
        actions = self.attributes.get("actions")
        listed = actions if isinstance(actions, list) else []
        return {str(a["id"]): a for a in listed if isinstance(a, dict) and a.get("id") is not None}

    def refresh(self) -> dict[str, Any] | None:
        """`{"navigation", "pages"}` where one of them is computed and has changed since it was last read."""
        changed = False
        for name in self._dynamic:
            before = self.attributes.get(name)
            self._take(name, self._read(name))
            changed = changed or self.attributes.get(name) != before
        return {name: self.attributes.get(name) for name in _PAGED} if changed else None

    def _take(self, name: str, value: Any) -> None:
        self.attributes.pop(name, None)
        if value is not None:
            self.attributes[name] = shaped(value, name, self.warnings)

    def _read(self, name: str) -> Any:
        try:
            return getattr(self._plugin, name, None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border: a property is the plugin's code
            self.warnings.append(f"{name} cannot be read: {one_line(error)}")
            return None


def _is_computed(plugin: Any, name: str) -> bool:
    found = inspect.getattr_static(type(plugin), name, None)
    return isinstance(found, property)
