"""The UI schema of plugins: fields, actions, navigation, pages and their components.

`ui_schema()` is its JSON Schema, kept as a golden file; the TypeScript types come from the same models.
"""

from typing import Any

from pydantic import Field

from shared.contracts.ui.actions import Action, Confirm, RowAction, Trigger
from shared.contracts.ui.base import UiModel
from shared.contracts.ui.components import COMPONENTS, Component, InvalidComponent
from shared.contracts.ui.conditions import Condition
from shared.contracts.ui.fields import FIELDS, FieldSpec, FormField, InvalidField
from shared.contracts.ui.navigation import Navigation, NavigationItem, navigation_item, sorted_items
from shared.contracts.ui.pages import Page, opening_page
from shared.contracts.ui.values import validate_values


class UiDocument(UiModel):
    """Everything that a plugin says to the UI."""

    fields: list[FieldSpec] = Field(default_factory=list)
    actions: list[Action] = Field(default_factory=list)
    navigation: Navigation | None = None
    pages: dict[str, Page] = Field(default_factory=dict)


def ui_schema() -> dict[str, Any]:
    """The JSON Schema of `UiDocument`, each noun once under `$defs`."""
    return UiDocument.model_json_schema()


__all__ = [
    "COMPONENTS",
    "FIELDS",
    "Action",
    "Component",
    "Condition",
    "Confirm",
    "FieldSpec",
    "FormField",
    "InvalidComponent",
    "InvalidField",
    "Navigation",
    "NavigationItem",
    "Page",
    "RowAction",
    "Trigger",
    "UiDocument",
    "UiModel",
    "navigation_item",
    "opening_page",
    "sorted_items",
    "ui_schema",
    "validate_values",
]
