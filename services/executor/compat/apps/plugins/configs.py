"""`PluginConfig`: a plugin's row, as plugins read and save their own."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from plugarr_host.platform import platform


class DoesNotExist(LookupError):
    """There is no plugin of that key."""


class PluginConfig:
    """One plugin's settings and whether it is enabled."""

    objects: ClassVar["PluginConfigManager"]
    DoesNotExist = DoesNotExist

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.key: str = row["key"]
        self.enabled: bool = row["enabled"]
        self.ever_enabled: bool = row["ever_enabled"]
        self.settings: dict[str, Any] = row["settings"]
        self._stored_enabled = self.enabled

    @property
    def pk(self) -> str:
        """The key, which is what a row is found by."""
        return self.key

    def save(self, update_fields: Sequence[str] | None = None, **_options: Any) -> None:
        """Store the settings. Enabling and disabling is the administrator's, and only warned about here."""
        if self.enabled != self._stored_enabled and (update_fields is None or "enabled" in update_fields):
            warnings.warn(
                f"PluginConfig.save: {self.key} is enabled or disabled by its users only", stacklevel=2
            )
        if update_fields is None or "settings" in update_fields:
            self.settings = platform.call("config.set_settings", plugin=self.key, settings=self.settings)

    def refresh_from_db(self, **_options: Any) -> None:
        """Read the row again."""
        self.__init__(_row(self.key))  # type: ignore[misc]  # the row anew, in the same object

    def __repr__(self) -> str:
        return f"<PluginConfig {self.key}>"


class PluginConfigs:
    """The rows that a filter found: one or none."""

    def __init__(self, rows: Sequence[PluginConfig]) -> None:
        self._rows = rows

    def first(self) -> PluginConfig | None:
        """The row, or None."""
        return self._rows[0] if self._rows else None

    def get(self) -> PluginConfig:
        """The row. Raises `PluginConfig.DoesNotExist`."""
        if not self._rows:
            raise DoesNotExist("PluginConfig matching query does not exist.")
        return self._rows[0]

    def exists(self) -> bool:
        """Whether there is a row."""
        return bool(self._rows)

    def count(self) -> int:
        """One or none."""
        return len(self._rows)

    def update(self, **fields: Any) -> int:
        """Store settings; the number of rows."""
        for row in self._rows:
            for name, value in fields.items():
                setattr(row, name, value)
            row.save(update_fields=list(fields))
        return len(self._rows)

    def __iter__(self) -> Iterator[PluginConfig]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> PluginConfig:
        return self._rows[index]


class PluginConfigManager:
    """The calls that plugins make to find their row."""

    def get(self, *, key: str) -> PluginConfig:
        """The row of this key. Raises `PluginConfig.DoesNotExist`."""
        return PluginConfig(_row(key))

    def filter(self, *, key: str) -> PluginConfigs:
        """The row of this key, if there is one."""
        try:
            return PluginConfigs([self.get(key=key)])
        except DoesNotExist:
            return PluginConfigs([])

    def get_or_create(
        self, *, key: str, defaults: Mapping[str, Any] | None = None
    ) -> tuple[PluginConfig, bool]:
        """The row; an installed plugin always has one, so that nothing is created and `defaults` are unused."""
        del defaults
        return self.get(key=key), False

    def update_or_create(
        self, *, key: str, defaults: Mapping[str, Any] | None = None
    ) -> tuple[PluginConfig, bool]:
        """Store what `defaults` has of the row's fields."""
        rows = self.filter(key=key)
        rows.update(**(defaults or {}))
        return rows.get(), False


def _row(key: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = platform.call("config.get", plugin=key)
    if row is None:
        raise DoesNotExist("PluginConfig matching query does not exist.")
    return row


PluginConfig.objects = PluginConfigManager()
