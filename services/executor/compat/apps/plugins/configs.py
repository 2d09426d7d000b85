"""`PluginConfig`: a plugin's row, as plugins read and save their own. It is kept by the platform and not in SQL."""

import sys
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from plugarr_host.platform import platform

from apps.plugins.rows import Rows

FIELDS: Final = (
    "key",
    "name",
    "version",
    "description",
    "enabled",
    "ever_enabled",
    "settings",
    "created_at",
    "updated_at",
)
_STORED: Final = frozenset({"settings"})
_USERS: Final = frozenset({"enabled", "ever_enabled"})


def _base(module: str, name: str) -> tuple[type[Exception], ...]:
    """Django's class of that name where the plugin has Django: it may catch that one."""
    found: type[Exception] | None = getattr(sys.modules.get(module), name, None)
    return (found,) if found is not None else ()


class DoesNotExist(*_base("django.core.exceptions", "ObjectDoesNotExist"), LookupError):  # type: ignore[misc]  # decided once
    """There is no plugin of that key."""


class MultipleObjectsReturned(*_base("django.core.exceptions", "MultipleObjectsReturned"), LookupError):  # type: ignore[misc]  # decided once
    """More than one row was found where one was asked for."""


class PluginConfig:
    """One plugin's settings and whether it is enabled."""

    objects: ClassVar["PluginConfigManager"]
    DoesNotExist = DoesNotExist
    MultipleObjectsReturned = MultipleObjectsReturned

    def __init__(self, **row: Any) -> None:
        self.key: str = row["key"]
        self.name: str = row.get("name") or self.key
        self.version: str = row.get("version") or ""
        self.description: str = row.get("description") or ""
        self.enabled: bool = row.get("enabled", False)
        self.ever_enabled: bool = row.get("ever_enabled", False)
        self.settings: dict[str, Any] = row.get("settings") or {}
        self.created_at = self.updated_at = _moment(row.get("updated_at"))
        self._stored_enabled = self.enabled

    @property
    def pk(self) -> str:
        """The key, which is what a row is found by."""
        return self.key

    @property
    def id(self) -> str:
        """The key, by its other name."""
        return self.key

    def save(self, update_fields: Iterable[str] | None = None, **_options: Any) -> None:
        """Store the settings. Enabling and disabling is the administrator's, and only warned about here."""
        fields = None if update_fields is None else frozenset(update_fields)
        if self.enabled != self._stored_enabled and (fields is None or "enabled" in fields):
            warnings.warn(
                f"PluginConfig.save: {self.key} is enabled or disabled by its users only", stacklevel=2
            )
        if fields is None or fields & _STORED:
            self.settings = platform.call("config.set_settings", plugin=self.key, settings=self.settings)
            self.updated_at = datetime.now(UTC)

    def delete(self, **_options: Any) -> tuple[int, dict[str, int]]:
        """Forget the settings. The row itself goes with the plugin."""
        self.settings = platform.call("config.set_settings", plugin=self.key, settings={})
        return 1, {"plugins.PluginConfig": 1}

    def refresh_from_db(self, **_options: Any) -> None:
        """Read the row again."""
        self.__init__(**_row(self.key))  # type: ignore[misc]  # the row anew, in the same object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PluginConfig) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"<PluginConfig: {self.key}>"

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"


class PluginConfigs(Rows[PluginConfig]):
    """Rows that were found, in the order of their keys."""

    DoesNotExist = DoesNotExist
    MultipleObjectsReturned = MultipleObjectsReturned
    fields = FIELDS

    def update(self, **fields: Any) -> int:
        """Store settings; the number of rows."""
        for row in self:
            _set(row, fields)
            row.save(update_fields=list(fields))
        return len(self)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Forget the settings of these rows."""
        for row in self:
            row.delete()
        return len(self), {"plugins.PluginConfig": len(self)}


class PluginConfigManager:
    """The calls that plugins make to find their row."""

    def all(self) -> PluginConfigs:
        """Every plugin's row; other plugins' settings stay empty."""
        items = platform.call("plugins.list")
        return PluginConfigs(PluginConfig(**item) for item in sorted(items, key=lambda item: item["key"]))

    def filter(self, *args: Any, **wanted: Any) -> PluginConfigs:
        """The rows that match."""
        key = wanted.get("key", wanted.get("pk", wanted.get("key__exact")))
        if not isinstance(key, str):
            return self.all().filter(*args, **wanted)
        rest = {name: value for name, value in wanted.items() if name not in {"key", "pk", "key__exact"}}
        try:
            found = PluginConfigs([PluginConfig(**_row(key))])
        except DoesNotExist:
            return PluginConfigs([])
        return found.filter(*args, **rest)

    def get(self, *args: Any, **wanted: Any) -> PluginConfig:
        """The one row that matches. Raises `PluginConfig.DoesNotExist`."""
        return self.filter(*args, **wanted).get()

    def get_or_create(
        self, defaults: Mapping[str, Any] | None = None, **wanted: Any
    ) -> tuple[PluginConfig, bool]:
        """The row; an installed plugin always has one, so that nothing is created and `defaults` are unused."""
        del defaults
        return self.get(**wanted), False

    def update_or_create(
        self, defaults: Mapping[str, Any] | None = None, **wanted: Any
    ) -> tuple[PluginConfig, bool]:
        """Store what `defaults` has of the row's fields."""
        row = self.get(**wanted)
        _set(row, defaults or {})
        row.save(update_fields=list(defaults or {}))
        return row, False

    def create(self, **fields: Any) -> PluginConfig:
        """Refused, as a second row of a key is: an installed plugin always has its row."""
        from django.db import IntegrityError  # noqa: PLC0415 - only plugins with Django expect it

        raise IntegrityError(f"UNIQUE constraint failed: plugins_pluginconfig.key ({fields.get('key')})")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.all(), name)


def _set(row: PluginConfig, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise TypeError(f"PluginConfig has no field {name!r}")
        setattr(row, name, value)


def _row(key: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = platform.call("config.get", plugin=key)
    if row is None:
        raise DoesNotExist("PluginConfig matching query does not exist.")
    return row


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


PluginConfig.objects = PluginConfigManager()
