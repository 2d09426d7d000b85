"""One plugin as `GET /api/plugins/plugins/` lists it, and as plugins see one another."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared.contracts.data import PluginConfig
from shared.contracts.manifest import PluginView, Problem
from shared.contracts.ui import Page
from shared.contracts.ui.fields import FieldBase, TableField

PLACEHOLDER: Final = "********"
"""What stands for a password that is set: who gives it back keeps what is stored."""
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
        "fields": [without_secret(field) for field in view.fields],
        "settings": dict(settings),
        "actions": [without_defaults(action.document()) for action in view.actions],
        "missing": view.missing,
        "trusted": config.ever_enabled,
        "loaded": view.loaded,
        "legacy": view.legacy,
        "logo_url": logo if base is not None and view.has_logo else None,
        **{key: _same_type(view.extra.get(key), default) for key, default in _REPOSITORY.items()},
        "navigation": view.navigation.document() if view.navigation else None,
        "pages": {name: shown_page(page) for name, page in view.pages.items()},
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


def without_secret(field: FieldBase) -> dict[str, Any]:
    """A settings field without the default of a password, which may be computed from one that is in use."""
    document = field.document()
    default = document.get("default")
    if is_password(field) and default not in (None, ""):
        document["default"] = PLACEHOLDER
    if isinstance(field, TableField):
        _drop_defaults(document.get("columns"))
        names = {column.id for column in field.columns if is_password(column)}
        for row in default if isinstance(default, list) else ():
            if isinstance(row, dict):
                row |= {name: PLACEHOLDER for name in names if row.get(name) not in (None, "")}
    return document


def without_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the defaults of password fields anywhere in it; it is changed."""
    _drop_defaults(document)
    return document


def shown_page(page: Page) -> dict[str, Any]:
    """A page without the defaults of its forms' password fields: nobody gives these back as they were shown."""
    return without_defaults(page.document())


def is_password(field: FieldBase) -> bool:
    """Whether a field's value is a password."""
    return (field.input_type or "").lower() == "password"


def _drop_defaults(node: Any) -> None:
    match node:
        case dict():
            if str(node.get("input_type") or "").lower() == "password":
                node.pop("default", None)
            for below in node.values():
                _drop_defaults(below)
        case list():
            for below in node:
                _drop_defaults(below)


def _errors(view: PluginView) -> list[Problem]:
    if view.load_error is None:
        return view.errors
    return [*view.errors, Problem(path="plugin", message=view.load_error)]


def _same_type(value: Any, default: Any) -> Any:
    wanted = bool if isinstance(default, bool) else str
    return value if isinstance(value, wanted) else default
