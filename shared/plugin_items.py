"""One plugin as `GET /api/plugins/plugins/` lists it, and as plugins see one another."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared.contracts.data import PluginConfig
from shared.contracts.manifest import PluginView, Problem

_REPOSITORY: Final[dict[str, Any]] = {
    "source_repo": None,
    "source_repo_name": None,
    "is_official_repo": False,
    "slug": None,
    "is_managed": False,
    "installed_version_is_prerelease": False,
    "update_available": False,
    "latest_version": None,
    "deprecated": False,
}
"""What Dispatcharr says of a plugin that no repository manages."""


def plugin_item(
    view: PluginView, config: PluginConfig, *, settings: Mapping[str, Any], base: str | None
) -> dict[str, Any]:
    """The plugin's entry, JSON-shaped, with these settings; `logo_url` begins with `base`, or is None without."""
    placement = config.placement or view.execution.placement
    lives = config.enabled and placement == "home" and view.executor is not None
    logo = f"{base}/api/plugins/plugins/{quote(view.key, safe='')}/logo/"
    return {
        **{key: value for key, value in view.extra.items() if key not in _REPOSITORY},
        "key": view.key,
        "name": view.name or view.folder,
        "version": view.version,
        "description": view.description,
        "author": view.author,
        "help_url": view.help_url,
        "enabled": config.enabled,
        "ever_enabled": config.ever_enabled,
        "fields": [field.document() for field in view.fields],
        "settings": dict(settings),
        "actions": [action.document() for action in view.actions],
        "missing": view.missing,
        "trusted": config.ever_enabled,
        "loaded": view.loaded,
        "legacy": view.legacy,
        "logo_url": logo if base is not None and view.has_logo else None,
        **{key: _same_type(view.extra.get(key), default) for key, default in _REPOSITORY.items()},
        "navigation": view.navigation.document() if view.navigation else None,
        "pages": {name: page.document() for name, page in view.pages.items()},
        "digest": view.digest,
        "errors": [problem.model_dump() for problem in _errors(view)],
        "warnings": [problem.model_dump() for problem in view.warnings],
        "invalid": view.invalid,
        "load_error": view.load_error,
        "execution": view.execution.model_dump() | {"placement": placement},
        "executor": view.executor,
        "home": {"executor": view.executor, "site": view.site or ""} if lives else None,
        "placement": placement,
        "could_run_anywhere": placement == "home" and view.stateless,
        "sandbox": view.sandbox,
    }


def _errors(view: PluginView) -> list[Problem]:
    if view.load_error is None:
        return view.errors
    return [*view.errors, Problem(path="plugin", message=view.load_error)]


def _same_type(value: Any, default: Any) -> Any:
    wanted = bool if isinstance(default, bool) else str
    return value if isinstance(value, wanted) else default
